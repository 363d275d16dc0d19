"""Whatever people do in whatever order: something may leave exactly when a consent to it stands."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from app.consents.agreements import Agreement
from app.consents.disclosure_rules import Asked, Permit, Refusal, Restriction, decide
from app.consents.errors import AlreadySigned, DocumentOutdated, SigningOnHold
from app.consents.kinds import Category, Purpose, Recipient, RecipientClass
from app.consents.rules import Attempt, Lack, Offer, check_signing, granted, lacking_before_dose

DAY = timedelta(days=1)
TREATMENT = "treatment_ketamine_off_label"
CATEGORIES = (Category.CHECK_INS, Category.TRENDS, Category.NOTES)
NAMES = ("Dr Weber", "Dr Klein")


@dataclass(frozen=True)
class Way:
    """One way in which something leaves: by which type, for what, to whom."""

    type: str
    purpose: Purpose
    kind: RecipientClass


WAYS = (
    Way("part2_tpo", Purpose.TREATMENT, RecipientClass.TREATING_PROVIDER),
    Way("part2_specific", Purpose.PATIENT_REQUEST, RecipientClass.OTHER),
    Way("research", Purpose.RESEARCH, RecipientClass.RESEARCHER),
    Way("webhook_share:ehr", Purpose.INTEGRATION, RecipientClass.CONNECTED_SYSTEM),
)
TYPES = (*(way.type for way in WAYS), TREATMENT)
names = st.sampled_from(NAMES)
some_categories = st.sets(st.sampled_from(CATEGORIES), min_size=1).map(frozenset)


class Ledger(RuleBasedStateMachine):
    """The rules on one side; on the other a table of what stands, kept by hand as anybody would."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.number = 0
        self.offers: dict[str, Offer] = {}
        self.versions: dict[str, int] = {}
        self.agreements: list[Agreement] = []
        self.held = False
        self.restricted: set[str] = set()
        self.standing: dict[tuple[str, str], tuple[int, frozenset[Category], datetime | None]] = {}
        self.treatment = "never"
        self.types: list[str] = []

    @initialize(chosen=st.sets(st.sampled_from(TYPES), min_size=1, max_size=2))
    def choose(self, chosen: set[str]) -> None:
        """A run is about one or two types, so that much happens to each."""
        self.types = sorted(chosen)

    def new_id(self) -> UUID:
        self.number += 1
        return UUID(int=self.number)

    @rule(data=st.data(), categories=some_categories, days=st.sampled_from([None, 1, 3]))
    def publish(self, data: st.DataObject, categories: frozenset[Category], days: int | None) -> None:
        consent_type = data.draw(st.sampled_from(self.types))
        before, new = self.offers.get(consent_type), self.new_id()
        if before is not None:
            self.old = replace(before, current_id=new)
        kind = next((way.kind for way in WAYS if way.type == consent_type), RecipientClass.OTHER)
        self.versions[consent_type] = self.versions.get(consent_type, 0) + 1
        self.offers[consent_type] = Offer(
            id=new,
            type=consent_type,
            language="en",
            text_hash=str(new),
            current_id=new,
            answers={},
            categories=categories,
            recipients=(Recipient(kind),) if consent_type in {"part2_tpo", "research"} else (),
            expires_after=None if days is None else days * DAY,
        )

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), name=names, categories=some_categories)
    def sign(self, data: st.DataObject, name: str, categories: frozenset[Category]) -> None:
        offer = self.offers[data.draw(st.sampled_from(sorted(self.offers)))]
        named = offer.type == "part2_specific"
        categories = categories & offer.categories if named else offer.categories
        attempt = Attempt(
            language="en",
            text_hash=offer.text_hash,
            answers={},
            recipients=(Recipient(RecipientClass.OTHER, name),) if named else (),
            categories=categories,
        )
        place = (offer.type, name if named else "")
        same = self.stands(place) and self.standing[place][:2] == (offer.id.int, categories)
        try:
            before = check_signing(offer, attempt, self.agreements, held=self.held, now=self.now)
        except SigningOnHold:
            assert self.held
            return
        except AlreadySigned:
            assert same
            return
        assert not self.held
        assert not same
        recipients, granted_categories = granted(offer, attempt)
        self.agreements = [
            replace(each, superseded=True) if before is not None and each.id == before.id else each
            for each in self.agreements
        ]
        purposes = frozenset(way.purpose for way in WAYS if way.type == offer.type)
        self.agreements.append(
            Agreement(
                id=self.new_id(),
                type=offer.type,
                document_id=offer.id,
                document_version=self.versions[offer.type],
                language="en",
                signed_at=self.now,
                expires_at=offer.ends(self.now),
                purposes=purposes,
                recipients=recipients,
                categories=granted_categories,
            )
        )
        self.standing[place] = (offer.id.int, categories, offer.ends(self.now))
        if offer.type == TREATMENT:
            self.treatment = "signed"

    @precondition(lambda self: self.standing)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.standing)))
        del self.standing[place]
        named = {place[1]} - {""}
        newest = [
            each
            for each in self.agreements
            if each.type == place[0] and (not named or {recipient.name for recipient in each.recipients} == named)
        ][-1]
        self.agreements = [replace(each, withdrawn_at=self.now) if each is newest else each for each in self.agreements]
        if place[0] == TREATMENT:
            self.treatment = "withdrawn"

    @rule(days=st.sampled_from([1, 1, 2]))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule()
    def arrive_or_leave(self) -> None:
        self.held = not self.held

    @rule(name=names)
    def restrict_or_lift(self, name: str) -> None:
        self.restricted ^= {name}

    @precondition(lambda self: hasattr(self, "old"))
    @rule()
    def sign_an_older_version(self) -> None:
        attempt = Attempt("en", self.old.text_hash, {}, categories=self.old.categories)
        try:
            check_signing(self.old, attempt, self.agreements, held=False, now=self.now)
        except DocumentOutdated:
            return
        raise AssertionError("an old version was signed")

    @rule(data=st.data(), name=names, categories=some_categories)
    def ask(self, data: st.DataObject, name: str, categories: frozenset[Category]) -> None:
        way = data.draw(st.sampled_from([way for way in WAYS if way.type in self.types] or list(WAYS)))
        recipient = Recipient(way.kind, "ehr" if way.type.startswith("webhook") else name)
        restrictions = [Restriction(name=each) for each in self.restricted]
        place = (way.type, name if way.type == "part2_specific" else "")
        covered = self.stands(place) and categories <= self.standing[place][1]
        expected = covered and recipient.name not in self.restricted

        decided = decide(Asked(recipient, way.purpose, categories), self.agreements, restrictions, self.now)

        assert isinstance(decided, Permit) == expected, decided
        if isinstance(decided, Permit):
            assert decided.agreement is not None
            assert decided.agreement.stands(self.now)
        elif covered:
            assert decided is Refusal.RESTRICTED

    @rule(required=st.booleans())
    def clear_for_a_dose(self, required: bool) -> None:
        newest = {(consent_type, "en"): version for consent_type, version in self.versions.items()}
        place = (TREATMENT, "")
        expected: Lack | None = None
        if self.treatment == "never":
            expected = Lack.NEVER_SIGNED if required else None
        elif self.treatment == "withdrawn":
            expected = Lack.WITHDRAWN
        elif not self.stands(place):
            expected = Lack.EXPIRED
        elif self.standing[place][0] != self.offers[TREATMENT].id.int:
            expected = Lack.OUTDATED

        lacking = lacking_before_dose(self.agreements, newest, [TREATMENT] if required else [], self.now)

        assert lacking == ({} if expected is None else {TREATMENT: expected})

    def stands(self, place: tuple[str, str]) -> bool:
        """Whether the table says that there is a consent, and that it has not run out."""
        if place not in self.standing:
            return False
        ends = self.standing[place][2]
        return ends is None or ends > self.now


Ledger.TestCase.settings = hypothesis.settings(max_examples=120, stateful_step_count=40, deadline=None)


TestLedger = Ledger.TestCase
"""Sign, withdraw, publish, wait, hold, restrict, ask: in any order."""
