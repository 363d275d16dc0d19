"""The readings of a session one after the other, and which of them the safety rules have to look at again.

What a rule says of a reading depends on others: the last one before the dose, and an earlier one that was too high as
well. Readings come late and out of order, and are corrected. So rules are asked with what is known before and after a
change, and only what is new is raised. Pure: no clock, no database.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from app.dosing.reading_rules import A_MINUTE, NO_BASELINE, Baseline, distress_of, minutes_from_dose
from app.protocols.safety_figures import Safety
from app.safety.findings import Finding
from app.safety.rules import ReadingInputs, is_over_bp2, judge_reading

JUDGED: Final = (
    "systolic",
    "diastolic",
    "heart_rate",
    "spo2",
    "respiratory_rate",
    "temperature",
    "moaas",
    "dissociation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One reading as rules see it, or as much of it as others are judged by."""

    id: UUID
    at: datetime
    systolic: int | None = None
    diastolic: int | None = None
    heart_rate: int | None = None
    spo2: int | None = None
    respiratory_rate: int | None = None
    temperature: float | None = None
    moaas: int | None = None
    dissociation: int | None = None
    distress: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """A stored reading."""
        values = {name: row[name] for name in JUDGED}
        return cls(id=row["id"], at=row["at"], **values, distress=distress_of(row["dissociation_items"]))


@dataclass(frozen=True, slots=True)
class Course:
    """The readings of one session in their order, since when the drug is given, and what was measured before it."""

    readings: tuple[Measured, ...]
    dose_started_at: datetime | None
    baseline: Baseline

    @classmethod
    def of(cls, readings: Iterable[Measured], dose_started_at: datetime | None) -> Self:
        """Put readings in order; two of the same moment stand by their ids."""
        ordered = tuple(sorted(readings, key=lambda reading: (reading.at, reading.id)))
        return cls(ordered, dose_started_at, _baseline(ordered, dose_started_at))

    def baseline_of(self, reading: Measured) -> Baseline:
        """What a reading is held against: nothing for one that is itself from before the dose."""
        return NO_BASELINE if self.is_before_dose(reading) else self.baseline

    def is_before_dose(self, reading: Measured) -> bool:
        """Whether a reading was taken before the drug was given."""
        return self.dose_started_at is None or reading.at < self.dose_started_at

    def inputs_of(self, reading: Measured, figures: Safety) -> ReadingInputs:
        """What the rules are asked about a reading."""
        baseline = self.baseline_of(reading)
        return ReadingInputs(
            before_dose=self.is_before_dose(reading),
            minutes_from_dose=minutes_from_dose(reading.at, self.dose_started_at),
            systolic=reading.systolic,
            diastolic=reading.diastolic,
            heart_rate=reading.heart_rate,
            spo2=reading.spo2,
            respiratory_rate=reading.respiratory_rate,
            temperature=reading.temperature,
            moaas=reading.moaas,
            dissociation=reading.dissociation,
            distress=reading.distress,
            baseline_systolic=baseline.systolic,
            baseline_diastolic=baseline.diastolic,
            baseline_dissociation=baseline.dissociation,
            minutes_since_over=self._minutes_since_over(reading, figures),
        )

    def _minutes_since_over(self, reading: Measured, figures: Safety) -> float | None:
        """How long before a reading that is too high an earlier one was too high as well."""
        if not self._is_over(reading, figures):
            return None
        for earlier in reversed(self.readings):
            if (earlier.at, earlier.id) < (reading.at, reading.id) and self._is_over(earlier, figures):
                return (reading.at - earlier.at) / A_MINUTE
        return None

    def _is_over(self, reading: Measured, figures: Safety) -> bool:
        held = self.baseline_of(reading)
        return is_over_bp2(reading.systolic, reading.diastolic, held.systolic, held.diastolic, figures)


def _baseline(ordered: tuple[Measured, ...], dose_started_at: datetime | None) -> Baseline:
    systolic = diastolic = dissociation = None
    for reading in ordered:
        if dose_started_at is None or reading.at >= dose_started_at:
            break
        if reading.systolic is not None:
            systolic, diastolic = reading.systolic, reading.diastolic
        if reading.dissociation is not None:
            dissociation = reading.dissociation
    return Baseline(systolic, diastolic, dissociation)


def newly_found(
    before: Course, after: Course, changed: Collection[UUID], figures: Safety
) -> list[tuple[Measured, list[Finding]]]:
    """Ask the rules about what changed, in the order of time: each reading of which there is something to be told.

    A reading that was stored or corrected is judged whole, unless nothing of what rules look at is different. Of one
    that stands as it stood, only what the others made of it is told: that it now confirms, or is now a rise.
    """
    stood = {reading.id: reading for reading in before.readings}
    reaches_back = bool(stood) and any(
        reading.id in stood or reading.at <= before.readings[-1].at
        for reading in after.readings
        if reading.id in changed
    )
    found: list[tuple[Measured, list[Finding]]] = []
    for reading in after.readings:
        if reading.id not in changed and not reaches_back:
            continue
        inputs, earlier = after.inputs_of(reading, figures), stood.get(reading.id)
        judged_on = None if earlier is None else before.inputs_of(earlier, figures)
        if inputs == judged_on:
            continue
        findings = judge_reading(inputs, figures)
        if reading.id not in changed and judged_on is not None:
            known = {(finding.rule, finding.severity) for finding in judge_reading(judged_on, figures)}
            findings = [finding for finding in findings if (finding.rule, finding.severity) not in known]
        if findings:
            found.append((reading, findings))
    return found
