"""Rows of the record in plain words, with times in the patient's own zone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.charts.words import Words
from app.consents.schemas import Disclosure, DisclosureRestriction, SignedConsent
from app.core.fields import zone
from app.exports import schemas
from app.exports.blocks import Answer, Cell
from app.exports.words import NOT_ANSWERED
from app.instruments.catalogue import find_definition
from app.instruments.definitions import Instrument, Item

NONE: Final = "–"
"""What stands where there is nothing to say."""

_WORDS: Final = {
    "IV": "into a vein",
    "IM": "into a muscle",
    "SC": "under the skin",
    "IN_esketamine": "as a nasal spray",
    "SL": "under the tongue",
    "PO": "by mouth",
    "cbt": "CBT",
    "mbrp": "mindfulness-based relapse prevention",
    "met": "motivational enhancement",
    "twelve_step": "12-step",
    "medication_for_sud": "medication for substance use",
    "entered-in-error": "entered by mistake",
    "cancelled_patient": "cancelled by you",
    "cancelled_clinic": "cancelled by the clinic",
    "scheduled": "planned",
    "closed": "finished",
    "aborted": "stopped",
    "noshow": "missed",
    "no_show": "missed",
    "fulfilled": "took place",
    "checked_in": "arrived",
    "late": "attended, came late",
    "left_early": "attended, left early",
    "clinic_admin": "clinic administrator",
    "treatment_ketamine_off_label": "treatment with ketamine",
    "data_processing_app": "use of this app",
    "part2_tpo": "sharing for treatment, payment and operations",
    "part2_specific": "sharing with somebody in particular",
    "contact_person_release": "telling a contact person",
    "patient": "you",
    "patient_access": "your own copy",
    "neg": "negative",
    "pos": "positive",
    "na": "does not apply",
    "moaas": "alertness",
    "spo2": "oxygen",
}
_PHASES: Final = {
    "before": "before a dose",
    "during": "during a session",
    "0_24h": "in the first day after a dose",
    "24_72h": "one to three days after a dose",
    "72h_14d": "three to fourteen days after a dose",
}
_ORIGINS: Final = {"clinician": "written down by the clinic", "imported": "brought in from elsewhere"}


def counted(n: int, what: str) -> str:
    """So many of a thing: "1 value", "3 values"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def plain(code: str) -> str:
    """The words for a code such as `relapse_prevention`."""
    return _WORDS.get(code, code.replace("_", " ").replace("-", " "))


