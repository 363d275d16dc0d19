"""Everything that was written down around a dose and beside it is in the patient's copy, word for word."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import app
from app.core.columns import Instant, Sealed
from app.core.db import Base, Database
from app.core.schemas import Outgoing
from app.exports import care_schemas, day_schemas, schemas
from app.exports.care_queries import OBJECTS
from tests.cast import Cast
from tests.exports.copies import Copies
from tests.factories import Person, an_id

for path in Path(app.__file__).parent.glob("*/models.py"):
    import_module(f"app.{path.parent.name}.models")
AT = datetime(2026, 11, 10, 18, 30, tzinfo=UTC)
KEYS = {"clinic_id", "patient_id", "session_id", "reading_id", "adverse_event_id", "alert_id"}
"""What a row hangs on: in the copy it stands inside of that."""
COPIED: dict[str, tuple[type[Outgoing], set[str]]] = {
    "dosing_sessions": (schemas.CopiedDosingSession, {"revision"}),
    "dosing_session_steps": (schemas.CopiedSessionStep, {"id", "version"}),
    "pre_dose_checklists": (care_schemas.CopiedChecklist, set()),
    "session_clearances": (care_schemas.CopiedClearance, {"id"}),
    "dose_records": (care_schemas.CopiedDoseRecord, set()),
    "dose_pauses": (care_schemas.CopiedDosePause, {"id"}),
    "readings": (care_schemas.CopiedReading, {"device_id", "fingerprint"}),
    "reading_versions": (care_schemas.CopiedReadingVersion, {"device_id", "fingerprint"}),
    "discharge_assessments": (care_schemas.CopiedDischargeAssessment, set()),
    "session_discharges": (care_schemas.CopiedDischarge, set()),
    "rems_reports": (care_schemas.CopiedRemsReport, set()),
    "extra_session_requests": (care_schemas.CopiedExtraSessionRequest, set()),
    "adverse_events": (care_schemas.CopiedAdverseEvent, set()),
    "adverse_event_versions": (care_schemas.CopiedAdverseEventVersion, set()),
    "alerts": (care_schemas.CopiedAlert, {"next_step_at", "revision"}),
    "alert_steps": (care_schemas.CopiedAlertStep, {"id"}),
    "alert_notices": (care_schemas.CopiedAlertNotice, {"id", "due_at", "attempts"}),
    "help_requests": (care_schemas.CopiedHelpRequest, set()),
    "patient_details": (care_schemas.CopiedDetails, set()),
    "due_check_ins": (day_schemas.CopiedDueCheckIn, {"revision", "awaits_dose"}),
    "check_in_plans": (day_schemas.CopiedCheckInPlan, {"revision"}),
    "time_zone_changes": (day_schemas.CopiedTimeZoneChange, {"id"}),
    "appointment_series": (day_schemas.CopiedAppointmentSeries, {"revision"}),
    "appointments": (
        schemas.CopiedAppointment,
        {"revision", "room_id", "group_session_id", "override_reason"},
    ),
    "group_members": (day_schemas.CopiedGroupMembership, {"revision"}),
    "care_plans": (day_schemas.CopiedCarePlan, {"revision"}),
    "practice_logs": (day_schemas.CopiedPracticeLog, {"revision"}),
    "safety_plans": (day_schemas.CopiedSafetyPlan, {"revision"}),
    "contingency_plans": (day_schemas.CopiedContingencyPlan, {"revision"}),
    "contingency_results": (day_schemas.CopiedContingencyResult, {"revision"}),
    "journal_entries": (day_schemas.CopiedJournalEntry, {"revision"}),
    "calendar_feeds": (day_schemas.CopiedCalendarFeed, {"membership_id", "generation"}),
}
"""Tables whose columns are all copied but these: what only serves to sort, to send, or to tell one tablet's retries."""
ELSEWHERE = {
    "care_team_members": "care_team",
    "check_ins": "check_ins",
    "check_in_versions": "check_ins.earlier_versions",
    "consents": "consents",
    "disclosure_restrictions": "disclosure_restrictions",
    "disclosures": "disclosures",
    "memberships": "profile",
    "patients": "profile",
    "quarantined_submissions": "quarantined_check_ins",
    "audit_entries": "record_accesses",
    "patient_revisions": "revision",
    "observations": "what check_ins yield, in the readable copies by month",
    "timeline_moments": "the links of check_ins",
}
LEFT_OUT = {
    "emergency_accesses": "in an emergency",
    "consent_signing_holds": "do its work",
    "invitations": "do its work",
    "outbox_events": "do its work",
    "timeline_anchors": "do its work",
    "check_in_planning": "how far ahead your check-ins are planned",
    "patient_summaries": "the summary of your record",
    "tombstones": "what tells your other phones that something is gone",
    "webhook_deliveries": "do its work",
}
"""Tables that are not copied, and words of the sentence of the copy that says so."""


