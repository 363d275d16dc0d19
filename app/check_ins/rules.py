"""What is decided about a report before it is stored. No clock, no database."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from app.core.errors import FieldError
from app.core.fields import zone
from app.instruments import catalogue
from app.instruments.definitions import Instrument
from app.instruments.rules import Score, score, validate_answers
from app.protocols.rules import Protocol as ClinicProtocol

FINGERPRINT_BYTES = 16
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


class Answered(Protocol):
    """The answers to one instrument."""

    @property
    def instrument(self) -> str:
        """Key of the instrument."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def substance(self) -> str | None:
        """What the answers are about, if anything."""

    @property
    def answers(self) -> Mapping[str, int | None]:
        """Values by item; None is missing."""


class Reported(Protocol):
    """What a report says."""

    @property
    def recorded_at(self) -> datetime:
        """When it was answered, by the device's clock."""

    @property
    def time_zone(self) -> str:
        """The device's zone at that moment."""

    @property
    def due_check_in_id(self) -> UUID | None:
        """The due check-in that it answers."""

    @property
    def dosing_session_id(self) -> UUID | None:
        """The session that the phone named."""

    @property
    def appointment_id(self) -> UUID | None:
        """The appointment that the phone named."""

    @property
    def responses(self) -> Sequence[Answered]:
        """One for each instrument."""

    @property
    def note(self) -> str | None:
        """Free text."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A moment on the patient's own calendar."""

    day: date
    utc_offset_minutes: int


@dataclass(frozen=True, slots=True)
class Scored:
    """One response with its score. `substance` is what the observations are about, empty for nothing."""

    response: dict[str, Any]
    score: dict[str, Any]
    measures: dict[str, float]
    substance: str


def local_time(at: datetime, time_zone: str) -> LocalTime:
    """The day on which a moment counts for the patient, and the offset from UTC there and then."""
    local = at.astimezone(zone(time_zone))
    offset = local.utcoffset() or timedelta()
    return LocalTime(local.date(), int(offset.total_seconds() // 60))


def clock_is_suspect(recorded_at: datetime, received_at: datetime, protocol: ClinicProtocol) -> bool:
    """Whether the device's clock ran ahead: nobody reports a moment that has not come."""
    return recorded_at > received_at + timedelta(minutes=protocol.linking.clock_tolerance_minutes)


def fingerprint(report: Reported) -> bytes:
    """The same for two reports that say the same, however their JSON was written. A null answer is a missing one."""
    said = {
        "at": report.recorded_at.isoformat(),
        "zone": report.time_zone,
        "due": str(report.due_check_in_id),
        "session": str(report.dosing_session_id),
        "appointment": str(report.appointment_id),
        "responses": [_plain(response) for response in report.responses],
        "note": report.note,
    }
    return hashlib.blake2b(_encode(said).encode(), digest_size=FINGERPRINT_BYTES).digest()


def _plain(response: Answered) -> dict[str, Any]:
    return {
        "instrument": response.instrument,
        "version": response.version,
        "substance": response.substance,
        "answers": {key: answer for key, answer in response.answers.items() if answer is not None},
    }


def score_responses(
    responses: Iterable[Answered], protocol: ClinicProtocol, *, by_patient: bool, imported: bool
) -> tuple[list[Scored], list[FieldError]]:
    """Score every response; a list of faults instead where there are any."""
    scored: list[Scored] = []
    faults: list[FieldError] = []
    seen: set[tuple[str, str | None]] = set()
    for number, response in enumerate(responses):
        place = f"/responses/{number}"
        instrument = catalogue.find_definition(response.instrument, response.version)
        if instrument is None:
            faults.append(_unknown(place, response))
            continue
        found = list(_faults(instrument, response, place, by_patient=by_patient, imported=imported))
        if (response.instrument, response.substance) in seen:
            found.append(FieldError(place, "answered_twice", "One check-in holds one response to an instrument."))
        seen.add((response.instrument, response.substance))
        if found:
            faults.extend(found)
        else:
            scored.append(_scored(instrument, response, protocol))
    return scored, faults


def _unknown(place: str, response: Answered) -> FieldError:
    if catalogue.find_definition(response.instrument) is None:
        return FieldError(f"{place}/instrument", "unknown_instrument", "There is no instrument with this key.")
    return FieldError(f"{place}/version", "unknown_instrument_version", "There is no such version of the instrument.")


def _faults(
    instrument: Instrument, response: Answered, place: str, *, by_patient: bool, imported: bool
) -> Iterable[FieldError]:
    if instrument.import_only and not imported:
        yield FieldError(f"{place}/instrument", "import_only", "This instrument only takes imported records.")
    if by_patient and instrument.completed_by == "clinician":
        yield FieldError(f"{place}/instrument", "clinician_only", "This instrument is completed by a clinician.")
    takes_substance = instrument.substance == "parameter"
    if response.substance is not None and not takes_substance and response.substance != instrument.substance:
        yield FieldError(f"{place}/substance", "substance_fixed", "This instrument does not ask about a substance.")
    yield from validate_answers(instrument, response.answers, pointer=f"{place}/answers")


def _scored(instrument: Instrument, response: Answered, protocol: ClinicProtocol) -> Scored:
    result: Score = score(
        instrument,
        response.answers,
        prorate=protocol.instruments.prorate_phq9 and instrument.key == "phq9",
    )
    plain = _plain(response)
    return Scored(
        response=plain,
        score={
            "instrument": response.instrument,
            "version": response.version,
            "substance": response.substance,
            "total": result.total,
            "band": result.band,
            "band_set": result.band_set,
            "complete": result.complete,
            "prorated": result.prorated,
            "subscales": result.subscales,
            "safety_unanswered": list(result.safety_unanswered),
        },
        measures=result.measures,
        substance=(response.substance or "") if instrument.substance == "parameter" else "",
    )
