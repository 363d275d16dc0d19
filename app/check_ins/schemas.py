"""Check-ins on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, WrapValidator

from app.core.errors import ProblemDocument
from app.core.fields import Moment, Note, TimeZoneName, Whole
from app.core.schemas import Incoming, Outgoing
from app.safety.schemas import SafetyNotice

MAX_BATCH = 100
MAX_RESPONSES = 20
MAX_ANSWERS = 60

Substance = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="What the answers are about, where the instrument does not say: `alcohol`, `cocaine`, `opioid`...",
        examples=["alcohol"],
    ),
]
InstrumentKey = Annotated[str, Field(min_length=1, max_length=40, examples=["craving_nrs"], description="Its key.")]
InstrumentVersion = Annotated[str, Field(min_length=1, max_length=16, examples=["1"], description="Its version.")]
Answers = Annotated[
    dict[Annotated[str, Field(max_length=64)], Whole | None],
    Field(
        max_length=MAX_ANSWERS,
        description="Whole numbers by item key. An item left out, or null, is missing; it never counts as zero.",
        examples=[{"now": 7, "peak": 9, "resist": 4}],
    ),
]
Version = Annotated[int, Field(ge=1, examples=[1], description="Counts the corrections of this check-in, from 1.")]
NamedSession = Annotated[
    UUID | None,
    Field(
        description="The dosing session it belongs to, if the phone knows; found by time otherwise.", examples=[None]
    ),
]
NamedAppointment = Annotated[
    UUID | None,
    Field(description="The appointment it belongs to, if the phone knows; found by time otherwise.", examples=[None]),
]
Origin = Literal["patient", "clinician", "imported"]
BatchOutcome = Literal["created", "unchanged", "corrected", "conflict", "invalid", "forbidden"]


class ResponseWrite(Incoming):
    """The answers to one instrument."""

    instrument: InstrumentKey
    version: InstrumentVersion
    substance: Substance | None = None
    answers: Answers


class CheckInWrite(Incoming):
    """A report of one moment, with one or more instrument responses."""

    recorded_at: Annotated[
        Moment,
        Field(
            description="When it was answered, by the device's clock. A clock that runs ahead is no reason to refuse: "
            "the check-in is kept and marked `clock_suspect`.",
            examples=["2026-11-22T18:30:12.000+01:00"],
        ),
    ]
    time_zone: Annotated[
        TimeZoneName, Field(description="The device's zone at that moment; decides on which day it counts.")
    ]
    due_check_in_id: Annotated[
        UUID | None, Field(description="The due check-in that it answers, if any.", examples=[None])
    ] = None
    dosing_session_id: NamedSession = None
    appointment_id: NamedAppointment = None
    responses: Annotated[
        list[ResponseWrite],
        Field(
            min_length=1,
            max_length=MAX_RESPONSES,
            description="One for each instrument (and substance) answered.",
            examples=[
                [
                    {
                        "instrument": "craving_nrs",
                        "version": "1",
                        "substance": "alcohol",
                        "answers": {"now": 7, "peak": 9, "resist": 4},
                    },
                    {"instrument": "mood_nrs", "version": "1", "answers": {"now": 4}},
                ]
            ],
        ),
    ]
    note: Note | None = None


class CheckInBatchItem(CheckInWrite):
    """One check-in of a batch."""

    id: Annotated[UUID, Field(description="Its id, made by the phone when the form was opened (UUIDv7).")]
    base_version: Annotated[
        Whole | None, Field(ge=1, description="For a correction: the version that it corrects.", examples=[None])
    ] = None


def _as_it_came(item: Any, _: Any) -> Any:  # noqa: ANN401  whatever JSON held
    """Leave an item unread: one that breaks a rule must not hold up the others."""
    return item


class CheckInBatch(Incoming):
    """Up to 100 check-ins. Each succeeds or fails for itself."""

    check_ins: Annotated[
        list[Annotated[CheckInBatchItem, WrapValidator(_as_it_came)]],
        Field(min_length=1, max_length=MAX_BATCH, description="The check-ins, in any order."),
    ]


class Response(Outgoing):
    """The answers to one instrument, as they were given."""

    instrument: InstrumentKey
    version: InstrumentVersion
    substance: Substance | None
    answers: Answers


class Score(Outgoing):
    """What one response comes to."""

    instrument: InstrumentKey
    version: InstrumentVersion
    substance: Substance | None
    total: Annotated[
        float | None, Field(description="Null when the scale has no total, or when answers are missing.", examples=[7])
    ]
    band: Annotated[
        str | None,
        Field(
            description="Key of the band that the total falls into. For clinicians: it is no diagnosis.",
            examples=[None],
        ),
    ]
    band_set: Annotated[
        str | None, Field(description="Name and version of the set of bands.", examples=["phq9.default@1"])
    ]
    complete: Annotated[bool, Field(description="Whether every answer that the total needs was given.")]
    prorated: Annotated[bool, Field(description="Whether the total was prorated, which the clinic must have allowed.")]
    subscales: Annotated[
        dict[str, int | None], Field(description="Totals of the parts, null where incomplete.", examples=[{}])
    ]
    safety_unanswered: Annotated[
        list[str],
        Field(
            description="Items about safety that were left out. Ask for them kindly; never make help depend on it.",
            examples=[[]],
            default_factory=list,
        ),
    ]


class Link(Outgoing):
    """What a check-in belongs to, and who said so."""

    dosing_session_id: Annotated[UUID | None, Field(description="The dosing session.")]
    appointment_id: Annotated[UUID | None, Field(description="The appointment.")]
    phase: Annotated[
        Literal["before", "during", "0_24h", "24_72h", "72h_14d"] | None,
        Field(description="Where the moment lies around the dose of that session."),
    ]
    minutes_from_dose: Annotated[
        int | None,
        Field(
            description="Whole minutes since the dose started, negative before it; null until it has.", examples=[245]
        ),
    ]
    how: Annotated[
        Literal["client", "time", "clinician"] | None,
        Field(description="Who said so: the phone, the clock, or a clinician; null when there is no link."),
    ]


class CheckInAlert(Outgoing):
    """An alert as the patient may see it."""

    id: Annotated[UUID, Field(description="Its id.")]
    text: Annotated[str, Field(description="What it says to the patient.")]
    raised_at: Annotated[Moment, Field(description="When it was raised.")]


class CheckIn(Outgoing):
    """A stored check-in."""

    id: Annotated[UUID, Field(description="Its id, made by the phone.")]
    version: Version
    recorded_at: Annotated[Moment, Field(description="When it was answered, by the device's clock.")]
    time_zone: TimeZoneName
    received_at: Annotated[Moment, Field(description="When this version reached us.")]
    clock_suspect: Annotated[
        bool, Field(description="The device's clock ran ahead: shown, but not linked by time and in no statistic.")
    ]
    late: Annotated[bool, Field(description="Whether the due check-in that it answers had closed already.")]
    origin: Annotated[Origin, Field(description="Who entered it.")]
    due_check_in_id: Annotated[UUID | None, Field(description="The due check-in that it answers, if any.")]
    dosing_session_id: NamedSession
    appointment_id: NamedAppointment
    responses: Annotated[list[Response], Field(description="As they were given.")]
    note: Note | None
    scores: Annotated[list[Score], Field(description="In the order of the responses.")]
    link: Link
    alerts: Annotated[
        list[CheckInAlert],
        Field(
            description="Alerts that sending this raised and that the patient may see. Empty when it is read later.",
            examples=[[]],
        ),
    ]
    safety_notice: Annotated[
        SafetyNotice | None,
        Field(
            description="What to show the patient at once after sending this, the crisis card first. Null when there "
            "is nothing, and when it is read later.",
            examples=[None],
        ),
    ]


class CheckInPage(Outgoing):
    """A page of check-ins, the newest first."""

    items: Annotated[list[CheckIn], Field(description="The check-ins of this page.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]


class CheckInEarlierVersion(Outgoing):
    """A check-in as it was before a correction."""

    version: Version
    recorded_at: Annotated[Moment, Field(description="When it was answered, by the device's clock.")]
    time_zone: TimeZoneName
    received_at: Annotated[Moment, Field(description="When this version reached us.")]
    replaced_at: Annotated[Moment, Field(description="When the next version took its place.")]
    responses: Annotated[list[Response], Field(description="As they were given.")]
    note: Note | None
    scores: Annotated[list[Score], Field(description="In the order of the responses.")]


class CheckInVersionPage(Outgoing):
    """The earlier versions of a check-in, the newest first; all of them on one page."""

    items: Annotated[list[CheckInEarlierVersion], Field(description="The earlier versions.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class CheckInBatchResult(Outgoing):
    """What became of one item of a batch."""

    id: Annotated[UUID | None, Field(description="Its id; null when that could not be read.")]
    outcome: Annotated[
        BatchOutcome,
        Field(
            description="`created`, `unchanged` (it was here already), `corrected`, `conflict` (other answers stand "
            "under this id, or the corrected version is not the newest), `invalid` (put into quarantine), `forbidden` "
            "(the consent to it was withdrawn; nothing of it is kept)."
        ),
    ]
    check_in: Annotated[CheckIn | None, Field(description="As it stands now, where there is one.")]
    problem: Annotated[ProblemDocument | None, Field(description="Why not, where it was not accepted.")]


class CheckInBatchResults(Outgoing):
    """One result for each item, in the order in which they were sent."""

    results: Annotated[list[CheckInBatchResult], Field(description="What became of each item.")]
    next_cursor: Annotated[
        str, Field(description="For `GET /v1/me/changes`: what was sent here is not told there again.")
    ]


class LinkWrite(Incoming):
    """What a clinician says a check-in belongs to. Null means: to none. It outlives every automatic linking."""

    dosing_session_id: Annotated[UUID | None, Field(description="The dosing session, or null for none.")]
    appointment_id: Annotated[UUID | None, Field(description="The appointment, or null for none.")]


class QuarantinedCheckIn(Outgoing):
    """An item of a batch that could not be accepted."""

    check_in_id: Annotated[UUID | None, Field(description="The id it came with, where that could be read.")]
    received_at: Annotated[Moment, Field(description="When it reached us.")]
    content: Annotated[str, Field(description="What the phone sent, as JSON text.")]
    problem: Annotated[dict[str, Any], Field(description="Why it was not accepted.")]


class QuarantinedCheckInPage(Outgoing):
    """A page of quarantined items, the newest first."""

    items: Annotated[list[QuarantinedCheckIn], Field(description="The items of this page.")]
    next_cursor: Annotated[str | None, Field(description="Where the next page starts; null on the last.")]
