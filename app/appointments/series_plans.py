"""The plan of a series: as it is asked for, kept, and read again."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.appointments import recurrence
from app.appointments.models import AppointmentSeries
from app.appointments.recurrence import Instance
from app.appointments.series_schemas import AppointmentSeriesWrite
from app.core.fields import zone
from app.protocols.rules import Protocol


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for, with everything filled in."""

    asked: AppointmentSeriesWrite
    rule: recurrence.Rule
    time_zone: str

    @property
    def content(self) -> str:
        """The plan as it is kept."""
        filled = self.asked.model_copy(update={"rule": str(self.rule), "time_zone": self.time_zone})
        return filled.model_dump_json()

    def instances(self, now: datetime, protocol: Protocol) -> tuple[list[Instance], datetime | None]:
        """Those to be booked by now, and how far that is; None when these are all."""
        figures = protocol.booking
        until = None if self.rule.ends else now + timedelta(days=figures.planned_days)
        first_at = self.asked.first_at
        found, whole = recurrence.instances(
            self.rule, first_at, self.time_zone, most=figures.most_repetitions, until=until
        )
        return found, None if whole else until


def kept(series: AppointmentSeries) -> Plan:
    """The plan of a series as it stands."""
    asked = AppointmentSeriesWrite.model_validate_json(series.content)
    return Plan(asked, recurrence.read(series.rule), series.time_zone)


def day_of(series: AppointmentSeries, recurrence_at: datetime) -> date:
    """The day of the rule that an appointment stands for."""
    return recurrence_at.astimezone(zone(series.time_zone)).date()


def checked(asked: AppointmentSeriesWrite, clinic_zone: str, protocol: Protocol) -> Plan:
    """Fill in and check what was asked for; raises `InvalidRequest`."""
    time_zone = asked.time_zone or clinic_zone
    most = protocol.booking.most_repetitions
    rule = recurrence.check(asked.rule, asked.first_at, time_zone, most)
    recurrence.check_left_out(asked.left_out, rule, asked.first_at, time_zone, most)
    return Plan(asked, rule, time_zone)
