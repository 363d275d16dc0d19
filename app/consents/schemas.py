"""Consents, documents, restrictions and disclosures on the wire."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.consents.agreements import ConsentStatus
from app.consents.disclosure_rules import Basis, Refusal
from app.consents.kinds import Category, ConsentKind, Purpose, RecipientClass
from app.consents.rules import SignerKind
from app.core.fields import Moment, Note, ShortText
from app.core.schemas import Incoming, Outgoing

_PLAIN_TYPES = "|".join(kind.value for kind in ConsentKind if kind is not ConsentKind.WEBHOOK_SHARE)
MAX_TEXT = 100_000
MAX_QUESTIONS = 20

ConsentType = Annotated[
    str,
    Field(
        pattern=rf"^({_PLAIN_TYPES}|webhook_share:[a-z0-9_-]{{1,64}})$",
        description="What it is a consent to: `treatment_ketamine_off_label`, `data_processing_app`, `part2_tpo` "
        "(treatment, payment and operations), `part2_specific` (one recipient), `research`, `recording`, "
        "`contact_person_release`, or `webhook_share:{endpoint}`.",
        examples=["part2_tpo"],
    ),
]
Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,
        description="Language of the text (BCP 47).",
        examples=["en"],
    ),
]
TextHash = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the text in UTF-8, in hexadecimal.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
Purposes = Annotated[list[Purpose], Field(max_length=len(Purpose), description="What the information may be used for.")]
Categories = Annotated[list[Category], Field(max_length=len(Category), description="Which information this is about.")]
QuestionKey = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Key of the question.", examples=["stop"])
]
ChoiceKey = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$", description="Key of the answer.", examples=["any_time"])
]
ConsentId = Annotated[UUID, Field(description="The consent's id.")]
DocumentId = Annotated[UUID, Field(description="The document's id.")]
DocumentVersion = Annotated[
    int, Field(description="Counts the versions of a type in one language, from 1.", examples=[1])
]


class ConsentRecipientWrite(Incoming):
    """One who may receive: somebody by name, or everyone of a class."""

    recipient_class: Annotated[RecipientClass, Field(description="What they are.", examples=["treating_provider"])]
    name: Annotated[
        ShortText | None,
        Field(description="Who exactly; null for everyone of the class, where it may be a class.", examples=[None]),
    ] = None


class ConsentRecipient(Outgoing):
    """One who may receive: somebody by name, or everyone of a class."""

    recipient_class: Annotated[RecipientClass, Field(description="What they are.", examples=["treating_provider"])]
    name: Annotated[str | None, Field(description="Who exactly; null for everyone of the class.", examples=[None])]


Recipients = Annotated[list[ConsentRecipient], Field(description="Who may receive it.")]


class ConsentChoiceWrite(Incoming):
    """One possible answer."""

    key: ChoiceKey
    text: Annotated[ShortText, Field(description="The words of the answer.", examples=["At any time"])]


class ConsentChoice(Outgoing):
    """One possible answer."""

    key: ChoiceKey
    text: Annotated[str, Field(description="The words of the answer.", examples=["At any time"])]


def _tell_apart(choices: list[ConsentChoiceWrite]) -> list[ConsentChoiceWrite]:
    if len({choice.key for choice in choices}) < len(choices):
        code = "doubled_key"
        raise PydanticCustomError(code, "Each answer has its own key.")
    return choices


class ConsentQuestionWrite(Incoming):
    """A question by which the patient tells back what the text says (teach-back)."""

    key: QuestionKey
    text: Annotated[
        str, Field(min_length=1, max_length=500, description="The question.", examples=["When can I stop?"])
    ]
    choices: Annotated[
        list[ConsentChoiceWrite],
        Field(min_length=2, max_length=8, description="The possible answers."),
        AfterValidator(_tell_apart),
    ]
    correct: Annotated[ChoiceKey, Field(description="Key of the answer that the text gives.")]

    @model_validator(mode="after")
    def _is_among_them(self) -> Self:
        if self.correct not in {choice.key for choice in self.choices}:
            code = "unknown_choice"
            raise PydanticCustomError(code, "The right answer is one of the choices.")
        return self


def _ask_once(questions: list[ConsentQuestionWrite]) -> list[ConsentQuestionWrite]:
    if len({question.key for question in questions}) < len(questions):
        code = "doubled_key"
        raise PydanticCustomError(code, "Each question has its own key.")
    return questions


class ConsentDocumentWrite(Incoming):
    """A text to be signed from now on, instead of the version before."""

    type: ConsentType
    language: Language
    title: Annotated[ShortText, Field(description="What it is called.", examples=["Sharing for your care"])]
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_TEXT,
            description="What the patient reads, as plain text; lines with `#` are headings, with `-` items of a list. "
            "It is shown, hashed and kept exactly as it is sent.",
            examples=["# Sharing for your care\n\nYour clinic may tell your doctors how you are."],
        ),
    ]
    questions: Annotated[
        list[ConsentQuestionWrite],
        Field(default_factory=list, max_length=MAX_QUESTIONS, description="Answered before signing."),
        AfterValidator(_ask_once),
    ]
    purposes: Annotated[Purposes, Field(default_factory=list)]
    recipients: Annotated[
        list[ConsentRecipientWrite],
        Field(default_factory=list, max_length=50, description="Who may receive it, where the document says so."),
    ]
    categories: Annotated[Categories, Field(default_factory=list)]
    expires_after_days: Annotated[
        int | None,
        Field(strict=True, ge=1, le=3660, description="Days after signing when a consent runs out; null for never."),
    ] = None
    expires_at: Annotated[
        Moment | None, Field(description="When every consent to this version runs out; null for never.")
    ] = None


class ConsentQuestion(Outgoing):
    """A question about the text."""

    key: QuestionKey
    text: Annotated[str, Field(description="The question.")]
    choices: Annotated[list[ConsentChoice], Field(description="The possible answers.")]
    correct: Annotated[
        str | None, Field(description="The answer that the text gives; null for patients, who are asked.")
    ]


class ConsentDocumentSummary(Outgoing):
    """A line of the list of documents."""

    id: DocumentId
    type: ConsentType
    language: Language
    version: DocumentVersion
    current: Annotated[bool, Field(description="Whether this is the newest of its type and language: the one to sign.")]
    title: Annotated[str, Field(description="What it is called.")]
    text_hash: TextHash
    published_at: Annotated[Moment, Field(description="When it was published.")]
    published_by: Annotated[UUID, Field(description="The member of staff who published it.")]


class ConsentDocument(ConsentDocumentSummary):
    """A text that patients can agree to. No version is ever changed."""

    text: Annotated[str, Field(description="What the patient reads. Show it as it is.")]
    questions: Annotated[list[ConsentQuestion], Field(description="To be answered before signing.")]
    purposes: Purposes
    recipients: Annotated[list[ConsentRecipient], Field(description="Who may receive it; empty where the signer says.")]
    categories: Categories
    expires_after_days: Annotated[int | None, Field(description="Days after which a consent runs out; null for never.")]
    expires_at: Annotated[Moment | None, Field(description="When all consents to it run out; null for never.")]


class ConsentDocumentPage(Outgoing):
    """A page of documents, the latest published first."""

    items: Annotated[
        list[ConsentDocumentSummary], Field(description="The documents of this page, without their texts.")
    ]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class ConsentWrite(Incoming):
    """A signature: which text was shown in which words, what was understood, and who signed."""

    document_id: DocumentId
    language: Language
    text_hash: Annotated[TextHash, Field(description="SHA-256 of the text that was shown, computed by the app.")]
    presented_at: Annotated[Moment, Field(description="When the text was first shown.")]
    answers: Annotated[
        dict[QuestionKey, ChoiceKey],
        Field(
            default_factory=dict,
            max_length=MAX_QUESTIONS,
            description="The answer to each question.",
            examples=[{"stop": "any_time"}],
        ),
    ]
    signature: Annotated[
        ShortText, Field(description="The signer's name as they typed it. Encrypted at rest.", examples=["Sam Rivers"])
    ]
    signer: Annotated[
        SignerKind,
        Field(description="Who signs. Anyone but the patient says what they are to them, with a clinician present."),
    ] = SignerKind.PATIENT
    relationship: Annotated[
        ShortText | None, Field(description="What the signer is to the patient; null for the patient.", examples=[None])
    ] = None
    witness_id: Annotated[
        UUID | None, Field(description="The clinician who explained it, as the signer says; as in `GET /v1/staff`.")
    ] = None
    capacity_statement: Annotated[
        ShortText | None,
        Field(
            description="What the signer affirms about being able to decide. Needed for treatment and research.",
            examples=["I am sober and not in withdrawal. I know that I can say no."],
        ),
    ] = None
    recipients: Annotated[
        list[ConsentRecipientWrite],
        Field(
            default_factory=list,
            max_length=20,
            description="Who may receive it, by name: for `part2_specific` and `contact_person_release`.",
        ),
    ]
    categories: Annotated[
        list[Category],
        Field(
            default_factory=list,
            max_length=len(Category),
            description="Which of the document's categories: for the same two types.",
        ),
    ]


class ConsentWithdrawalWrite(Incoming):
    """A withdrawal. It needs no reason."""

    reason: Annotated[Note | None, Field(description="Why, if the patient wants to say. Encrypted at rest.")] = None


class Consent(Outgoing):
    """What a patient agreed to."""

    id: ConsentId
    type: ConsentType
    status: Annotated[ConsentStatus, Field(description="Whether it counts now.")]
    outdated: Annotated[
        bool,
        Field(description="Whether the clinic published a newer version since; it is signed before the next dose."),
    ]
    document_id: DocumentId
    document_version: DocumentVersion
    language: Language
    text_hash: TextHash
    presented_at: Annotated[Moment, Field(description="When the text was first shown, by the device's clock.")]
    answers: Annotated[dict[str, str], Field(description="The answers to the questions about the text.")]
    signed_at: Annotated[Moment, Field(description="When it was signed.")]
    signer: Annotated[SignerKind, Field(description="Who signed.")]
    signature: Annotated[str, Field(description="The name as it was typed.")]
    relationship: Annotated[str | None, Field(description="What the signer is to the patient; null for the patient.")]
    witness_id: Annotated[UUID | None, Field(description="The clinician who explained it.")]
    method: Annotated[Literal["app", "imported"], Field(description="How it was signed.")]
    capacity_statement: Annotated[str | None, Field(description="What the signer affirmed about being able to decide.")]
    purposes: Purposes
    recipients: Recipients
    categories: Categories
    expires_at: Annotated[Moment | None, Field(description="When it runs out; null for never.")]
    supersedes: Annotated[UUID | None, Field(description="The consent whose place it took.")]
    withdrawn_at: Annotated[Moment | None, Field(description="When the patient withdrew it; null if not.")]
    withdrawal_reason: Annotated[
        str | None, Field(description="Why, in the patient's words; only for the patient and who looks after them.")
    ]


class SignedConsent(Consent):
    """A consent with the text that was signed."""

    title: Annotated[str, Field(description="What the document is called.")]
    text: Annotated[str, Field(description="The text that was signed.")]


class ConsentPage(Outgoing):
    """A page of consents, the latest signed first."""

    items: Annotated[list[Consent], Field(description="The consents of this page, those that no longer count too.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class DisclosureRestrictionWrite(Incoming):
    """What is to stay here. A field that is left out means all: everybody, every purpose, everything."""

    recipient_class: Annotated[RecipientClass | None, Field(description="Who is not to receive it, as a class.")] = None
    recipient: Annotated[
        ShortText | None,
        Field(
            description="Who is not to receive it, by name. Encrypted at rest.", examples=["Harbour Health Insurance"]
        ),
    ] = None
    purposes: Annotated[
        list[Purpose],
        Field(
            default_factory=list,
            max_length=len(Purpose),
            description="What it is not to be used for; empty for anything.",
        ),
    ]
    categories: Annotated[
        list[Category],
        Field(
            default_factory=list, max_length=len(Category), description="What is not to leave; empty for everything."
        ),
    ]


class DisclosureRestriction(Outgoing):
    """Something that the patient wants to stay here, whatever was signed."""

    id: Annotated[UUID, Field(description="The restriction's id.")]
    recipient_class: Annotated[RecipientClass | None, Field(description="Who, as a class; null for any.")]
    recipient: Annotated[str | None, Field(description="Who, by name; null for any.")]
    purposes: Annotated[list[Purpose], Field(description="For what; empty for anything.")]
    categories: Annotated[list[Category], Field(description="What; empty for everything.")]
    requested_at: Annotated[Moment, Field(description="Since when it binds.")]
    lifted_at: Annotated[Moment | None, Field(description="Until when it bound; null while it does.")]


class DisclosureRestrictionPage(Outgoing):
    """A page of restrictions, the latest first."""

    items: Annotated[list[DisclosureRestriction], Field(description="The restrictions of this page.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class Disclosure(Outgoing):
    """Something that left, or was withheld at the door."""

    id: Annotated[UUID, Field(description="The record's id.")]
    at: Annotated[Moment, Field(description="When.")]
    outcome: Annotated[Literal["disclosed", "withheld"], Field(description="Whether it left.")]
    basis: Annotated[Basis | None, Field(description="What allowed it; null when it was withheld.")]
    refusal: Annotated[Refusal | None, Field(description="Why it was withheld; null when it left.")]
    recipient_class: Annotated[RecipientClass, Field(description="What the recipient is.")]
    recipient: Annotated[str | None, Field(description="Who the recipient is.")]
    purpose: Annotated[Purpose, Field(description="What for.")]
    categories: Categories
    consent_id: Annotated[UUID | None, Field(description="The consent that allowed it; null where none was needed.")]
    actor_id: Annotated[UUID | None, Field(description="Who sent it; null when it was sent by itself.")]
    reason: Annotated[str | None, Field(description="What was said of an emergency.")]


class DisclosurePage(Outgoing):
    """A page of disclosures, the latest first."""

    items: Annotated[list[Disclosure], Field(description="What left and what was withheld.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]