def tables_about_patients() -> set[str]:
    """Tables that name a patient, and those that hang on such a table."""
    about = {table.name for table in Base.metadata.tables.values() if "patient_id" in table.columns}
    below = {"appointment_steps", "appointment_participants", "dosing_session_steps", "alert_steps", "alert_notices"}
    return about | below | {"adverse_event_versions", "patients", "calendar_feeds"}


class TestEveryTable:
    def test_about_a_patient_is_copied_or_named(self) -> None:
        known = COPIED.keys() | ELSEWHERE.keys() | LEFT_OUT.keys() | {"appointment_steps", "appointment_participants"}

        assert tables_about_patients() == known

    @pytest.mark.parametrize("name", COPIED)
    def test_is_copied_with_all_its_columns(self, name: str) -> None:
        schema, needless = COPIED[name]
        columns = {column.name for column in Base.metadata.tables[name].columns}

        assert columns - KEYS - needless == columns & schema.model_fields.keys() - KEYS
        assert needless <= columns

    @pytest.mark.parametrize("name", LEFT_OUT)
    async def test_that_is_left_out_is_named_in_the_copy(self, copies: Copies, name: str) -> None:
        assert any(LEFT_OUT[name] in one["what"] for one in (await copies.json())["left_out"])


class TestEverything:
    async def test_that_was_written_is_in_the_copies_and_in_no_other_patients(
        self, copies: Copies, cast: Cast, db: Database
    ) -> None:
        mine = await Everything(cast, cast.patient, "mine").written(db)
        others = await Everything(cast, cast.other_patient, "others").written(db)

        texts = {
            "json": (await copies.get("json")).text,
            "html": (await copies.page()).words,
            "pdf": re.sub(r"\s", "", await copies.printed()),
        }

        assert len(mine) > 20
        for text in texts.values():
            assert [word for word in mine if word not in text] == []
            assert [word for word in others if word in text] == []
            assert "kept-back" not in text

    async def test_names_everybody_who_wrote_it(self, copies: Copies, cast: Cast, db: Database) -> None:
        await Everything(cast, cast.patient, "mine").written(db)

        held = await copies.json()

        assert str(cast.coordinator.membership.id) in {person["id"] for person in held["people"]}
        (session,) = held["dosing_sessions"]
        assert session["discharge"]["discharged_by"] == str(cast.coordinator.membership.id)

    async def test_hangs_where_it_belongs(self, copies: Copies, cast: Cast, db: Database) -> None:
        await Everything(cast, cast.patient, "mine").written(db)

        held = await copies.json()

        (session,) = held["dosing_sessions"]
        assert [reading["minutes_from_dose"] for reading in session["readings"]] == [2]
        assert [version["version"] for version in session["readings"][0]["earlier_versions"]] == [2]
        assert [len(event["earlier_versions"]) for event in held["adverse_events"]] == [1]
        assert [(len(alert["steps"]), len(alert["notices"])) for alert in held["alerts"]] == [(1, 1)]
        assert [len(held[name]) for name in ("help_requests", "extra_session_requests", "due_check_ins")] == [1, 1, 1]

    async def test_of_a_session_without_any_of_it_is_said_to_be_nothing(self, copies: Copies) -> None:
        words = (await copies.page()).words

        assert "They found nothing." in words
        assert "Nothing was asked for." in words


