"""What a phone should know when it starts, and keep for when there is no network."""

from collections.abc import Mapping
from typing import Any

from app.care_plans import safety_plans
from app.check_in_plans import plan_queries
from app.check_in_plans.plan_items import OnDemandItem
from app.core import clock
from app.core.app_versions import AppPlatform
from app.core.db import Database
from app.core.etags import composed_tag
from app.core.settings import Settings
from app.identity.access import PatientAccess
from app.identity.changes import Cursor
from app.instruments.catalogue import current_definitions
from app.instruments.definitions import Instrument
from app.safety import crisis, rosters
from app.sync import schemas


async def read(db: Database, settings: Settings, access: PatientAccess) -> tuple[schemas.Bootstrap, str]:
    """Everything a phone begins with, and its entity tag, which the time of day does not change."""
    clinic, patient = access.clinic, access.patient
    standing = await rosters.standing(db, clinic)
    plan = (await plan_queries.held(db, clinic.id, patient.id)).content
    safety_plan = await safety_plans.newest(db, patient)
    shown = schemas.Bootstrap.model_validate(
        {
            "server_time": clock.now(),
            "min_app_version": _versions(settings.min_app_versions),
            "latest_app_version": _versions(settings.latest_app_versions),
            "feature_flags": settings.feature_flags,
            "time_zone": patient.time_zone,
            "instruments": [_instrument(one) for one in current_definitions() if not one.import_only],
            "on_demand": [item for item in plan.items if isinstance(item, OnDemandItem)],
            "crisis_card": crisis.card(settings, standing.country, clinic.locale, standing),
            "safety_plan": None if safety_plan is None else safety_plans.shown(safety_plan),
            "sync_cursor": Cursor.at(patient.revision).text(patient.id),
        }
    )
    return shown, composed_tag("bootstrap", patient.id, shown.model_dump_json(exclude={"server_time"}))


def _versions(known: Mapping[AppPlatform, str]) -> dict[str, str | None]:
    return {"ios": known.get("ios"), "android": known.get("android")}


def _instrument(one: Instrument) -> dict[str, Any]:
    return {
        "key": one.key,
        "version": one.version,
        "title": one.title,
        "completed_by": one.completed_by,
        "restricted": one.restricted,
        "content_hash": one.content_hash,
        "url": f"/v1/instruments/{one.key}?version={one.version}",
    }
