"""What was written down around each dose and beside it, in sections for people."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.exports import schemas
from app.exports.blocks import Block, Cell, Facts, Section, Table
from app.exports.care_schemas import CopiedAdverseEvent, CopiedAlert, CopiedReading
from app.exports.care_schemas import CopiedReadingValues as Values
from app.exports.rows import NONE, Writer, counted, plain
from app.safety.catalogue import RULES

_CODE: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d\S*", re.ASCII)
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_MEASURED: Final = (
    ("heart_rate", "pulse", "/min"),
    ("spo2", "oxygen", " %"),
    ("respiratory_rate", "breaths", "/min"),
    ("temperature", "temperature", " °C"),
    ("moaas", "alertness", " of 5"),
    ("dissociation", "dissociation", " of 16"),
    ("aldrete", "recovery", " of 10"),
)
_GRADES: Final = {1: "mild", 2: "moderate", 3: "severe", 4: "life-threatening", 5: "death"}


@dataclass(frozen=True, slots=True)
class Care:
    """Writes these sections for one patient."""

    writer: Writer
    head: schemas.RecordWithoutAnswers

    # ------------------------------------------------------------------------------------------------- sessions
    def sessions(self) -> Iterator[Section]:
        """Each session of which anything was written down, the latest first."""
        for session in reversed(self.head.dosing_sessions):
            if session.checklists or session.dose_records or session.readings or session.cancellation_reason:
                title = f"Session of {self.writer.moment(session.scheduled_at)}"
                yield Section(title, tuple(self._session(session)), level=3)

    def _session(self, session: schemas.CopiedDosingSession) -> Iterator[Block]:
        facts = list(self._facts(session))
        if facts:
            yield Facts(tuple(facts))
        if session.readings:
            rows = tuple(line for reading in session.readings for line in self._reading(reading))
            head = ("When", "Pressure", "Measured", "Said of it")
            yield Table(f"Readings of {self.writer.day(session.scheduled_at)}", head, rows, (3, 2, 6, 4))

    def _facts(self, session: schemas.CopiedDosingSession) -> Iterator[tuple[str, str]]:
        if session.cancellation_reason:
            yield "Called off", session.cancellation_reason
        yield from self._before(session)
        for pause in session.pauses:
            until = self.writer.moment(pause.resumed_at)
            yield "Paused", self._by(pause.paused_at, pause.recorded_by, f"until {until}: {pause.reason or NONE}")
        yield from self._after(session)
        for step in session.steps:
            if step.reason:
                who = self._who(step.actor_id)
                yield f"{plain(step.action).capitalize()}, {self.writer.moment(step.at)}", f"{who}: {step.reason}"

    def _before(self, session: schemas.CopiedDosingSession) -> Iterator[tuple[str, str]]:
        for asked in session.checklists:
            said = self._by(asked.recorded_at, asked.recorded_by, self.told(asked.content))
            yield f"Asked before the dose, version {asked.version}", said
        for clearance in session.clearances:
            yield "Cleared", self._by(clearance.cleared_at, clearance.cleared_by, self._checks(clearance.findings))
        for dose in session.dose_records:
            shown = dose.model_dump(exclude={"version", "recorded_at", "recorded_by"})
            yield f"Dose, version {dose.version}", self._by(dose.recorded_at, dose.recorded_by, self.told(shown))

    def _after(self, session: schemas.CopiedDosingSession) -> Iterator[tuple[str, str]]:
        for looked in session.discharge_assessments:
            said = (
                f"{'ready to go home' if looked.met else 'not ready to go home yet'}\n{self._criteria(looked.criteria)}"
            )
            yield "Looked at for going home", self._by(looked.assessed_at, looked.assessed_by, said)
        if (gone := session.discharge) is not None:
            shown = gone.model_dump(exclude={"discharged_at", "discharged_by", "assessment_id"})
            yield "Went home", self._by(gone.discharged_at, gone.discharged_by, self.told(shown))
        if (report := session.rems_report) is not None:
            yield "Report to the REMS", self.told(report.model_dump(exclude={"version"}))

    def _checks(self, findings: list[dict[str, Any]]) -> str:
        """What was more than a tick: every check with all its numbers is in the copy for programs."""
        special = [each for each in findings if each.get("takes") != "ok" or each.get("reason")]
        passed = len(findings) - len(special)
        return "\n".join([*([f"{counted(passed, 'check')} passed"] if passed else []), *map(self.told, special)])

    def _criteria(self, criteria: list[dict[str, Any]]) -> str:
        """Each criterion with whether it was met; what was passed over, with all that was said of it."""
        return "\n".join(
            f"{plain(each['code'])}: {'not known' if each['met'] is None else self.told(each['met'])}"
            if each.keys() >= {"code", "met"} and not each.get("override")
            else self.told(each)
            for each in criteria
        )

    def _reading(self, reading: CopiedReading) -> Iterator[tuple[Cell, ...]]:
        when = self.writer.clock(reading.at)
        if reading.minutes_from_dose is not None:
            when += f"\n{reading.minutes_from_dose:+d} min".replace("-", "\u2212")
        yield self._row(reading, when)
        for earlier in reading.earlier_versions:
            yield self._row(earlier, f"as it was before the correction of {self.writer.moment(earlier.replaced_at)}")

    def _row(self, values: Values, when: str) -> tuple[Cell, ...]:
        upper, lower = ("?" if one is None else str(one) for one in (values.systolic, values.diastolic))
        measured = [
            f"{name} {self.told(getattr(values, field))}{unit}"
            for field, name, unit in _MEASURED
            if getattr(values, field) is not None
        ]
        said = [values.note] if values.note else []
        said += [self.told(values.flags)] if values.flags else []
        said += ["the clock of the tablet was off"] if values.clock_suspect else []
        pressure = NONE if values.systolic is None and values.diastolic is None else f"{upper}/{lower}"
        return when, pressure, " · ".join(measured) or NONE, "\n".join([*said, self._who(values.recorded_by)])

    # -------------------------------------------------------------------------------------------------- beside
    def alert(self, alert: CopiedAlert) -> tuple[Cell, ...]:
        """When it was found, by which rule in what, and what became of it."""
        rule = RULES.get(alert.rule)
        found = f"{rule.title} ({alert.rule})" if rule else alert.rule
        found += f"\n{self.told(alert.inputs)}" if alert.inputs else ""
        found += f"\nfound {alert.occurrences} times" if alert.occurrences > 1 else ""
        steps = [self._step(step.at, step.action, step.actor_id, step.to_id, step.note) for step in alert.steps]
        became = plain(alert.status) + (f": {plain(alert.outcome)}" if alert.outcome else "")
        became += f"\n{alert.resolution_note}" if alert.resolution_note else ""
        return self.writer.moment(alert.raised_at), found, plain(alert.severity), "\n".join([became, *steps])

    def _step(self, at: datetime, action: str, actor: UUID | None, to: UUID | None, note: str | None) -> str:
        said = f"{self.writer.moment(at)}: {plain(action)}"
        said += f", {self._who(actor)}" if actor else ""
        said += f" to {self._who(to)}" if to else ""
        return said + (f": {note}" if note else "")

    def adverse_event(self, event: CopiedAdverseEvent) -> list[tuple[Cell, ...]]:
        """What happened when, how strong it was, what was done, and what was said of it before."""
        when = f"{self.writer.moment(event.onset_at)}\nuntil {self.writer.moment(event.resolved_at)}"
        what = "\n".join(filter(None, [event.term, event.description, self._who(event.recorded_by)]))
        strong = _GRADES.get(event.grade, str(event.grade)) + (
            f"\nserious: {', '.join(map(plain, event.seriousness_criteria))}" if event.serious else "\nnot serious"
        )
        done = f"{plain(event.action)}\n{plain(event.outcome)}\ncaused by the dose: {plain(event.relatedness)}"
        done += f"\nreported to: {self.told(event.reported_to)}" if event.reported_to else ""
        rows: list[tuple[Cell, ...]] = [(when, what, strong, done)]
        for earlier in event.earlier_versions:
            said = f"as it was before the correction of {self.writer.moment(earlier.replaced_at)}"
            rows.append((said, self.told(earlier.content), NONE, NONE))
        return rows

    def requests(self) -> list[tuple[Cell, ...]]:
        """What the patient asked for: help, or a session more."""
        asked = [(one.received_at, "help now", one.message) for one in self.head.help_requests]
        asked += [(one.requested_at, "a session sooner, or one more", one.note) for one in self._more()]
        return [(self.writer.moment(at), what, said or NONE) for at, what, said in sorted(asked, key=_first)[::-1]]

    def _more(self) -> list[Any]:
        return list(self.head.extra_session_requests)

    # -------------------------------------------------------------------------------------------------- words
    def _by(self, at: datetime, who: UUID, said: str) -> str:
        return f"{self.writer.moment(at)}, {self._who(who)}\n{said}"

    def _who(self, staff_id: UUID | None) -> str:
        return self.writer.people.get(staff_id, "staff") if staff_id else "the service"

    def told(self, value: Any) -> str:  # noqa: ANN401  JSON
        """What stands in JSON, in words. What nobody wrote down is left out."""
        said = str(value)
        match value:
            case _ if not _says(value):
                said = NONE
            case bool():
                said = "yes" if value else "no"
            case int() | float():
                said = f"{value:g}".replace("-", "\u2212")
            case datetime():
                said = self.writer.moment(value)
            case UUID():
                said = self.writer.people.get(value, said)
            case str():
                said = self._words(value)
            case Mapping():
                said = " · ".join(f"{plain(name)}: {self.told(of)}" for name, of in value.items() if _says(of))
            case list() | tuple():
                said = "\n".join(self.told(one) for one in value)
        return said

    def _words(self, text: str) -> str:
        if _INSTANT.fullmatch(text):
            return self.writer.moment(datetime.fromisoformat(text))
        if _ID.fullmatch(text):
            return self.told(UUID(text))
        return plain(text) if _CODE.fullmatch(text) else text


def _says(value: Any) -> bool:  # noqa: ANN401  JSON
    return value is not None and value not in ({}, [], "")


def _first(row: tuple[datetime, str, str | None]) -> datetime:
    return row[0]
