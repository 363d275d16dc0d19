"""What patients can agree to, and what each kind of agreement allows. Tables.

A lawyer or a clinician should be able to read and correct the tables. They follow 42 CFR Part 2 (rule of 16 February
2024): 2.31 what a consent says, 2.33 what treatment, payment and operations may cover, 2.26 restrictions, 2.51 medical
emergencies, 2.61 and following: courts are answered by counsel. State law about minors is not in here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PART2_NOTICE: Final = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The short form of the notice that travels with every disclosure (2.32)."""


class ConsentKind(StrEnum):
    """The kinds of consent. A type is a kind; only `webhook_share` names its endpoint: `webhook_share:{endpoint}`."""

    TREATMENT = "treatment_ketamine_off_label"
    APP = "data_processing_app"
    PART2_TPO = "part2_tpo"
    PART2_SPECIFIC = "part2_specific"
    RESEARCH = "research"
    RECORDING = "recording"
    CONTACT_PERSON = "contact_person_release"
    WEBHOOK_SHARE = "webhook_share"


class Purpose(StrEnum):
    """What for something leaves. `integration` is a system that the clinic has connected to itself."""

    TREATMENT = "treatment"
    PAYMENT = "payment"
    OPERATIONS = "operations"
    RESEARCH = "research"
    CONTACT_PERSON = "contact_person"
    INTEGRATION = "integration"
    PATIENT_REQUEST = "patient_request"
    LEGAL_PROCEEDINGS = "legal_proceedings"
    MEDICAL_EMERGENCY = "medical_emergency"
    PATIENT_ACCESS = "patient_access"


class Category(StrEnum):
    """What kind of information leaves. `notes` are the patient's own words."""

    PROFILE = "profile"
    CHECK_INS = "check_ins"
    NOTES = "notes"
    TRENDS = "trends"
    DOSING_SESSIONS = "dosing_sessions"
    APPOINTMENTS = "appointments"
    CARE_PLAN = "care_plan"
    ALERTS = "alerts"
    CONSENTS = "consents"
    RECORDINGS = "recordings"
    COUNSELLING_NOTES = "counselling_notes"


class RecipientClass(StrEnum):
    """What somebody is who receives something. `programme_helper`: people who help to operate the clinic."""

    TREATING_PROVIDER = "treating_provider"
    HEALTH_PLAN = "health_plan"
    THIRD_PARTY_PAYER = "third_party_payer"
    PROGRAMME_HELPER = "programme_helper"
    INTERMEDIARY = "intermediary"
    RESEARCHER = "researcher"
    CONTACT_PERSON = "contact_person"
    CONNECTED_SYSTEM = "connected_system"
    EMERGENCY_SERVICE = "emergency_service"
    PATIENT = "patient"
    OTHER = "other"


class NamedBy(StrEnum):
    """Who says to whom something may go: the document, its signer, the type itself, or nobody: nothing leaves."""

    DOCUMENT = "document"
    SIGNER = "signer"
    TYPE = "type"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a kind of consent is: what it can let leave, who names the recipients, and how it is signed."""

    permits: frozenset[Purpose] = frozenset()
    recipients: NamedBy = NamedBy.NOBODY
    needs_capacity: bool = False
    """Whether the signer states that they are sober, not in withdrawal, and free to say no."""


TERMS: Final[dict[ConsentKind, Terms]] = {
    ConsentKind.TREATMENT: Terms(needs_capacity=True),
    ConsentKind.APP: Terms(),
    ConsentKind.PART2_TPO: Terms(frozenset({Purpose.TREATMENT, Purpose.PAYMENT, Purpose.OPERATIONS}), NamedBy.DOCUMENT),
    ConsentKind.PART2_SPECIFIC: Terms(
        frozenset({Purpose.TREATMENT, Purpose.PAYMENT, Purpose.OPERATIONS, Purpose.PATIENT_REQUEST}), NamedBy.SIGNER
    ),
    ConsentKind.RESEARCH: Terms(frozenset({Purpose.RESEARCH}), NamedBy.DOCUMENT, needs_capacity=True),
    ConsentKind.RECORDING: Terms(),
    ConsentKind.CONTACT_PERSON: Terms(frozenset({Purpose.CONTACT_PERSON}), NamedBy.SIGNER),
    ConsentKind.WEBHOOK_SHARE: Terms(frozenset({Purpose.INTEGRATION}), NamedBy.TYPE),
}
"""No kind permits `legal_proceedings`; `medical_emergency` and `patient_access` need no consent."""

MAY_STAY_NAMELESS: Final = frozenset(
    {
        RecipientClass.TREATING_PROVIDER,
        RecipientClass.HEALTH_PLAN,
        RecipientClass.THIRD_PARTY_PAYER,
        RecipientClass.PROGRAMME_HELPER,
        RecipientClass.RESEARCHER,
    }
)
"""Who may be meant as a class ("my treating providers"). All others are named, intermediaries too (2.31(a)(4))."""

KEPT_APART: Final = Category.COUNSELLING_NOTES
"""Leaves only by a `part2_specific` consent to nothing else (2.31(b))."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One who receives. In a consent, no name means everyone of the class."""

    kind: RecipientClass
    name: str | None = None

    def covers(self, other: "Recipient") -> bool:
        """Whether a consent that says this one speaks of the other."""
        return self.kind is other.kind and (self.name is None or _same(self.name, other.name))

    @property
    def key(self) -> tuple[str, str]:
        """The same for two spellings of one."""
        return self.kind, plain(self.name or "")


def plain(name: str) -> str:
    """The same for two spellings of one name."""
    return " ".join(name.casefold().split())


def _same(one: str, other: str | None) -> bool:
    return other is not None and plain(one) == plain(other)


def kind_of(consent_type: str) -> ConsentKind:
    """The kind of a type; `ValueError` when there is no such type."""
    kind, _, endpoint = consent_type.partition(":")
    found = ConsentKind(kind)
    if (found is ConsentKind.WEBHOOK_SHARE) != bool(endpoint):
        msg = "only webhook_share names an endpoint, and it always does"
        raise ValueError(msg)
    return found
