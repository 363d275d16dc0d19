"""The figures of a supervised session: before the dose, the dose, readings, going home. Ours unless a source is named.

They warn, ask for a reason and block by rules that a prescriber signed off. None of them proposes a dose.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from app.protocols.sections import Count, Days, Hours, Minutes, Points, Section

Milligrams = Annotated[float, Field(strict=True, gt=0, le=10_000)]
MilligramsPerKilogram = Annotated[float, Field(strict=True, ge=0, le=100)]
Degrees = Annotated[float, Field(strict=True, ge=25, le=45)]
AlcoholLevel = Annotated[float, Field(strict=True, ge=0, le=1)]


class PerKilogram(Section):
    """A range of dose for body weight, in mg/kg, both ends included."""

    low: MilligramsPerKilogram = Field(description="Smallest, mg/kg.")
    high: MilligramsPerKilogram = Field(description="Largest, mg/kg.")

    @model_validator(mode="after")
    def _rises(self) -> "PerKilogram":
        if self.low > self.high:
            raise ValueError("a range rises from low to high")
        return self


class Dosing(Section):
    """What has to be true before a dose, and which doses have to be confirmed with a reason."""

    clearance_minutes: Minutes = Field(60, description="A clearance is good for this long.")
    weight_max_age_days: Days = Field(30, description="A weight older than this gives no dose per kilogram.")
    pre_dose_reading_minutes: Minutes = Field(
        60, description="Vital signs before the dose must not be older than this at the clearance."
    )
    solids_hours: Hours = Field(6, description="Hours without food before a dose that is not a spray.")
    clear_fluids_hours: Hours = Field(2, description="Hours without drink before a dose that is not a spray.")
    spray_solids_hours: Hours = Field(2, description="Hours without food before a spray.")
    spray_fluids_minutes: Minutes = Field(30, description="Minutes without drink before a spray.")
    nasal_steroid_hours: Hours = Field(1, description="Hours since a nasal steroid, before a spray.")
    last_drink_hours: Hours = Field(24, description="Hours since the last alcoholic drink.")
    breath_alcohol_limit: AlcoholLevel = Field(
        0.0, description="Highest breath alcohol at which a dose is given, g/dL."
    )
    pregnancy_test_days: Days = Field(31, description="A pregnancy test, where relevant, is repeated after this long.")
    withdrawal_cows_from: Points = Field(13, description="COWS total from which withdrawal counts as moderate.")
    withdrawal_ciwa_from: Points = Field(10, description="CIWA-Ar total from which withdrawal counts as moderate.")
    min_interval_hours: Hours = Field(24, description="FREQ-1: no dose sooner than this after the last; no override.")
    review_interval_hours: Hours = Field(48, description="FREQ-1: a dose sooner than this needs a reason.")
    most_in_7_days: Count = Field(2, description="FREQ-1: more doses than this in 7 days need a reason.")
    most_in_28_days: Count = Field(8, description="FREQ-1: more doses than this in 28 days need a reason.")
    induction_sessions: Count = Field(
        8, description="FREQ-1: a dose after this many needs a documented review. Until then a patient is in induction."
    )
    iv_mg_per_kg: PerKilogram = Field(
        PerKilogram(low=0.1, high=1.0), description="IV: other doses need a reason, mg/kg."
    )
    im_mg_per_kg: PerKilogram = Field(
        PerKilogram(low=0.2, high=2.0), description="IM: other doses need a reason, mg/kg."
    )
    spray_mg: tuple[Milligrams, ...] = Field(
        (28.0, 56.0, 84.0), min_length=1, max_length=10, description="Spray: other doses need a reason, mg."
    )
    infusion_min_minutes: Minutes = Field(2, description="A shorter infusion needs a reason.")
    infusion_max_minutes: Minutes = Field(120, description="A longer infusion needs a reason.")
    missed_session_hours: Hours = Field(
        2, description="MISS-3: a session that nobody came to counts as missed this long after its planned begin."
    )


class Limits(Section):
    """Limits of one reading; null where that side has none. Above or below amber is looked at, red at once."""

    amber_below: float | None = Field(None, strict=True, description="Amber below this; null for no such limit.")
    amber_above: float | None = Field(None, strict=True, description="Amber above this; null for no such limit.")
    red_below: float | None = Field(None, strict=True, description="Red below this; null for no such limit.")
    red_above: float | None = Field(None, strict=True, description="Red above this; null for no such limit.")


Wanted = Literal["vitals", "moaas", "dissociation", "aldrete", "craving", "mood", "cssrs"]


class TimePoint(Section):
    """A moment of the protocol, in minutes from the begin of the dose."""

    key: str = Field(pattern=r"^[a-z0-9_]{1,32}$", examples=["plus_40"], description="Its name, which readings show.")
    minutes: int = Field(strict=True, ge=-24 * 60, le=60 * 24 * 60, description="From the begin; negative before it.")
    tolerance_minutes: int = Field(strict=True, ge=1, le=7 * 24 * 60, description="Early or late by at most this.")
    by: Literal["staff", "patient"] = Field("staff", description="Who records it: at the bedside, or on the phone.")
    wants: tuple[Wanted, ...] = Field(min_length=1, max_length=7, description="What is recorded then.")


STAFF_POINTS = (
    TimePoint(key="before", minutes=-30, tolerance_minutes=30, wants=("vitals", "dissociation", "cssrs")),
    TimePoint(key="plus_40", minutes=40, tolerance_minutes=10, wants=("vitals", "dissociation", "moaas")),
    TimePoint(key="plus_80", minutes=80, tolerance_minutes=15, wants=("vitals", "dissociation", "moaas")),
    TimePoint(key="plus_120", minutes=120, tolerance_minutes=15, wants=("vitals", "dissociation", "moaas", "aldrete")),
)
_FEELINGS: tuple[Wanted, ...] = ("craving", "mood", "dissociation")
PATIENT_POINTS = (
    TimePoint(key="run_up_24h", minutes=-1440, tolerance_minutes=360, by="patient", wants=("craving", "mood")),
    TimePoint(key="after_40m", minutes=40, tolerance_minutes=20, by="patient", wants=_FEELINGS),
    TimePoint(key="after_2h", minutes=120, tolerance_minutes=30, by="patient", wants=_FEELINGS),
    TimePoint(key="plus_4h", minutes=240, tolerance_minutes=60, by="patient", wants=_FEELINGS),
    TimePoint(key="plus_24h", minutes=1440, tolerance_minutes=360, by="patient", wants=_FEELINGS),
    TimePoint(key="plus_72h", minutes=4320, tolerance_minutes=720, by="patient", wants=("craving", "mood")),
    TimePoint(key="plus_7d", minutes=10080, tolerance_minutes=1440, by="patient", wants=("craving", "mood")),
    TimePoint(key="plus_14d", minutes=20160, tolerance_minutes=2880, by="patient", wants=("craving", "mood")),
)


class Readings(Section):
    """When readings are due, and which of their values are flagged on the chart.

    A flag comes when somebody has typed a number: minutes late. It never replaces the monitor at the bedside.
    """

    time_points: tuple[TimePoint, ...] = Field(
        STAFF_POINTS + PATIENT_POINTS, max_length=40, description="Planned moments, besides the regular vital signs."
    )
    every_minutes_while_dosing: Minutes = Field(10, description="Vital signs this often while it is given.")
    every_minutes_afterwards: Minutes = Field(15, description="Vital signs this often after its end,")
    afterwards_minutes: Minutes = Field(60, description="for this long.")
    regular_tolerance_minutes: Minutes = Field(5, description="Early or late by at most this, for the regular ones.")
    received_late_minutes: Minutes = Field(
        15, description="A reading that reaches us longer than this after it was taken is marked as late."
    )
    chart_gap_minutes: Minutes = Field(
        45, description="The chart of a session draws no line across a longer time without a value."
    )
    systolic: Limits = Field(Limits(amber_above=140, red_above=180), description="Upper blood pressure, mm[Hg].")
    diastolic: Limits = Field(Limits(amber_above=90, red_above=110), description="Lower blood pressure, mm[Hg].")
    heart_rate: Limits = Field(
        Limits(amber_below=50, amber_above=110, red_below=40, red_above=130), description="Heart rate, /min."
    )
    spo2: Limits = Field(Limits(amber_below=94, red_below=90), description="Oxygen saturation, %.")
    respiratory_rate: Limits = Field(Limits(amber_below=10, amber_above=24, red_below=8), description="Breaths, /min.")
    temperature: Limits = Field(Limits(amber_above=37.9, red_above=39.9), description="Temperature, Cel.")
    systolic_rise: Points = Field(40, description="A rise by this much over the one before the dose is amber, mm[Hg].")
    diastolic_rise: Points = Field(25, description="The same for the lower pressure, mm[Hg].")


class Discharge(Section):
    """What must be so before a patient goes home."""

    spray_observation_minutes: Minutes = Field(120, description="Least time from the last device of a spray.")
    observation_minutes: Minutes = Field(120, description="Least time from the end of every other dose.")
    reading_max_age_minutes: Minutes = Field(30, description="The readings that count must not be older than this.")
    aldrete_from: Points = Field(9, description="Aldrete total from which a patient may go (or back to before).")
    moaas_from: Annotated[int, Field(strict=True, ge=0, le=5)] = Field(5, description="Least alertness, MOAA/S.")
    pressure_within: Points = Field(20, description="Blood pressure within this of the one before the dose, mm[Hg].")
    systolic_up_to: Points = Field(140, description="Or the upper pressure at most this, mm[Hg],")
    diastolic_up_to: Points = Field(90, description="and the lower at most this, mm[Hg].")
    dissociation_below_rise: Points = Field(
        4, description="Dissociation less than this above the total before the dose, points of 16."
    )
    rems_due_days: Days = Field(7, description="A REMS report is due this long after the session.")
