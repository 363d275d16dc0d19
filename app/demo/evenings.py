"""What happens at the end of a day at the demo clinic: what is overdue is found, and somebody answers the alerts."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from app.check_in_plans import planning
from app.core.db import unit_of_work
from app.core.fields import zone
from app.demo.acts import Act
from app.demo.daily import ASKED_FOR
from app.demo.people import TIME_ZONE
from app.demo.stage import ANY, Stage
from app.identity.permissions import Permission
from app.overdue import service as overdue
from app.safety import service as safety
from app.safety.models import Alert
from app.safety.schemas import AlertAcknowledgementWrite, AlertResolutionWrite, Outcome

SETTLED_UNTIL: Final = timedelta(hours=44)
ANSWERED_UNTIL: Final = timedelta(hours=20)
"""How old an alert is when the demo is filled, if it is settled, or has somebody's name on it at least."""
LATELY: Final = timedelta(days=3)
"""What nobody sees from so near any more is looked for every other day: it takes its time."""
MISSING: Final = {"MISS-1", "MISS-2", "MISS-3", "INT-1"}
CAME_OF_IT: Final = {
    "FREQ-1": (Outcome.KNOWN_ALREADY, "Planned so, and discussed."),
    "MOOD-1": (Outcome.PLAN_CHANGED, "Talked about it; seen by the therapist this week."),
    "SUI-1": (Outcome.SAFE_NOW, "Called. No plan, no intent; has the card, and family at home."),
    "CRV-2": (Outcome.PLAN_CHANGED, "Called; coping plan gone through again."),
    "USE-2": (Outcome.PLAN_CHANGED, "Talked about it without blame; comes in earlier."),
    "INT-1": (Outcome.PLAN_CHANGED, "Called; comes to the group this week."),
    "MISS-1": (Outcome.SAFE_NOW, "Reached by telephone; had forgotten it."),
}
USUALLY: Final = (Outcome.KNOWN_ALREADY, None)


def _is_planned(at: datetime, filled_at: datetime) -> bool:
    """On the evening after the plan was published, and on the last one: thirty days ahead are planned each time."""
    days = (filled_at.astimezone(zone(TIME_ZONE)).date() - at.astimezone(zone(TIME_ZONE)).date()).days
    return days in {0, ASKED_FOR}


async def end(engine: AsyncEngine, stage: Stage, at: datetime, filled_at: datetime) -> None:
    """Find what is overdue, then answer what the clinic would have answered by then."""
    if _is_planned(at, filled_at):
        await planning.extend(engine)
    if filled_at - at < LATELY or at.toordinal() % 2:
        await overdue.look(engine)
    async with unit_of_work(engine) as db:
        keys = {patient_id: key for key, patient_id in stage.patient_ids.items()}
        found = await db.execute(
            sa.select(Alert.id, Alert.patient_id, Alert.rule, Alert.raised_at, Alert.status)
            .where(Alert.clinic_id == stage.clinic.id, Alert.status != "resolved", Alert.severity != "critical")
            .order_by(Alert.raised_at, Alert.id)
        )
        for alert in found.all():
            who = "coordinator" if alert.rule in MISSING else "prescriber"
            act, age = Act(at, keys[alert.patient_id]), filled_at - alert.raised_at
            if age > SETTLED_UNTIL:
                access = await stage.access(db, who, "resolve_alert", Permission.ALERTS_ANSWER, act, alert.id)
                outcome, note = CAME_OF_IT.get(alert.rule, USUALLY)
                await safety.resolve(db, access, alert.id, AlertResolutionWrite(outcome=outcome, note=note), ANY)
            elif age > ANSWERED_UNTIL and alert.status == "open":
                access = await stage.access(db, who, "acknowledge_alert", Permission.ALERTS_ANSWER, act, alert.id)
                await safety.acknowledge(db, access, alert.id, AlertAcknowledgementWrite(), ANY)
