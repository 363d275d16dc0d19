"""The panel on the wire."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.care_plans.rules import CarePhase
from app.check_in_plans.schemas import Counts
from app.core.fields import Moment
from app.core.pagination import DEFAULT_LIMIT, MAX_LIMIT
from app.core.schemas import Incoming, Outgoing
from app.dosing.rules import SessionStage
from app.panel.rules import ReliefState
from app.safety.findings import Severity
from app.trends.asked import MeasureKey


class PanelSort(StrEnum):
    """Who comes first.

    `need`: the worst alert that nobody has resolved, of equals one that nobody has in hand, of those the oldest, then
    the most check-ins missed in a row. `overdue`: the most of those. `days_since_dose`: the longest ago, and last who
    never had one. `next_session`: the soonest, and last who has none. `adherence`: the lowest, and last of whom
    nothing was asked.
    """

    NEED = "need"
    OVERDUE = "overdue"
    DAYS_SINCE_DOSE = "days_since_dose"
    NEXT_SESSION = "next_session"
    ADHERENCE = "adherence"


Value = Annotated[float, Field(examples=[7])]


class PanelQuery(Incoming):
    """Which patients, in which order."""

    care_team: Annotated[
        Literal["me"] | UUID | None,
        Field(description="Only whom this member of staff looks after: `me`, or the id of a membership."),
    ] = None
    alert_severity: Annotated[
        Severity | None, Field(description="Only with an alert of this severity or worse that nobody has resolved.")
    ] = None
    phase: Annotated[CarePhase | None, Field(description="Only in this phase of their care plan.")] = None
    measure: Annotated[MeasureKey | None, Field(description="Only with a value of this measure.")] = None
    at_least: Annotated[
        float | None, Field(description="Only with a latest value of the measure, for any substance, of this or more.")
    ] = None
    at_most: Annotated[float | None, Field(description="The same: this or less.")] = None
    overdue: Annotated[bool, Field(description="Only who missed the latest check-in of those that were noted.")] = False
    sort: Annotated[PanelSort, Field(description="Who comes first.")] = PanelSort.NEED
    limit: Annotated[
        int, Field(ge=1, description=f"Patients in one page; more than {MAX_LIMIT} gives {MAX_LIMIT}.", examples=[50])
    ] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=1000, description="`next_cursor` of the page before.")] = None


class SubstanceValue(Outgoing):
    """The latest value of a measure about one substance."""

    substance: str | None = Field(description="What it is about; null for a measure that is about none.")
    value: float = Field(description="In points of the measure's scale; which end is worse, its instrument says.")
    at: Moment = Field(description="When it was given.")
    change_7d: float | None = Field(
        description="Mean of the 7 local days that end with this value, minus the mean of the 7 days before; null "
        "without values of both. Rounded to thousandths."
    )


class LatestValue(SubstanceValue):
    """The latest value of a measure; of several substances, the one reported about last."""

    other_substances: list[SubstanceValue] = Field(description="The same of the patient's other substances.")


class LastSession(Outgoing):
    """The last session in which a dose was begun."""

    id: UUID = Field(description="The session.")
    status: SessionStage = Field(description="How far it has come.")
    dose_started_at: Moment = Field(description="When the dose began.")


class NextSession(Outgoing):
    """The first of the sessions in which no dose was begun yet and that were not called off."""

    id: UUID = Field(description="The session.")
    status: SessionStage = Field(description="How far it has come.")
    scheduled_at: Moment = Field(description="When it is planned.")
    overdue: bool = Field(description="Whether that is past.")


class PanelRelief(Outgoing):
    """Relief from craving after the last dose, by the rule of the dose-aligned trend."""

    state: ReliefState = Field(
        description="`unknown`: too few values before the dose. `no_room`: craving was too low to fall by as much as "
        "counts. `not_begun`, `relieved`, `returned`: what the values say so far. `over`: the dose is no longer "
        "followed."
    )
    since: Moment | None = Field(description="Since when it is `relieved` or `returned`; null otherwise.")
    substance: str | None = Field(description="Craving for what; null without a value.")


class PanelItem(Outgoing):
    """What is known of one patient at a glance."""

    patient_id: UUID = Field(description="The patient.")
    display_name: str = Field(description="How the clinic calls them.", examples=["Sam R."])
    status: str = Field(description="Whether they use the app: `invited`, `active`, `imported`.", examples=["active"])
    phase: CarePhase | None = Field(description="Of their care plan; null without one.")
    open_alerts: int = Field(description="Alerts that nobody has in hand.")
    acknowledged_alerts: int = Field(description="Alerts that somebody has in hand, and nobody has resolved.")
    worst_alert_severity: Severity | None = Field(description="Of both; null without any.")
    oldest_open_alert_at: Moment | None = Field(description="Since when the oldest is in nobody's hands.")
    latest: dict[str, LatestValue] = Field(description="The latest value of each measure, by its key.")
    overdue_check_ins: int = Field(
        description="Missed in a row: since the last that was answered, in the 28 days that adherence is of."
    )
    adherence: Counts = Field(
        description="Of the 28 days up to the latest check-in that was answered or noted as missed."
    )
    last_session: LastSession | None = Field(description="Null for who never had a dose.")
    next_session: NextSession | None = Field(description="Null where none is planned.")
    days_since_dose: int | None = Field(description="Whole days of 24 hours; null for who never had a dose.")
    relief: PanelRelief | None = Field(description="Null for who never had a dose.")
    updated_at: Moment = Field(description="When what is said of them was last brought up to date.")


class Panel(Outgoing):
    """A page of the panel."""

    items: list[PanelItem] = Field(description="Patients, in the order asked for.")
    next_cursor: str | None = Field(description="Where the next page starts; null on the last.")