class Everything:
    """One row in each of these tables, with a word of its own in every sealed text."""

    def __init__(self, cast: Cast, person: Person, word: str) -> None:
        self.cast, self.person, self.word = cast, person, word
        self.ids = {"dosing_sessions": an_id(), "readings": an_id(), "adverse_events": an_id(), "alerts": an_id()}
        self.room, self.group, self.meeting = an_id(), an_id(), an_id()
        self.words: list[str] = []

    async def written(self, db: Database) -> list[str]:
        """Insert them; the words."""
        await self._where_groups_meet(db)
        for name in COPIED:
            table = Base.metadata.tables[name]
            await db.execute(sa.insert(table).values({c.name: self.value(c) for c in table.columns}))
        return self.words

    async def _where_groups_meet(self, db: Database) -> None:
        """A room, a group and a meeting: what they hold is not about a patient, but for the name of the room."""
        own: dict[str, dict[str, Any]] = {
            "rooms": {"id": self.room, "name": f"room-of-{self.word}"},
            "groups": {"id": self.group, "name": "kept-back from members", "location": None},
            "group_sessions": {"id": self.meeting, "status": "booked"},
        }
        for name, known in own.items():
            table = Base.metadata.tables[name]
            values = {c.name: known[c.name] if c.name in known else self.value(c) for c in table.columns}
            await db.execute(sa.insert(table).values(values))
        self.words.append(f"room-of-{self.word}")

    def value(self, column: sa.Column[Any]) -> Any:
        name, table = column.name, column.table.name
        session, reading, event, alert = self.ids.values()
        known: dict[str, Any] = {
            "clinic_id": self.cast.clinic.id,
            "patient_id": self.person.patient_id,
            "session_id": session,
            "dosing_session_id": session,
            "reading_id": reading,
            "adverse_event_id": event,
            "alert_id": alert,
            "id": self.ids.get(table, an_id()),
            "status": {"dosing_sessions": "closed", "alerts": "resolved", "appointments": "fulfilled"}.get(
                table, "submitted"
            ),
            "membership_id": self.person.membership.id if table == "calendar_feeds" else self.cast.nurse.membership.id,
            "group_id": self.group,
            "room_id": self.room,
            "group_session_id": self.meeting,
            "kind": "mbrp",
            "format": "group",
            "channel": "in_person",
            "attendance": "attended",
            "reason": "illness",
            "ends_at": AT + timedelta(hours=1),
            "first_at": "2026-11-23T14:00",
            "local_time": "09:00",
            "time_zone": "Europe/Berlin",
            "rule": "CRV-1",
            "severity": "urgent",
            "substance": "ketamine",
            "route": "IV",
            "origin": "clinic",
            "from_status": "discharged",
            "to_status": "closed",
            "sex": "female",
        }
        if isinstance(column.type, Sealed):
            left_out = table not in COPIED or name in COPIED[table][1]
            return self.text(f"{'kept-back' if left_out else self.word}-{table}-{name}".replace("_", "-"), name)
        return known[name] if name in known else self.made_up(column)

    def made_up(self, column: sa.Column[Any]) -> Any:
        objects = {"inputs", "threshold", "dissociation_items", "aldrete_items", "content"}
        texts = {"instrument_versions": {"craving_nrs": "1"}}
        if column.name in texts:
            return texts[column.name]
        made: dict[Any, Any] = {
            Instant: AT,
            sa.Uuid: self.cast.coordinator.membership.id,
            sa.Boolean: True,
            sa.Float: 2.5,
            sa.Integer: 2,
            sa.Date: date(2026, 11, 1),
            sa.LargeBinary: an_id().bytes,
            sa.JSON: {"at": 2} if column.name in objects else [],
            sa.String: "noted",
        }
        return next(value for kind, value in made.items() if isinstance(column.type, kind))

    def text(self, word: str, name: str) -> str:
        self.words += [] if word.startswith("kept-back") else [word]
        lists = {"findings", "criteria", "confirmations"}
        if name not in OBJECTS:
            return word
        return json.dumps([{"said": word}] if name in lists else {"said": word})
