"""Exposure and signs of toxicity on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.core.fields import Day, Moment
from app.core.schemas import Outgoing
from app.safety.findings import Severity
from app.safety.schemas import AlertStage

Source = Annotated[str, Field(description="Where this comes from.", examples=["Observations of `urinary_check`"])]


class UrinaryTotal(Outgoing):
    """The total of one urinary check."""

    check_in_id: UUID = Field(description="The check-in that it stands in.")
    at: Moment = Field(description="When it was answered.")
    total: float = Field(description="0-15, higher is worse.", examples=[2])
    blood: int | None = Field(description="Blood seen, 0-3, higher is worse; null when not answered.")


class UrinarySigns(Outgoing):
    """The newest complete urinary checks, the latest first: what TOX-1 looks at."""

    checks: list[UrinaryTotal] = Field(description="The latest and the two before it, as far as there are.")
    source: Source


class KetamineOnScreen(Outgoing):
    """A urine drug screen found ketamine."""

    session_id: UUID = Field(description="The session whose checklist says so.")
    tested_on: Day = Field(description="When.")
    in_plan: bool = Field(description="Whether it was expected, as after a recent dose here.")


class ScreenSigns(Outgoing):
    """Ketamine on urine drug screens, the latest first: what TOX-2 looks at."""

    found: list[KetamineOnScreen] = Field(description="Screens that found it, of the last 100 checklists.")
    screens: int = Field(description="How many screens were looked at.", examples=[6])
    source: Source


class Craving(Outgoing):
    """One report of craving for ketamine."""

    check_in_id: UUID = Field(description="The check-in that it stands in.")
    at: Moment = Field(description="When.")
    measure: str = Field(
        description="`craving` (0-10) or `craving_vas` (0-100); higher is worse.", examples=["craving"]
    )
    value: float = Field(description="The value on that scale.", examples=[3])


class CravingSigns(Outgoing):
    """Craving for ketamine itself."""

    latest: Craving | None = Field(description="The newest report; null when none was ever made.")
    source: Source


class RequestSigns(Outgoing):
    """Requests for a session beside the plan: what TOX-2 looks at."""

    requests: int = Field(description="How many within these days.", examples=[1])
    within_days: int = Field(description="The clinic's figure.", examples=[14])
    source: Source


class OpenAlert(Outgoing):
    """An alert about toxicity that nobody has resolved."""

    id: UUID = Field(description="Its id.")
    rule: str = Field(description="`TOX-1` or `TOX-2`.", examples=["TOX-1"])
    severity: Severity = Field(description="How soon somebody has to look.")
    status: AlertStage = Field(description="Whether somebody has it in hand.")
    raised_at: Moment = Field(description="When it was raised.")


class ToxicitySigns(Outgoing):
    """What to look for in somebody who is given ketamine again and again. It predicts nothing."""

    urinary: UrinarySigns = Field(description="The bladder.")
    screens: ScreenSigns = Field(description="Ketamine from elsewhere.")
    craving: CravingSigns = Field(description="Craving for it.")
    extra_requests: RequestSigns = Field(description="Asking for more.")
    open_alerts: list[OpenAlert] = Field(description="Alerts that wait, oldest first.")


class PatientExposure(Outgoing):
    """How much ketamine and esketamine a patient was given, and signs of harm.

    A dose that was stopped or ended in a transfer counts. Imported history counts as well; the interval rules leave it
    out.
    """

    patient_id: UUID = Field(description="Whose.")
    at: Moment = Field(description="Up to when.")
    sessions_7d: int = Field(description="Doses in the last 7 days.", examples=[2])
    sessions_28d: int = Field(description="Doses in the last 28 days.", examples=[6])
    sessions_total: int = Field(description="All doses.", examples=[9])
    sessions_imported: int = Field(description="How many of them are history from elsewhere.", examples=[0])
    cumulative_mg: dict[str, float] = Field(description="Given in all, mg, by substance.", examples=[{"ketamine": 360}])
    doses_without_mg: int = Field(description="How many doses of history say no amount.", examples=[0])
    mean_interval_days: float | None = Field(
        description="Days from one dose to the next, on average; null with fewer than two.", examples=[3.5]
    )
    weeks_on_course: float | None = Field(description="Weeks since the first dose; null without one.", examples=[4.3])
    first_dose_at: Moment | None = Field(description="When the first began.")
    last_dose_at: Moment | None = Field(description="When the last began.")
    hours_since_last_dose: float | None = Field(description="Hours since then.", examples=[75.5])
    source: Source
    toxicity: ToxicitySigns = Field(description="Signs of harm.")
