"""What may be asked of the charts that show a whole period: the calendar of check-ins, and the course on one page."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from app.charts.course_pictures import MOST_DAYS, MOST_PANELS, USUAL_WIDTH
from app.charts.pictures import LEAST_WIDTH
from app.core.schemas import Incoming
from app.identity.access import PatientView
from app.trends.asked import Days, FirstDay, LastDay, MeasureKey, days_between


class PageQuery(Incoming):
    """A period of the patient's local days, of 731 at most, drawn as high as it needs to be."""

    first_day: FirstDay = None
    last_day: LastDay = None
    width: Annotated[int, Field(ge=LEAST_WIDTH, le=2000, description="Width in CSS pixels.")] = USUAL_WIDTH
    theme: Annotated[Literal["light", "dark"], Field(description="Colours.")] = "light"


class CourseQuery(PageQuery):
    """The course over a period."""

    measure: Annotated[
        list[MeasureKey],
        Field(
            max_length=MOST_PANELS,
            description="The measures, in this order: `measure=a&measure=b`. Left out: the main ones that the patient "
            "reported in the period, six panels at most. Each substance has a panel of its own.",
        ),
    ] = []  # noqa: RUF012  pydantic copies it


def understand(query: PageQuery, patient: PatientView, now: datetime) -> Days:
    """Fill in the days that were left out; raise `InvalidRequest` where they make no sense."""
    return days_between(query.first_day, query.last_day, patient, now, most=MOST_DAYS)
