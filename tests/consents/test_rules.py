"""What a document may say, when it can be signed, and which consents a dose needs: as tables."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.consents.agreements import Agreement, ConsentStatus, as_of
from app.consents.errors import AlreadySigned, ComprehensionNeeded, DocumentMismatch, DocumentOutdated, SigningOnHold
from app.consents.kinds import TERMS, Category, ConsentKind, NamedBy, Purpose, Recipient, RecipientClass, kind_of
from app.consents.rules import (
    Attempt,
    Lack,
    Offer,
    SignerKind,
    check_signing,
    document_faults,
    granted,
    lacking_before_dose,
    signing_faults,
)
from app.core.errors import Problem

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DOCTORS = Recipient(RecipientClass.TREATING_PROVIDER)
WEBER = Recipient(RecipientClass.OTHER, "Dr Weber")
TREATMENT = ConsentKind.TREATMENT.value


def an_offer(consent_type: str = "part2_tpo", **but: object) -> Offer:
    plain = Offer(
        id=UUID(int=1),
        type=consent_type,
        language="en",
        text_hash="hash",
        current_id=UUID(int=1),
        answers={"stop": "any_time"},
        categories=frozenset({Category.CHECK_INS, Category.TRENDS}),
        recipients=(DOCTORS,),
    )
    return replace(plain, **but)  # type: ignore[arg-type]


def an_attempt(**but: object) -> Attempt:
    return replace(Attempt(language="en", text_hash="hash", answers={"stop": "any_time"}), **but)  # type: ignore[arg-type]


def an_agreement(consent_type: str = TREATMENT, number: int = 7, **but: object) -> Agreement:
    plain = Agreement(
        UUID(int=number), consent_type, UUID(int=1), 1, "en", NOON - DAY, categories=an_offer().categories
    )
    return replace(plain, **but)  # type: ignore[arg-type]


class TestKinds:
    @pytest.mark.parametrize("kind", ConsentKind)
    def test_each_has_its_terms(self, kind: ConsentKind) -> None:
        assert bool(TERMS[kind].permits) == (TERMS[kind].recipients is not NamedBy.NOBODY)

    def test_none_is_good_for_courts_emergencies_or_the_patients_own_copy(self) -> None:
        permitted = {purpose for terms in TERMS.values() for purpose in terms.permits}

        assert permitted == set(Purpose) - {
            Purpose.LEGAL_PROCEEDINGS,
            Purpose.MEDICAL_EMERGENCY,
            Purpose.PATIENT_ACCESS,
        }

    @pytest.mark.parametrize("consent_type", ["", "other", "webhook_share", "webhook_share:", "research:1"])
    def test_there_is_no_other_type(self, consent_type: str) -> None:
        with pytest.raises(ValueError, match=r"endpoint|valid"):
            kind_of(consent_type)


class TestRecipients:
    @pytest.mark.parametrize(
        ("said", "other", "covered"),
        [
            (DOCTORS, Recipient(RecipientClass.TREATING_PROVIDER, "Dr Weber"), True),
            (DOCTORS, DOCTORS, True),
            (DOCTORS, Recipient(RecipientClass.HEALTH_PLAN, "Dr Weber"), False),
            (WEBER, Recipient(RecipientClass.OTHER, " DR  weber "), True),
            (WEBER, Recipient(RecipientClass.OTHER, "Dr Weberling"), False),
            (WEBER, Recipient(RecipientClass.OTHER), False),
            (WEBER, Recipient(RecipientClass.CONTACT_PERSON, "Dr Weber"), False),
        ],
    )
    def test_a_class_covers_everyone_of_it_and_a_name_only_that_one(
        self, said: Recipient, other: Recipient, covered: bool
    ) -> None:
        assert said.covers(other) is covered


class TestDocuments:
    @pytest.mark.parametrize(
        ("consent_type", "purposes", "recipients", "categories", "codes"),
        [
            (TREATMENT, [], [], [], []),
            (TREATMENT, ["treatment"], [], [], ["purpose_not_for_type"]),
            (TREATMENT, [], [DOCTORS], [], ["recipients_not_here"]),
            (TREATMENT, [], [], ["check_ins"], ["nothing_leaves"]),
            ("part2_tpo", ["treatment", "payment"], [DOCTORS], ["check_ins"], []),
            ("part2_tpo", ["research"], [DOCTORS], ["check_ins"], ["purpose_not_for_type"]),
            ("part2_tpo", [], [], [], ["purpose_missing", "categories_missing", "recipients_missing"]),
            ("part2_tpo", ["payment"], [Recipient(RecipientClass.INTERMEDIARY)], ["trends"], ["name_missing"]),
            ("part2_tpo", ["payment"], [Recipient(RecipientClass.INTERMEDIARY, "Hub")], ["trends"], []),
            ("part2_tpo", ["payment"], [DOCTORS], ["trends", "counselling_notes"], ["kept_apart"]),
            ("part2_specific", ["patient_request"], [], ["check_ins"], []),
            ("part2_specific", ["patient_request"], [WEBER], ["check_ins"], ["recipients_not_here"]),
            ("part2_specific", ["treatment"], [], ["counselling_notes"], []),
            ("part2_specific", ["treatment"], [], ["counselling_notes", "trends"], ["kept_apart"]),
            ("research", ["research"], [Recipient(RecipientClass.RESEARCHER)], ["check_ins"], []),
            ("contact_person_release", ["contact_person"], [], ["alerts"], []),
            ("webhook_share:ehr", ["integration"], [], ["check_ins"], []),
            ("webhook_share:ehr", ["treatment"], [], ["check_ins"], ["purpose_not_for_type"]),
            ("recording", [], [], [], []),
        ],
    )
    def test_say_what_fits_their_type(
        self,
        consent_type: str,
        purposes: list[str],
        recipients: list[Recipient],
        categories: list[str],
        codes: list[str],
    ) -> None:
        faults = document_faults(
            consent_type, [Purpose(each) for each in purposes], recipients, [Category(each) for each in categories]
        )

        assert [fault.code for fault in faults] == codes


class TestSigning:
    def test_the_current_text_understood_and_unsigned(self) -> None:
        assert check_signing(an_offer(), an_attempt(), [], held=False, now=NOON) is None

    @pytest.mark.parametrize(
        ("offer", "attempt", "held", "problem"),
        [
            (an_offer(), an_attempt(), True, SigningOnHold),
            (an_offer(current_id=UUID(int=2)), an_attempt(), False, DocumentOutdated),
            (an_offer(expires_at=NOON), an_attempt(), False, DocumentOutdated),
            (an_offer(), an_attempt(language="de"), False, DocumentMismatch),
            (an_offer(), an_attempt(text_hash="other"), False, DocumentMismatch),
            (an_offer(), an_attempt(answers={}), False, ComprehensionNeeded),
            (an_offer(), an_attempt(answers={"stop": "never"}), False, ComprehensionNeeded),
        ],
    )
    def test_what_is_refused(self, offer: Offer, attempt: Attempt, held: bool, problem: type[Problem]) -> None:
        with pytest.raises(problem):
            check_signing(offer, attempt, [], held=held, now=NOON)

    def test_answers_to_other_questions_do_no_harm(self) -> None:
        attempt = an_attempt(answers={"stop": "any_time", "other": "x"})

        assert check_signing(an_offer(), attempt, [], held=False, now=NOON) is None

    def test_the_same_document_twice(self) -> None:
        signed = an_agreement("part2_tpo")

        with pytest.raises(AlreadySigned) as refusal:
            check_signing(an_offer(), an_attempt(), [signed], held=False, now=NOON)

        assert refusal.value.members == {"consent_id": str(signed.id)}

    @pytest.mark.parametrize(
        ("earlier", "is_replaced"),
        [
            (an_agreement("part2_tpo", document_id=UUID(int=9)), True),
            (an_agreement("part2_tpo", categories=frozenset({Category.TRENDS})), True),
            (an_agreement("part2_tpo", withdrawn_at=NOON), False),
            (an_agreement("part2_tpo", expires_at=NOON), False),
            (an_agreement("part2_tpo", superseded=True), False),
            (an_agreement("research"), False),
        ],
    )
    def test_a_newer_one_takes_the_place_of_what_stands(self, earlier: Agreement, is_replaced: bool) -> None:
        before = check_signing(an_offer(), an_attempt(), [earlier], held=False, now=NOON)

        assert before == (earlier if is_replaced else None)

    def test_who_is_named_by_the_signer_has_a_place_of_their_own(self) -> None:
        offer, attempt = an_offer("part2_specific"), an_attempt(recipients=(WEBER,), categories=an_offer().categories)
        for_another = an_agreement("part2_specific", recipients=(Recipient(RecipientClass.OTHER, "Dr Klein"),))
        for_him = an_agreement("part2_specific", recipients=(WEBER,), document_id=UUID(int=9))

        assert check_signing(offer, attempt, [for_another], held=False, now=NOON) is None
        assert check_signing(offer, attempt, [for_another, for_him], held=False, now=NOON) == for_him

    @pytest.mark.parametrize(
        ("consent_type", "recipients", "categories"),
        [
            ("part2_tpo", (DOCTORS,), {Category.CHECK_INS, Category.TRENDS}),
            ("part2_specific", (WEBER,), {Category.TRENDS}),
            (
                "webhook_share:ehr",
                (Recipient(RecipientClass.CONNECTED_SYSTEM, "ehr"),),
                {Category.CHECK_INS, Category.TRENDS},
            ),
        ],
    )
    def test_who_says_what_may_leave(
        self, consent_type: str, recipients: tuple[Recipient, ...], categories: set[Category]
    ) -> None:
        attempt = an_attempt(recipients=(WEBER,), categories=frozenset({Category.TRENDS}))

        assert granted(an_offer(consent_type), attempt) == (recipients, frozenset(categories))

    @pytest.mark.parametrize(
        ("consent_type", "attempt", "codes"),
        [
            ("part2_tpo", an_attempt(), []),
            ("part2_tpo", an_attempt(recipients=(WEBER,)), ["said_by_the_document"]),
            ("part2_tpo", an_attempt(categories=frozenset({Category.TRENDS})), ["said_by_the_document"]),
            ("part2_tpo", an_attempt(signer=SignerKind.GUARDIAN), ["relationship_missing", "witness_missing"]),
            (
                "part2_tpo",
                an_attempt(signer=SignerKind.REPRESENTATIVE, relationship="sister", has_witness=True),
                [],
            ),
            (TREATMENT, an_attempt(), ["capacity_missing"]),
            ("research", an_attempt(), ["capacity_missing"]),
            (TREATMENT, an_attempt(states_capacity=True), []),
            ("part2_specific", an_attempt(), ["recipients_missing", "categories_missing"]),
            (
                "part2_specific",
                an_attempt(recipients=(WEBER, DOCTORS), categories=frozenset({Category.NOTES})),
                ["name_missing", "category_not_offered"],
            ),
        ],
    )
    def test_what_is_missing_is_pointed_at(self, consent_type: str, attempt: Attempt, codes: list[str]) -> None:
        assert [fault.code for fault in signing_faults(an_offer(consent_type), attempt)] == codes

    @pytest.mark.parametrize(
        ("offer", "ends"),
        [
            (an_offer(), None),
            (an_offer(expires_after=3 * DAY), NOON + 3 * DAY),
            (an_offer(expires_at=NOON + DAY), NOON + DAY),
            (an_offer(expires_at=NOON + DAY, expires_after=3 * DAY), NOON + DAY),
            (an_offer(expires_at=NOON + 9 * DAY, expires_after=3 * DAY), NOON + 3 * DAY),
        ],
    )
    def test_it_ends_when_the_first_of_both_comes(self, offer: Offer, ends: datetime | None) -> None:
        assert offer.ends(NOON) == ends


class TestStatus:
    @pytest.mark.parametrize(
        ("but", "status"),
        [
            ({}, ConsentStatus.IN_FORCE),
            ({"expires_at": NOON + timedelta(microseconds=1)}, ConsentStatus.IN_FORCE),
            ({"expires_at": NOON}, ConsentStatus.EXPIRED),
            ({"superseded": True}, ConsentStatus.SUPERSEDED),
            ({"withdrawn_at": NOON}, ConsentStatus.WITHDRAWN),
            ({"withdrawn_at": NOON + DAY}, ConsentStatus.WITHDRAWN),
            ({"withdrawn_at": NOON, "superseded": True, "expires_at": NOON}, ConsentStatus.WITHDRAWN),
        ],
    )
    def test_is_that_of_the_moment(self, but: dict[str, Any], status: ConsentStatus) -> None:
        assert an_agreement(**but).status(NOON) is status

    def test_as_it_was_before_it_was_withdrawn(self) -> None:
        agreement = an_agreement(withdrawn_at=NOON)

        assert as_of(agreement, NOON - DAY).withdrawn_at is None
        assert as_of(agreement, NOON) is agreement


class TestBeforeADose:
    NEWEST: dict[tuple[str, str], int] = {(TREATMENT, "en"): 1, ("data_processing_app", "en"): 1}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("agreements", "required", "lacking"),
        [
            ([], [], {}),
            ([], [TREATMENT], {TREATMENT: Lack.NEVER_SIGNED}),
            ([], ["data_processing_app"], {"data_processing_app": Lack.NEVER_SIGNED}),
            ([an_agreement()], [TREATMENT], {}),
            ([an_agreement(withdrawn_at=NOON)], [], {TREATMENT: Lack.WITHDRAWN}),
            ([an_agreement(expires_at=NOON)], [], {TREATMENT: Lack.EXPIRED}),
            ([an_agreement(document_version=0)], [], {TREATMENT: Lack.OUTDATED}),
            ([an_agreement(document_version=0, language="de")], [], {}),
            ([an_agreement("research", withdrawn_at=NOON)], [], {}),
            ([an_agreement("data_processing_app", withdrawn_at=NOON)], [], {}),
            (
                [an_agreement("data_processing_app", withdrawn_at=NOON)],
                ["data_processing_app"],
                {"data_processing_app": Lack.WITHDRAWN},
            ),
            ([an_agreement(withdrawn_at=NOON - DAY), an_agreement(number=8, signed_at=NOON)], [], {}),
            (
                [an_agreement(superseded=True), an_agreement(number=8, signed_at=NOON, withdrawn_at=NOON)],
                [],
                {TREATMENT: Lack.WITHDRAWN},
            ),
        ],
    )
    def test_what_it_lacks(self, agreements: list[Agreement], required: list[str], lacking: dict[str, Lack]) -> None:
        assert lacking_before_dose(agreements, self.NEWEST, required, NOON) == lacking

    @pytest.mark.parametrize(
        ("agreements", "lacking"),
        [
            ([an_agreement(withdrawn_at=NOON + DAY)], {}),
            ([an_agreement(superseded=True), an_agreement(number=8, signed_at=NOON + DAY)], {}),
            ([an_agreement(withdrawn_at=NOON - timedelta(hours=1))], {TREATMENT: Lack.WITHDRAWN}),
        ],
    )
    def test_a_dose_in_the_past_goes_by_what_stood_then(
        self, agreements: list[Agreement], lacking: dict[str, Lack]
    ) -> None:
        assert lacking_before_dose(agreements, {}, (), NOON) == lacking


def test_the_order_of_what_is_checked_first() -> None:
    """A patient in a session is told so, whatever else is wrong."""
    check: Callable[[], object] = lambda: check_signing(  # noqa: E731
        an_offer(current_id=None), an_attempt(text_hash="x", answers={}), [], held=True, now=NOON
    )

    with pytest.raises(SigningOnHold):
        check()
