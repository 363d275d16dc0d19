"""The figures of a protocol with their units and proposed defaults. All are ours and need clinical sign-off."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from app.protocols.day_figures import Asking, Booking, Integration, Reporting
from app.protocols.safety_figures import Escalation, Safety
from app.protocols.sections import Count, Days, Hours, Minutes, Section, Share
from app.protocols.session_figures import Discharge, Dosing, Readings


class Linking(Section):
    """How a check-in finds the dosing session and the appointment it belongs to."""

    before_hours: Hours = Field(72, description="A check-in this many hours before a dosing session is `before` it.")
    after_days: Days = Field(14, description="A check-in belongs to a dose for at most this many days.")
    dosing_session_minutes: Minutes = Field(120, description="Length of a dose whose end was not recorded.")
    appointment_minutes: Minutes = Field(50, description="Length of an appointment without an end.")
    appointment_after_hours: Hours = Field(3, description="A check-in this soon after an appointment belongs to it.")
    clock_tolerance_minutes: Minutes = Field(
        5, description="A device clock further ahead than this is suspect: the check-in is kept, but not counted."
    )


class Trends(Section):
    """The figures behind the statistics of a trend."""

    baseline_days: Days = Field(14, description="Days before the first dose whose median is the baseline.")
    baseline_min_values: Count = Field(3, description="Fewest values that make a baseline.")
    dose_baseline_hours: Hours = Field(72, description="Hours before a dose whose median is that dose's baseline.")
    dose_baseline_wide_days: Days = Field(7, description="Days to look back when those hours hold too few values.")
    change_range_share: Share = Field(0.2, description="Smallest change that counts, as a share of the scale's range.")
    change_baseline_share: Share = Field(0.3, description="Smallest change that counts, as a share of the baseline.")
    percent_min_range_share: Share = Field(
        0.1, description="No percentage is given for a baseline below this share of the scale's range."
    )
    gap_days: Days = Field(3, description="A line is broken where values are further apart than this many days.")
    gap_break_hours: Hours = Field(72, description="The area under a curve is broken at gaps longer than this.")
    horizon_days: Days = Field(14, description="A dose is followed for this many days, or until the next dose.")
    auc_hours: Hours = Field(168, description="Hours after a dose over which the area is taken.")
    nadir_min: Count = Field(3, description="Fewest values after a dose for a lowest point.")
    slope_min: Count = Field(5, description="Fewest values for a slope.")
    kendall_min: Count = Field(8, description="Fewest values for its interval and for the trend test.")
    latest_days: Days = Field(
        7, description="The latest values are those of so many local days up to the last one that has any."
    )
    gap_intervals: Count = Field(
        2, description="A questionnaire's line is broken where so many of its usual intervals passed without one."
    )
    smooth_median_days: Days = Field(7, description="Days whose median makes one point of a line of medians.")
    smooth_median_min: Count = Field(3, description="Fewest days with values among them for a point.")
    missed_after_hours: Hours = Field(
        24, description="A value counts as the one before a missed check-in when it is no older than this."
    )
    missed_min: Count = Field(5, description="Fewest check-ins, after worse values and after others, to compare them.")
    dose_group_min: Count = Field(3, description="Fewest doses given alike, with relief, for a median of them.")
    ewma_tau_days: Annotated[float, Field(strict=True, gt=0, le=100)] = Field(
        2.8, description="Memory of the smoothed line, days."
    )
    alpha: Annotated[float, Field(strict=True, gt=0, lt=0.5)] = Field(0.05, description="Level of the trend test.")
    pooled_hours: tuple[Annotated[int, Field(strict=True, ge=-24 * 60, le=24 * 60)], ...] = Field(
        (-72, -48, -24, 0, 2, 6, 12, 24, 48, 72, 120, 168, 240),
        min_length=1,
        max_length=40,
        description="Doses are laid on one another in stretches that begin at these hours from a dose, rising; the "
        "last ends where a dose is no longer followed.",
    )
    pooled_min_sessions: Count = Field(
        3, description="Fewest doses with a value in a stretch for its quartiles to be given."
    )

    @model_validator(mode="after")
    def _stretches_follow_one_another(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise(self.pooled_hours)):
            raise ValueError("the hours of the stretches rise")
        return self


class Instruments(Section):
    """Choices about scoring."""

    prorate_phq9: bool = Field(
        default=False,
        strict=True,
        description="Whether a PHQ-9 with 7 or 8 answers gets a prorated total (never when item 9 is missing).",
    )


DoseConsent = Literal["treatment_ketamine_off_label", "data_processing_app", "part2_tpo"]
"""What a clinic may ask for before a dose. Taking part in research or being recorded is never a condition of care."""


class Consents(Section):
    """Which consents the clinic insists on."""

    require_before_dose: tuple[DoseConsent, ...] = Field(
        ("treatment_ketamine_off_label",),
        max_length=3,
        description="Types of consent without which no dose is cleared. The consent to the treatment, once it was "
        "signed here, has to stand in its newest version whatever this says.",
    )


class Protocol(Section):
    """Every figure of a clinic, in sections."""

    linking: Linking = Linking()
    trends: Trends = Trends()
    instruments: Instruments = Instruments()
    consents: Consents = Consents()
    dosing: Dosing = Dosing()
    readings: Readings = Readings()
    discharge: Discharge = Discharge()
    safety: Safety = Safety()
    escalation: Escalation = Escalation()
    asking: Asking = Asking()
    booking: Booking = Booking()
    integration: Integration = Integration()
    reporting: Reporting = Reporting()
