"""Days and hours of the demo, on the wall clock of the clinic or of wherever a patient is."""

from datetime import date, datetime, time, timedelta

from app.core.fields import zone
from app.demo.people import TIME_ZONE, Story

UTC_ZONE = "UTC"
FIVE_MINUTES = timedelta(minutes=5)


class Calendar:
    """The twelve weeks that end now."""

    def __init__(self, now: datetime) -> None:
        self.now = now.astimezone(zone(UTC_ZONE))
        self.today = now.astimezone(zone(TIME_ZONE)).date()

    def on(self, day: date, hours: float, time_zone: str = TIME_ZONE) -> datetime:
        """The moment when the clock on that wall shows so many hours."""
        local = datetime.combine(day, time(), zone(time_zone)) + timedelta(hours=hours)
        return local.astimezone(zone(UTC_ZONE))

    def days_ago(self, days: int) -> date:
        """A day of the clinic's calendar."""
        return self.today - timedelta(days=days)

    def within_today(self, moment: datetime) -> datetime:
        """The moment itself if it is today, to five minutes, else the nearest one that is."""
        first, last = self.on(self.today, 0), self.on(self.today + timedelta(days=1), 0) - FIVE_MINUTES
        return first + (max(first, min(moment, last)) - first) // FIVE_MINUTES * FIVE_MINUTES

    def enrolment(self, story: Story) -> date:
        """The day on which a patient came."""
        return self.days_ago(story.enrolled_days_ago)

    def where(self, story: Story, day: int) -> str:
        """The zone that a patient's phone shows on this day since enrolment."""
        if story.travels is not None and story.travels[0] <= day < story.travels[1]:
            return story.travels[2]
        return TIME_ZONE
