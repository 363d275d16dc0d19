"""What may leave on the strength of which consent: as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.consents.agreements import Agreement
from app.consents.disclosure_rules import Asked, Basis, Permit, Refusal, Restriction, decide
from app.consents.kinds import Category, Purpose, Recipient, RecipientClass

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
DOCTOR = Recipient(RecipientClass.TREATING_PROVIDER, "Dr Weber")
PATIENT = Recipient(RecipientClass.PATIENT)
AMBULANCE = Recipient(RecipientClass.EMERGENCY_SERVICE, "Ambulance 4, Dr Roth")
CHECK_INS = frozenset({Category.CHECK_INS})


def an_agreement(consent_type: str = "part2_tpo", number: int = 7, **but: object) -> Agreement:
    plain = Agreement(
        id=UUID(int=number),
        type=consent_type,
        document_id=UUID(int=1),
        document_version=1,
        language="en",
        signed_at=NOON - DAY,
        purposes=frozenset({Purpose.TREATMENT}),
        recipients=(Recipient(RecipientClass.TREATING_PROVIDER),),
        categories=frozenset({Category.CHECK_INS, Category.TRENDS}),
    )
    return replace(plain, **but)  # type: ignore[arg-type]


def asked(**but: object) -> Asked:
    return replace(Asked(DOCTOR, Purpose.TREATMENT, CHECK_INS), **but)  # type: ignore[arg-type]


TPO = an_agreement()


class TestConsents:
    @pytest.mark.parametrize(
        "agreement",
        [
            TPO,
            an_agreement("part2_specific"),
            an_agreement(recipients=(DOCTOR,)),
            an_agreement(expires_at=NOON + DAY),
        ],
    )
    def test_one_that_stands_and_covers_all_of_it_allows_it(self, agreement: Agreement) -> None:
        assert decide(asked(), [agreement], [], NOON) == Permit(Basis.CONSENT, agreement)

    @pytest.mark.parametrize(
        ("agreements", "refusal"),
        [
            ([], Refusal.NO_CONSENT),
            ([an_agreement("research")], Refusal.NO_CONSENT),
            ([an_agreement("treatment_ketamine_off_label")], Refusal.NO_CONSENT),
            ([an_agreement("data_processing_app")], Refusal.NO_CONSENT),
            ([an_agreement("webhook_share:ehr")], Refusal.NO_CONSENT),
            ([an_agreement(superseded=True)], Refusal.NO_CONSENT),
            ([an_agreement(withdrawn_at=NOON)], Refusal.WITHDRAWN),
            ([an_agreement(expires_at=NOON)], Refusal.EXPIRED),
            ([an_agreement(purposes=frozenset({Purpose.PAYMENT}))], Refusal.PURPOSE_NOT_COVERED),
            ([an_agreement(recipients=(replace(DOCTOR, name="Dr Klein"),))], Refusal.RECIPIENT_NOT_COVERED),
            ([an_agreement(recipients=())], Refusal.RECIPIENT_NOT_COVERED),
            ([an_agreement(categories=frozenset({Category.TRENDS}))], Refusal.CATEGORIES_NOT_COVERED),
            (
                [an_agreement(withdrawn_at=NOON), an_agreement(recipients=())],
                Refusal.RECIPIENT_NOT_COVERED,
            ),
        ],
    )
    def test_anything_else_is_refused_with_the_nearest_reason(
        self, agreements: list[Agreement], refusal: Refusal
    ) -> None:
        assert decide(asked(), agreements, [], NOON) is refusal

    def test_all_categories_go_by_one_consent_or_none_does(self) -> None:
        both = asked(categories=frozenset({Category.CHECK_INS, Category.NOTES}))
        notes_too = an_agreement("part2_specific", 8, categories=frozenset({Category.NOTES}))

        assert decide(both, [TPO, notes_too], [], NOON) is Refusal.CATEGORIES_NOT_COVERED

    def test_the_latest_of_several_is_the_one_to_name(self) -> None:
        later = an_agreement("part2_specific", 8, signed_at=NOON)

        assert decide(asked(), [later, TPO], [], NOON) == Permit(Basis.CONSENT, later)

    @pytest.mark.parametrize(
        ("consent_type", "purpose", "kind"),
        [
            ("research", Purpose.RESEARCH, RecipientClass.RESEARCHER),
            ("contact_person_release", Purpose.CONTACT_PERSON, RecipientClass.CONTACT_PERSON),
            ("webhook_share:ehr", Purpose.INTEGRATION, RecipientClass.CONNECTED_SYSTEM),
            ("part2_specific", Purpose.PATIENT_REQUEST, RecipientClass.OTHER),
        ],
    )
    def test_each_purpose_has_its_own_type(self, consent_type: str, purpose: Purpose, kind: RecipientClass) -> None:
        recipient = Recipient(kind, "ehr")
        wanted = asked(recipient=recipient, purpose=purpose)
        own = an_agreement(consent_type, purposes=frozenset({purpose}), recipients=(recipient,))
        forged = an_agreement(purposes=frozenset({purpose}), recipients=(recipient,))

        assert decide(wanted, [own], [], NOON) == Permit(Basis.CONSENT, own)
        assert decide(wanted, [forged], [], NOON) is Refusal.NO_CONSENT


class TestWithoutConsent:
    def test_the_patients_own_copy(self) -> None:
        own = asked(recipient=PATIENT, purpose=Purpose.PATIENT_ACCESS)

        assert decide(own, [], [Restriction()], NOON) == Permit(Basis.PATIENT_ACCESS)
        assert decide(replace(own, recipient=DOCTOR), [TPO], [], NOON) is Refusal.WRONG_RECIPIENT

    def test_an_emergency_with_a_reason(self) -> None:
        emergency = asked(recipient=AMBULANCE, purpose=Purpose.MEDICAL_EMERGENCY, reason="Unconscious.")

        assert decide(emergency, [], [Restriction()], NOON) == Permit(Basis.MEDICAL_EMERGENCY)
        assert decide(replace(emergency, reason=" "), [], [], NOON) is Refusal.REASON_MISSING
        assert decide(replace(emergency, recipient=DOCTOR), [], [], NOON) is Refusal.WRONG_RECIPIENT

    def test_courts_are_answered_by_counsel(self) -> None:
        assert decide(asked(purpose=Purpose.LEGAL_PROCEEDINGS), [TPO], [], NOON) is Refusal.LEGAL_PROCESS


class TestRestrictions:
    @pytest.mark.parametrize(
        ("restriction", "binds"),
        [
            (Restriction(), True),
            (Restriction(name="dr WEBER"), True),
            (Restriction(name="Dr Klein"), False),
            (Restriction(kind=RecipientClass.TREATING_PROVIDER), True),
            (Restriction(kind=RecipientClass.HEALTH_PLAN), False),
            (Restriction(kind=RecipientClass.TREATING_PROVIDER, name="Dr Klein"), False),
            (Restriction(purposes=frozenset({Purpose.TREATMENT})), True),
            (Restriction(purposes=frozenset({Purpose.PAYMENT})), False),
            (Restriction(categories=frozenset({Category.CHECK_INS, Category.NOTES})), True),
            (Restriction(categories=frozenset({Category.NOTES})), False),
            (Restriction(name="Dr Weber", purposes=frozenset({Purpose.PAYMENT})), False),
        ],
    )
    def test_bind_what_they_speak_of(self, restriction: Restriction, binds: bool) -> None:
        decided = decide(asked(), [TPO], [restriction], NOON)

        assert decided == (Refusal.RESTRICTED if binds else Permit(Basis.CONSENT, TPO))