@dataclass(frozen=True, slots=True)
class Wordings:
    """What the clinic itself calls its instruments and their questions, where it says so."""

    titles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    items: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes rows in one locale and zone."""

    words: Words
    zone: ZoneInfo
    wordings: Wordings = field(default_factory=Wordings)
    doses: Mapping[UUID, datetime] = field(default_factory=dict)
    visits: Mapping[UUID, str] = field(default_factory=dict)
    people: Mapping[UUID, str] = field(default_factory=dict)

    def day(self, at: datetime) -> str:
        """The local day: "22 Nov 2026"."""
        return self.words.day(at.astimezone(self.zone), year=True)

    def clock(self, at: datetime) -> str:
        """The local time of day."""
        return self.words.clock(at.astimezone(self.zone))

    def moment(self, at: datetime | None) -> str:
        """Local day and time, or a dash."""
        return NONE if at is None else f"{self.day(at)}, {self.clock(at)}"

    def month(self, at: datetime) -> str:
        """The local month with its year."""
        local = at.astimezone(self.zone)
        return f"{self.words.say.months[local.month - 1]} {local.year}"

    def session(self, session: schemas.CopiedDosingSession) -> tuple[Cell, ...]:
        """When it was planned, what became of it, what was given, and when."""
        given = NONE
        if session.substance is not None:
            given = " ".join(filter(None, (plain(session.substance), self.words.amount(session.dose_mg, "mg"))))
            given += f", {plain(session.route)}" if session.route else ""
        when = self.moment(session.dose_started_at)
        if session.dose_started_at is not None and session.dose_ended_at is not None:
            when += f" – {self.clock(session.dose_ended_at)}"
        return self.moment(session.scheduled_at), plain(session.status), given, when

    def appointment(self, appointment: schemas.CopiedAppointment) -> tuple[Cell, ...]:
        """When it was planned, what it was, who took part, and what became of it."""
        when = self.moment(appointment.scheduled_at)
        if appointment.ends_at is not None:
            when += f" – {self.clock(appointment.ends_at)}"
        what = f"{plain(appointment.kind)}\n{plain(appointment.format)}, {plain(appointment.channel)}"
        what += "".join(f"\n{where}" for where in (appointment.room, appointment.location) if where)
        present = [
            self.people.get(one.staff_id, "staff") if one.staff_id else one.name for one in appointment.participants
        ]
        became = plain(appointment.attendance or appointment.status)
        if appointment.attended_minutes is not None:
            became += f", {self.words.duration(appointment.attended_minutes)}"
        if appointment.reason is not None:
            became += f"\nreason: {plain(appointment.reason)}"
        return when, what, "\n".join(name for name in present if name) or NONE, became

    def consent(self, consent: SignedConsent) -> tuple[Cell, ...]:
        """What was signed, when, and whether it counts."""
        what = (Answer(consent.title, f"{plain(consent.type)}, version {consent.document_version}"),)
        status = plain(consent.status)
        status += f", {self.moment(consent.withdrawn_at)}" if consent.withdrawn_at else ""
        status += f"\n{consent.withdrawal_reason}" if consent.withdrawal_reason else ""
        ends = "when withdrawn" if consent.expires_at is None else self.moment(consent.expires_at)
        return self.moment(consent.signed_at), what, status, ends

    def restriction(self, restriction: DisclosureRestriction) -> tuple[Cell, ...]:
        """What stays here, whom it is kept from, and since when."""
        whom = restriction.recipient or plain(restriction.recipient_class or "everybody")
        what = ", ".join(map(plain, restriction.categories)) or "everything"
        purposes = ", ".join(map(plain, restriction.purposes)) or "any purpose"
        lifted = NONE if restriction.lifted_at is None else self.moment(restriction.lifted_at)
        return self.moment(restriction.requested_at), f"{whom}\nfor {purposes}", what, lifted

    def disclosure(self, disclosure: Disclosure) -> tuple[Cell, ...]:
        """What left or was withheld, who received it, and what allowed it."""
        whom = disclosure.recipient or plain(disclosure.recipient_class)
        allowed = plain(disclosure.basis) if disclosure.basis else f"withheld: {plain(disclosure.refusal or '')}"
        what = ", ".join(map(plain, disclosure.categories))
        return self.moment(disclosure.at), f"{whom}\nfor {plain(disclosure.purpose)}", what, allowed

    def check_in(self, row: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
        """A check-in as it stands, then what it said before each correction."""
        now = self._reported(row, self._beside(row)), self._answers(row), self._around(row)
        return [now, *(self._earlier(version) for version in row["earlier_versions"])]

    def _earlier(self, row: Mapping[str, Any]) -> tuple[Cell, ...]:
        replaced = f"as it was before the correction of {self.moment(row['replaced_at'])}"
        return self._reported(row, [replaced]), self._answers(row), NONE

    def _reported(self, row: Mapping[str, Any], beside: list[str]) -> str:
        return "\n".join([self.there(row["recorded_at"], row["time_zone"]), *beside])

    def there(self, at: datetime, time_zone: str | None) -> str:
        """Day and time by the patient's clock of today, and by the one of that place where it was another."""
        said = f"{self.day(at)}\n{self.clock(at)}"
        local = at.astimezone(zone(time_zone) if time_zone else self.zone)
        if local.utcoffset() != at.astimezone(self.zone).utcoffset():
            said += f"\n({self.words.clock(local)} in {time_zone})"
        return said

    def _beside(self, row: Mapping[str, Any]) -> list[str]:
        said = [_ORIGINS[row["origin"]]] if row["origin"] in _ORIGINS else []
        said += ["clock was off"] if row["clock_suspect"] else []
        said += ["late"] if row["late"] else []
        return said + (["corrected"] if row["version"] > 1 else [])

    def _around(self, row: Mapping[str, Any]) -> str:
        lines: list[str] = []
        minutes, session = row["minutes_from_dose"], row["dosing_session_id"]
        if minutes is not None:
            side = "after" if minutes >= 0 else "before"
            lines.append(f"{self.words.duration(abs(minutes))} {side} the dose")
            lines += [f"of {self.day(self.doses[session])}"] if session in self.doses else []
        elif row["phase"] in _PHASES:
            lines.append(_PHASES[row["phase"]])
        visit = self.visits.get(row["appointment_id"])
        return "\n".join(lines + ([visit] if visit else [])) or NONE

    def _answers(self, row: Mapping[str, Any]) -> tuple[Answer, ...]:
        scores = row["scores"] or [{}] * len(row["responses"])
        answered = [self._response(given, score) for given, score in zip(row["responses"], scores, strict=False)]
        return tuple(answered + ([Answer("Note", row["note"])] if row["note"] else []))

    def _response(self, given: Mapping[str, Any], score: Mapping[str, Any]) -> Answer:
        key, version, answers = given["instrument"], given["version"], given["answers"]
        instrument = find_definition(key, version)
        title = self.wordings.titles.get((key, version)) or (instrument.title if instrument else plain(key))
        title += f", {plain(given['substance'])}" if given.get("substance") else ""
        if instrument is None:
            return Answer(title, " · ".join(f"{plain(item)}: {_number(answer)}" for item, answer in answers.items()))
        parts = [
            f"{self.wordings.items.get((key, version, item.key), item.label)}: {_answer(item, answers.get(item.key))}"
            for item in instrument.items
            if _was_asked(item, answers)
        ]
        unknown = answers.keys() - instrument.items_by_key.keys()
        parts += [f"{plain(name)}: {_number(answers[name])}" for name in sorted(unknown)]
        return Answer(title, " · ".join(self._total(instrument, score) + parts))

    def _total(self, instrument: Instrument, score: Mapping[str, Any]) -> list[str]:
        if instrument.scoring.method in {"single", "none", "levels"}:
            return []
        if score.get("total") is not None:
            return [f"total {self.words.number(score['total'])}"]
        subscales = score.get("subscales") or {}
        if any(value is not None for value in subscales.values()):
            return [f"{plain(name)} {_number(value)}" for name, value in subscales.items()]
        return ["no total, since answers are missing"]


def _was_asked(item: Item, answers: Mapping[str, Any]) -> bool:
    """Whether the question came up: some only follow a certain answer to another one."""
    return item.asked_if is None or item.key in answers or answers.get(item.asked_if.item) == item.asked_if.equals


def _answer(item: Item, answer: int | None) -> str:
    if answer is not None and (item.minimum, item.maximum) == (0, 1):
        return "yes" if answer else "no"
    return _number(answer)


def _number(answer: float | None) -> str:
    return NOT_ANSWERED if answer is None else f"{answer:g}".replace("-", "−")
