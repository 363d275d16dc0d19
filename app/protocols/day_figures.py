"""Figures of the days between sessions: asking for check-ins, booking, the window after a dose, counting. Ours."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.protocols.sections import Count, Days, Hours, Minutes, Section

Clock = Annotated[str, Field(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time on the wall clock, `HH:MM`."""


def _divides_a_year(months: int) -> int:
    if months not in PERIODS:
        code = "not_a_part_of_a_year"
        raise PydanticCustomError(code, "Must be 1, 3, 6 or 12.")
    return months


PERIODS = (1, 3, 6, 12)
PartOfAYear = Annotated[
    int, Field(strict=True, json_schema_extra={"enum": list(PERIODS)}), AfterValidator(_divides_a_year)
]
"""Months, so many that a year holds them a whole number of times."""


class Asking(Section):
    """How check-ins are planned and asked for."""

    planned_days: Annotated[int, Field(strict=True, ge=14, le=60)] = Field(
        30, description="So many days ahead are planned, so that a phone can be offline as long."
    )
    reminder_minutes: tuple[Annotated[int, Field(strict=True, ge=-1440, le=1440)], ...] = Field(
        (0,), max_length=5, description="The phone reminds so many minutes after a check-in is due; negative is before."
    )
    random_apart_minutes: Minutes = Field(60, description="Random check-ins of one day are at least this far apart.")
    most_a_day: Count = Field(12, description="No plan asks for more than this on one day.")


class Booking(Section):
    """How appointments are booked, moved and cancelled."""

    patient_cancels_until_hours: Hours = Field(
        24, description="A patient can cancel in the app until this long before; afterwards they call the clinic."
    )
    late_cancellation_hours: Hours = Field(24, description="A cancellation later than this before it counts as late.")
    most_repetitions: Annotated[int, Field(strict=True, ge=1, le=500)] = Field(
        400, description="No series has more appointments than this."
    )
    planned_days: Annotated[int, Field(strict=True, ge=28, le=366)] = Field(
        182, description="A series without an end is booked this many days ahead."
    )
    search_step_minutes: Minutes = Field(15, description="Free times are looked for in steps of this length.")
    opens: Clock = Field("08:00", description="Usual hours, by the clock of the clinic: from this time")
    closes: Clock = Field("18:00", description="until this one, Monday to Friday.")

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> "Booking":
        if self.opens >= self.closes:
            raise ValueError("a clinic opens before it closes")
        return self


class Integration(Section):
    """The window after a dose in which therapy has to happen."""

    first_until_hours: Hours = Field(24, description="The first window after a dose ends after this many hours,")
    second_until_hours: Hours = Field(72, description="the second after this many,")
    third_until_days: Days = Field(7, description="and the third after this many days.")
    therapy_within_hours: Hours = Field(
        72, description="INT-1: without therapy attended by this long after a dose, a routine task is raised."
    )
    raises_a_task: bool = Field(default=True, strict=True, description="INT-1: whether it is raised at all.")

    @model_validator(mode="after")
    def _windows_follow(self) -> "Integration":
        if not self.first_until_hours < self.second_until_hours < self.third_until_days * 24:
            raise ValueError("each window ends after the one before")
        return self


class Reporting(Section):
    """What a clinic sees of itself, in counts."""

    smallest_group: Annotated[int, Field(strict=True, ge=5, le=100)] = Field(
        11, description="Counts of fewer patients than this are hidden, and what would give them away."
    )
    months: PartOfAYear = Field(
        3, description="Length of the periods that are counted, in months from January. They never overlap."
    )
