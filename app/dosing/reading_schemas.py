"""Readings on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, WrapValidator

from app.core.errors import ProblemDocument
from app.core.fields import Moment, Note, Whole
from app.core.schemas import Incoming, Outgoing
from app.dosing.reading_rules import PLAUSIBLE, Because, Level
from app.dosing.rules import SessionStage
from app.safety.findings import Severity

MAX_BATCH = 100


def _vital(name: str, words: str, unit: str, example: float) -> Any:  # noqa: ANN401  Pydantic's own
    low, high = PLAUSIBLE[name]
    return Field(
        ge=low, le=high, description=f"{words}, {unit} (UCUM). Null: not measured; never zero.", examples=[example]
    )


Number = Annotated[int, Field(strict=True)]
Systolic = Annotated[Number | None, _vital("systolic", "Upper blood pressure", "mm[Hg]", 128)]
Diastolic = Annotated[Number | None, _vital("diastolic", "Lower blood pressure", "mm[Hg]", 82)]
HeartRate = Annotated[Number | None, _vital("heart_rate", "Heart rate", "/min", 74)]
Spo2 = Annotated[
    Number | None, _vital("spo2", "Oxygen saturation; below 70 it has to be named in `confirmed`", "%", 98)
]
RespiratoryRate = Annotated[Number | None, _vital("respiratory_rate", "Breaths", "/min", 14)]
Temperature = Annotated[
    Annotated[float, Field(strict=True)] | None, _vital("temperature", "Body temperature", "Cel", 36.7)
]
Moaas = Annotated[
    Number | None, _vital("moaas", "MOAA/S: 5 answers briskly to a normal voice, 0 to nothing", "points", 5)
]
Felt = Annotated[Number | None, Field(ge=0, le=4, description="0 not at all, 4 extremely; null: not asked.")]
Recovered = Annotated[Number | None, Field(ge=0, le=2, description="0, 1 or 2; null: not looked at.")]
Total = Annotated[int | None, Field(description="The sum; null while one is missing.", examples=[5])]
TakenAt = Annotated[
    Moment, Field(description="When it was taken, by the tablet's clock.", examples=["2026-11-22T10:40:00.000Z"])
]
ReadingId = Annotated[UUID, Field(description="Its id, made by the tablet (UUIDv7).")]
Version = Annotated[int, Field(ge=1, description="Counts the corrections of this reading, from 1.", examples=[1])]
Outcome = Literal["created", "unchanged", "corrected", "conflict", "invalid"]


class DissociationWrite(Incoming):
    """The answers to `dissociation_brief`, each 0-4."""

    unreal: Felt = None
    detached: Felt = None
    time: Felt = None
    distress: Felt = None


class AldreteWrite(Incoming):
    """The items of `aldrete_modified`, each 0-2."""

    activity: Recovered = None
    respiration: Recovered = None
    circulation: Recovered = None
    consciousness: Recovered = None
    oxygen: Recovered = None


class ReadingWrite(Incoming):
    """What was seen at one moment. There is no field for a unit: every number has one unit, and no other is taken."""

    id: ReadingId
    taken_at: TakenAt
    base_version: Annotated[
        Whole | None, Field(ge=1, description="For a correction: the version that it corrects.", examples=[None])
    ] = None
    systolic: Systolic = None
    diastolic: Diastolic = None
    heart_rate: HeartRate = None
    spo2: Spo2 = None
    respiratory_rate: RespiratoryRate = None
    temperature: Temperature = None
    moaas: Moaas = None
    dissociation: Annotated[
        DissociationWrite | None, Field(description="The brief session effects check, as far as it was answered.")
    ] = None
    aldrete: Annotated[AldreteWrite | None, Field(description="The modified Aldrete score, as far as it was seen.")] = (
        None
    )
    confirmed: Annotated[
        tuple[Literal["spo2"], ...],
        Field(max_length=4, description="Names of values that look like a slip and are true.", examples=[[]]),
    ] = ()
    note: Note | None = None


def _as_it_came(item: Any, _: Any) -> Any:  # noqa: ANN401  whatever JSON held
    """Leave an item unread: one that breaks a rule must not hold up the others."""
    return item


class ReadingBatch(Incoming):
    """Up to 100 readings of one session. Each succeeds or fails for itself."""

    device_time: Annotated[
        Moment | None,
        Field(
            description="What the tablet's clock says as it sends this. Off by more than the clinic's tolerance, every "
            "`taken_at` of the batch is put right by as much.",
        ),
    ] = None
    readings: Annotated[
        list[Annotated[ReadingWrite, WrapValidator(_as_it_came)]],
        Field(min_length=1, max_length=MAX_BATCH, description="The readings, in any order."),
    ]


class Dissociation(Outgoing):
    """The brief session effects check with its total, 0-16. Higher is worse."""

    unreal: Felt
    detached: Felt
    time: Felt
    distress: Felt
    total: Total


class Aldrete(Outgoing):
    """The modified Aldrete score with its total, 0-10. Higher is better."""

    activity: Recovered
    respiration: Recovered
    circulation: Recovered
    consciousness: Recovered
    oxygen: Recovered
    total: Total


class ReadingFlag(Outgoing):
    """A mark on the chart: a value outside of the clinic's figures. It comes minutes late, and wakes nobody."""

    name: Annotated[str, Field(description="The value.", examples=["systolic"])]
    level: Annotated[Level, Field(description="`amber` is looked at, `red` at once.")]
    because: Annotated[Because, Field(description="Below or above the figure, or risen by it since before the dose.")]
    limit: Annotated[float, Field(description="The clinic's figure.", examples=[140])]


