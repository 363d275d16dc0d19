"""The audit, accesses to a record, and emergency accesses on the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.core.fields import Moment
from app.core.schemas import Incoming, Outgoing

Outcome = Literal["allowed", "denied"]
ReasonCode = Annotated[
    Literal["medical_emergency", "risk_of_harm", "colleague_unavailable", "other"],
    Field(description="Why it could not wait; the patient sees it.", examples=["medical_emergency"]),
]
ReviewOutcome = Literal["justified", "not_justified", "unclear"]
NextCursor = Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class AuditEntry(Outgoing):
    """One act of one caller: ids and the names of operations, never what was read or written."""

    id: Annotated[UUID, Field(description="Id of the entry.")]
    seq: Annotated[int | None, Field(description="Its place in the sealed chain; null in its first second.")]
    at: Annotated[Moment, Field(description="When it was asked for.")]
    actor_id: Annotated[UUID | None, Field(description="Who, as in `GET /v1/staff`; null when nobody was known.")]
    actor_role: Annotated[str, Field(description="What they were at the time.", examples=["nurse"])]
    actor_name: Annotated[str | None, Field(description="How the clinic calls them; null for patients.")]
    device_id: Annotated[UUID | None, Field(description="The phone or browser that asked.")]
    operation: Annotated[str, Field(description="What was asked for.", examples=["list_patient_check_ins"])]
    permission: Annotated[str, Field(description="What was needed for it.", examples=["check_ins:read"])]
    patient_id: Annotated[UUID | None, Field(description="Whose record; null when it was nobody's.")]
    subject_id: Annotated[UUID | None, Field(description="The thing in the address, such as one check-in.")]
    outcome: Annotated[Outcome, Field(description="Whether the guard let the caller in.")]
    reason: Annotated[str | None, Field(description="Why, where the software knows a reason.")]
    request_id: Annotated[str | None, Field(description="`X-Request-Id` of the answer.")]
    address_prefix: Annotated[
        str | None, Field(description="Where from, too coarse to be a person.", examples=["192.0.2.0/24"])
    ]
    emergency: Annotated[bool, Field(description="Whether an emergency access of theirs was open at the time.")]
    flaw: Annotated[
        str | None,
        Field(description="What the sealer found wrong with it: `forged`, `unmarked` or `unknown_key`; else null."),
    ]


class AuditEntryPage(Outgoing):
    """A page of the audit, the newest first."""

    items: Annotated[list[AuditEntry], Field(description="The entries of this page.")]
    next_cursor: NextCursor


class AuditCheckpoint(Outgoing):
    """A signature over how far the chain had come. Keep it outside the database: it proves later that nothing was cut.

    Signed (Ed25519) is the text `afterglow audit checkpoint {seq} {hash} {at}`, with the three as they stand here.
    """

    seq: Annotated[int, Field(description="The last entry that it covers.", examples=[4711])]
    hash: Annotated[str, Field(description="Hash of that entry, hexadecimal.")]
    at: Annotated[Moment, Field(description="When it was signed.")]
    public_key: Annotated[str, Field(description="Ed25519 public key of the signer, hexadecimal.")]
    signature: Annotated[str, Field(description="The signature, hexadecimal.")]


class AuditFinding(Outgoing):
    """Something in the audit that does not fit."""

    kind: Annotated[str, Field(description="What kind of thing it is.", examples=["changed"])]
    seq: Annotated[int | None, Field(description="The place in the chain; null when it is not sealed yet.")]
    entry_id: Annotated[UUID | None, Field(description="Id of the entry, where there is one.")]
    said: Annotated[str, Field(description="The same in a sentence.")]


class AuditVerification(Outgoing):
    """How the end of the chain was found to be. The whole of it is verified by `afterglow audit verify`."""

    intact: Annotated[bool, Field(description="Whether nothing was found that does not fit.")]
    checked_from: Annotated[int | None, Field(description="First entry that was computed again.")]
    checked_to: Annotated[int | None, Field(description="Last one; null when there is none.")]
    unsealed: Annotated[int, Field(description="Entries that wait for their place; more than a second's are too many.")]
    oldest_unsealed_at: Annotated[Moment | None, Field(description="When the first of them was written.")]
    findings: Annotated[list[AuditFinding], Field(description="What does not fit, at most 50.")]
    checkpoint: Annotated[
        AuditCheckpoint | None, Field(description="The last signature that fits; save this answer to keep it.")
    ]


class Accessor(Outgoing):
    """Somebody who used a record."""

    staff_id: Annotated[UUID, Field(description="Their id at the clinic.")]
    display_name: Annotated[str, Field(description="How the clinic calls them.", examples=["Dr. Lindqvist"])]
    role: Annotated[str, Field(description="What they are there.", examples=["prescriber"])]


class RecordAccess(Outgoing):
    """One time that somebody read or wrote your record."""

    id: Annotated[UUID, Field(description="Id of the entry; quote it to ask the clinic about it.")]
    at: Annotated[Moment, Field(description="When it was.")]
    who: Annotated[Accessor | None, Field(description="Who it was; null when the software did it for the clinic.")]
    what: Annotated[str, Field(description="What they did.", examples=["Read your check-ins"])]
    permission: Annotated[str, Field(description="The same as a stable name, to translate by.")]
    wrote: Annotated[bool, Field(description="Whether it may have changed something.")]
    emergency: Annotated[bool, Field(description="Whether they do not look after you and opened it in an emergency.")]
    emergency_reason: Annotated[ReasonCode | None, Field(description="Why they opened it, if so.")]


class RecordAccessPage(Outgoing):
    """A page of accesses to your record, the newest first."""

    items: Annotated[list[RecordAccess], Field(description="The accesses of this page.")]
    next_cursor: NextCursor


class EmergencyAccessWrite(Incoming):
    """Why the record of a patient whom one does not look after must be opened now."""

    reason_code: ReasonCode
    reason: Annotated[
        str,
        Field(
            min_length=10,
            max_length=1000,
            description="In your own words, for the privacy officer. Encrypted at rest.",
            examples=["Found unresponsive in the waiting room; the prescriber is not in the house."],
        ),
    ]


class EmergencyAccess(Outgoing):
    """A record that was opened in an emergency: by whom, why, until when, and what the review said."""

    id: Annotated[UUID, Field(description="Id of the emergency access.")]
    patient_id: Annotated[UUID, Field(description="Whose record it is.")]
    opened_by: Accessor
    reason_code: ReasonCode
    reason: Annotated[str, Field(description="In the words of whoever opened it.")]
    opened_at: Annotated[Moment, Field(description="When it was opened.")]
    until: Annotated[Moment, Field(description="When it closes, or closed, by itself.")]
    reviewed_at: Annotated[Moment | None, Field(description="When it was reviewed; null while it waits.")]
    reviewed_by: Annotated[UUID | None, Field(description="Who reviewed it.")]
    outcome: Annotated[ReviewOutcome | None, Field(description="What the review came to.")]
    note: Annotated[str | None, Field(description="What the reviewer wrote.")]
    version: Annotated[int, Field(description="1 until it was reviewed, then 2; the `ETag`.", examples=[1])]


class EmergencyAccessPage(Outgoing):
    """A page of emergency accesses, the newest first."""

    items: Annotated[list[EmergencyAccess], Field(description="The emergency accesses of this page.")]
    next_cursor: NextCursor


class EmergencyAccessReviewWrite(Incoming):
    """What a privacy officer thinks of an emergency access."""

    outcome: Annotated[ReviewOutcome, Field(description="Whether opening the record was right.")]
    note: Annotated[
        str | None,
        Field(max_length=1000, description="Why, and what follows. Encrypted at rest.", examples=["As agreed."]),
    ] = None