class _ReadingValues(Outgoing):
    """What a reading says, and when it was."""

    version: Version
    taken_at: TakenAt
    at: Annotated[Moment, Field(description="When it was taken by our clock: what readings are ordered and judged by.")]
    received_at: Annotated[Moment, Field(description="When this version reached us.")]
    clock_suspect: Annotated[
        bool, Field(description="The tablet's clock was off: `at` was put right, `taken_at` is what it said.")
    ]
    received_late: Annotated[bool, Field(description="Whether it first reached us long after it was taken.")]
    minutes_from_dose: Annotated[
        int | None,
        Field(description="Whole minutes from the begin of the dose, negative before; null until it began."),
    ]
    recorded_by: Annotated[UUID, Field(description="Member of staff who recorded it.")]
    systolic: Systolic
    diastolic: Diastolic
    heart_rate: HeartRate
    spo2: Spo2
    respiratory_rate: RespiratoryRate
    temperature: Temperature
    moaas: Moaas
    dissociation: Annotated[Dissociation | None, Field(description="Null: not asked.")]
    aldrete: Annotated[Aldrete | None, Field(description="Null: not looked at.")]
    confirmed: Annotated[list[str], Field(description="Values that look like a slip and were said to be true.")]
    note: Note | None
    flags: Annotated[list[ReadingFlag], Field(description="Values to look at; none of them replaces a monitor.")]


class Reading(_ReadingValues):
    """A stored reading as it stands."""

    id: ReadingId


class ReadingPage(Outgoing):
    """The readings of a session in the order in which they were taken; all of them on one page."""

    items: Annotated[list[Reading], Field(description="The readings.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class ReadingEarlierVersion(_ReadingValues):
    """A reading as it was before a correction."""

    replaced_at: Annotated[Moment, Field(description="When the next version took its place.")]


class ReadingVersionPage(Outgoing):
    """The earlier versions of a reading, the newest first; all of them on one page."""

    items: Annotated[list[ReadingEarlierVersion], Field(description="The earlier versions.")]
    next_cursor: Annotated[None, Field(description="Always null: this list has one page.")] = None


class ReadingAlert(Outgoing):
    """A sign of danger that was found, and is told to the people on call."""

    id: Annotated[UUID, Field(description="Id of the alert.")]
    rule: Annotated[str, Field(description="The rule that found it.", examples=["BP-2"])]
    severity: Annotated[Severity, Field(description="How soon somebody has to look.")]
    is_new: Annotated[bool, Field(description="False where it adds to an alert that nobody has resolved yet.")]


class ReadingResult(Outgoing):
    """What became of one reading."""

    id: Annotated[UUID | None, Field(description="Its id; null when that could not be read.")]
    outcome: Annotated[
        Outcome,
        Field(
            description="`created`, `unchanged` (it was here already), `corrected`, `conflict` (other values stand "
            "under this id, or the corrected version is not the newest), `invalid` (not stored; see `problem`)."
        ),
    ]
    reading: Annotated[Reading | None, Field(description="As it stands now, where there is one.")]
    alerts: Annotated[list[ReadingAlert], Field(description="What the safety rules found in it just now.")]
    problem: Annotated[ProblemDocument | None, Field(description="Why not, where it was not accepted.")]


class ReadingResults(Outgoing):
    """One result for each reading, in the order in which they were sent, and where the session stands now."""

    results: Annotated[list[ReadingResult], Field(description="What became of each reading.")]
    session_status: Annotated[
        SessionStage,
        Field(description="The session's stage now: a reading can hold it, or send it back to monitoring."),
    ]
    session_version: Annotated[int, Field(description="The session's version now, for the next `If-Match`.")]
