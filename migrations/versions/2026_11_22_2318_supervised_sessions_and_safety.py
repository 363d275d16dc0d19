"""Keep what is written down in a supervised session, and the alerts that it and check-ins raise.

Why: a dose is given only after a checklist and a clearance, watched by readings, and ends with a discharge whose
criteria can be shown years later; signs of danger reach a named person and stay until somebody answers. Everything is a
table of its own that only grows; sessions get four columns that may be empty. A sign-off
says for which sections it was given, now that a release can bring new ones.
What the previous release sees while both run: nothing of this. A session that it clears has no checklist and no moment
of clearance, so this release asks for a new clearance before its dose.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import protect, unprotect

revision: str = "7c3e51d0a110"
down_revision: str | None = "7c3e51d0a109"
branch_labels: Any = None
depends_on: Any = None

TABLES = (
    "on_call_rosters",
    "alerts",
    "due_check_ins",
    "extra_session_requests",
    "help_requests",
    "patient_details",
    "adverse_events",
    "alert_notices",
    "alert_steps",
    "discharge_assessments",
    "dose_pauses",
    "dose_records",
    "pre_dose_checklists",
    "readings",
    "rems_reports",
    "session_clearances",
    "session_discharges",
    "adverse_event_versions",
    "reading_versions",
)
COLUMNS = ("no_show", "cleared_at", "session_clinician_id", "protocol_version")


def upgrade() -> None:
    op.create_table(
        "on_call_rosters",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", columns.Json, nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_on_call_rosters_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", "version", name=op.f("pk_on_call_rosters")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=16), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("protocol_version", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(length=24), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("dosing_session_id", sa.Uuid(), nullable=True),
        sa.Column("session_clinician_id", sa.Uuid(), nullable=True),
        sa.Column("inputs", columns.Json, nullable=False),
        sa.Column("threshold", columns.Json, nullable=False),
        sa.Column("found_at", columns.Instant(), nullable=False),
        sa.Column("raised_at", columns.Instant(), nullable=False),
        sa.Column("raised_late", sa.Boolean(), nullable=False),
        sa.Column("acknowledge_by", columns.Instant(), nullable=False),
        sa.Column("staffed_when_raised", sa.Boolean(), nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("last_found_at", columns.Instant(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("next_step_at", columns.Instant(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", columns.Instant(), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", columns.Instant(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("resolution_note", columns.Sealed("alerts.resolution_note"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("severity IN ('routine', 'urgent', 'critical')", name=op.f("ck_alerts_known_severity")),
        sa.CheckConstraint("status IN ('open', 'acknowledged', 'resolved')", name=op.f("ck_alerts_known_status")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_alerts_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("clinic_id", "id", name=op.f("uq_alerts_clinic_id_id")),
    )
    op.create_index(
        op.f("ix_alerts_clinic_id_patient_id_raised_at_id"),
        "alerts",
        ["clinic_id", "patient_id", "raised_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_alerts_clinic_id_raised_at_id"), "alerts", ["clinic_id", "raised_at", "id"], unique=False)
    op.create_index(
        "ix_alerts_waiting",
        "alerts",
        ["next_step_at"],
        unique=False,
        postgresql_where=sa.text("status = 'open' AND next_step_at IS NOT NULL"),
        sqlite_where=sa.text("status = 'open' AND next_step_at IS NOT NULL"),
    )

    op.create_table(
        "due_check_ins",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dosing_session_id", sa.Uuid(), nullable=True),
        sa.Column("time_point", sa.String(length=32), nullable=False),
        sa.Column("opens_at", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("closes_at", columns.Instant(), nullable=False),
        sa.Column("instruments", columns.Json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", columns.Instant(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_due_check_ins_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id", name=op.f("pk_due_check_ins")),
    )
    op.create_index(
        op.f("ix_due_check_ins_clinic_id_patient_id_due_at"),
        "due_check_ins",
        ["clinic_id", "patient_id", "due_at"],
        unique=False,
    )
    op.create_index(
        "ix_due_check_ins_unanswered",
        "due_check_ins",
        ["closes_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )

    op.create_table(
        "extra_session_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", columns.Instant(), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("note", columns.Sealed("extra_session_requests.note"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_extra_session_requests_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_extra_session_requests")),
    )
    op.create_index(
        op.f("ix_extra_session_requests_clinic_id_patient_id_requested_at"),
        "extra_session_requests",
        ["clinic_id", "patient_id", "requested_at"],
        unique=False,
    )

    op.create_table(
        "help_requests",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("message", columns.Sealed("help_requests.message"), nullable=True),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_help_requests_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id", name=op.f("pk_help_requests")),
    )
    op.create_table(
        "patient_details",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("born_on", columns.Sealed("patient_details.born_on"), nullable=True),
        sa.Column("sex", sa.String(length=16), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_patient_details_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("patient_id", name=op.f("pk_patient_details")),
    )
    op.create_table(
        "adverse_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("onset_at", columns.Instant(), nullable=False),
        sa.Column("onset_minutes_from_dose", sa.Integer(), nullable=True),
        sa.Column("resolved_at", columns.Instant(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("serious", sa.Boolean(), nullable=False),
        sa.Column("seriousness_criteria", columns.Json, nullable=False),
        sa.Column("relatedness", sa.String(length=16), nullable=False),
        sa.Column("expected", sa.Boolean(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("reporter", sa.String(length=16), nullable=False),
        sa.Column("term_code", sa.String(length=32), nullable=True),
        sa.Column("term", columns.Sealed("adverse_events.term"), nullable=False),
        sa.Column("description", columns.Sealed("adverse_events.description"), nullable=True),
        sa.Column("reported_to", columns.Json, nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("grade BETWEEN 1 AND 5", name=op.f("ck_adverse_events_known_grade")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_adverse_events_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_adverse_events_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_adverse_events")),
    )
    op.create_index(
        op.f("ix_adverse_events_clinic_id_patient_id_onset_at_id"),
        "adverse_events",
        ["clinic_id", "patient_id", "onset_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_adverse_events_clinic_id_session_id"), "adverse_events", ["clinic_id", "session_id"], unique=False
    )

    op.create_table(
        "alert_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", columns.Instant(), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "alert_id"],
            ["alerts.clinic_id", "alerts.id"],
            name=op.f("fk_alert_notices_clinic_id_alert_id_alerts"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "membership_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_alert_notices_clinic_id_membership_id_memberships"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notices")),
    )
    op.create_index(
        op.f("ix_alert_notices_clinic_id_alert_id"), "alert_notices", ["clinic_id", "alert_id"], unique=False
    )
    op.create_index(
        "ix_alert_notices_due",
        "alert_notices",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )

    op.create_table(
        "alert_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("level", sa.String(length=16), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("subject_kind", sa.String(length=24), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("inputs", columns.Json, nullable=True),
        sa.Column("note", columns.Sealed("alert_steps.note"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "alert_id"],
            ["alerts.clinic_id", "alerts.id"],
            name=op.f("fk_alert_steps_clinic_id_alert_id_alerts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_steps")),
    )
    op.create_index(
        op.f("ix_alert_steps_clinic_id_alert_id_at"), "alert_steps", ["clinic_id", "alert_id", "at"], unique=False
    )

    op.create_table(
        "discharge_assessments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("assessed_at", columns.Instant(), nullable=False),
        sa.Column("assessed_by", sa.Uuid(), nullable=False),
        sa.Column("met", sa.Boolean(), nullable=False),
        sa.Column("criteria", columns.Sealed("discharge_assessments.criteria"), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "assessed_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_discharge_assessments_clinic_id_assessed_by_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_discharge_assessments_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_discharge_assessments_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discharge_assessments")),
    )
    op.create_index(
        op.f("ix_discharge_assessments_clinic_id_session_id_assessed_at"),
        "discharge_assessments",
        ["clinic_id", "session_id", "assessed_at"],
        unique=False,
    )

    op.create_table(
        "dose_pauses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("paused_at", columns.Instant(), nullable=False),
        sa.Column("resumed_at", columns.Instant(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("reason", columns.Sealed("dose_pauses.reason"), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_dose_pauses_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_dose_pauses_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose_pauses")),
    )
    op.create_index(
        op.f("ix_dose_pauses_clinic_id_session_id_paused_at"),
        "dose_pauses",
        ["clinic_id", "session_id", "paused_at"],
        unique=False,
    )

    op.create_table(
        "dose_records",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("substance", sa.String(length=32), nullable=False),
        sa.Column("route", sa.String(length=16), nullable=False),
        sa.Column("dose_mg", sa.Double(), nullable=False),
        sa.Column("started_at", columns.Instant(), nullable=False),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("weight_kg", sa.Double(), nullable=True),
        sa.Column("weighed_on", sa.Date(), nullable=True),
        sa.Column("mg_per_kg", sa.Double(), nullable=True),
        sa.Column("lot", sa.String(length=64), nullable=True),
        sa.Column("devices", sa.Integer(), nullable=True),
        sa.Column("administered_by", sa.Uuid(), nullable=False),
        sa.Column("wasted_mg", sa.Double(), nullable=True),
        sa.Column("waste_witnessed_by", sa.Uuid(), nullable=True),
        sa.Column("warnings", columns.Json, nullable=False),
        sa.Column("confirmations", columns.Sealed("dose_records.confirmations"), nullable=True),
        sa.Column("correction_reason", columns.Sealed("dose_records.correction_reason"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_dose_records_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_dose_records_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "version", name=op.f("pk_dose_records")),
    )
    op.create_index(op.f("ix_dose_records_started_at"), "dose_records", ["started_at"], unique=False)
    op.create_table(
        "pre_dose_checklists",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("content", columns.Sealed("pre_dose_checklists.content"), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_pre_dose_checklists_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_pre_dose_checklists_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "version", name=op.f("pk_pre_dose_checklists")),
    )
    op.create_table(
        "readings",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("taken_at", columns.Instant(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("minutes_from_dose", sa.Integer(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("clock_suspect", sa.Boolean(), nullable=False),
        sa.Column("received_late", sa.Boolean(), nullable=False),
        sa.Column("systolic", sa.Integer(), nullable=True),
        sa.Column("diastolic", sa.Integer(), nullable=True),
        sa.Column("heart_rate", sa.Integer(), nullable=True),
        sa.Column("spo2", sa.Integer(), nullable=True),
        sa.Column("respiratory_rate", sa.Integer(), nullable=True),
        sa.Column("temperature", sa.Double(), nullable=True),
        sa.Column("moaas", sa.Integer(), nullable=True),
        sa.Column("dissociation_items", columns.Json, nullable=True),
        sa.Column("dissociation", sa.Integer(), nullable=True),
        sa.Column("aldrete_items", columns.Json, nullable=True),
        sa.Column("aldrete", sa.Integer(), nullable=True),
        sa.Column("confirmed", columns.Json, nullable=False),
        sa.Column("flags", columns.Json, nullable=False),
        sa.Column("note", columns.Sealed("readings.note"), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_readings_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_readings_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "id", name=op.f("pk_readings")),
    )
    op.create_index(
        op.f("ix_readings_clinic_id_session_id_at"), "readings", ["clinic_id", "session_id", "at"], unique=False
    )

    op.create_table(
        "rems_reports",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("due_at", columns.Instant(), nullable=False),
        sa.Column("additions", columns.Sealed("rems_reports.additions"), nullable=False),
        sa.Column("submitted", columns.Sealed("rems_reports.submitted"), nullable=True),
        sa.Column("submitted_at", columns.Instant(), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("reference", columns.Sealed("rems_reports.reference"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'submitted')", name=op.f("ck_rems_reports_known_status")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_rems_reports_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_rems_reports_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "session_id", name=op.f("pk_rems_reports")),
    )
    op.create_index(
        "ix_rems_reports_waiting",
        "rems_reports",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'draft'"),
        sqlite_where=sa.text("status = 'draft'"),
    )

    op.create_table(
        "session_clearances",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("checklist_version", sa.Integer(), nullable=False),
        sa.Column("cleared_at", columns.Instant(), nullable=False),
        sa.Column("cleared_by", sa.Uuid(), nullable=False),
        sa.Column("findings", columns.Sealed("session_clearances.findings"), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "cleared_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_session_clearances_clinic_id_cleared_by_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_session_clearances_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_session_clearances_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_clearances")),
    )
    op.create_index(
        op.f("ix_session_clearances_clinic_id_session_id_cleared_at"),
        "session_clearances",
        ["clinic_id", "session_id", "cleared_at"],
        unique=False,
    )

    op.create_table(
        "session_discharges",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("discharged_at", columns.Instant(), nullable=False),
        sa.Column("discharged_by", sa.Uuid(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("escort", columns.Sealed("session_discharges.escort"), nullable=True),
        sa.Column("instructions_given", sa.Boolean(), nullable=False),
        sa.Column("instructions_version", sa.String(length=64), nullable=True),
        sa.Column("crisis_card_given", sa.Boolean(), nullable=False),
        sa.Column("note", columns.Sealed("session_discharges.note"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_session_discharges_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id"],
            ["dosing_sessions.clinic_id", "dosing_sessions.id"],
            name=op.f("fk_session_discharges_clinic_id_session_id_dosing_sessions"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "session_id", name=op.f("pk_session_discharges")),
    )
    op.create_table(
        "adverse_event_versions",
        sa.Column("adverse_event_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", columns.Instant(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("replaced_at", columns.Instant(), nullable=False),
        sa.Column("content", columns.Sealed("adverse_event_versions.content"), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "adverse_event_id"],
            ["adverse_events.clinic_id", "adverse_events.id"],
            name=op.f("fk_adverse_event_versions_clinic_id_adverse_event_id_adverse_events"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "adverse_event_id", "version", name=op.f("pk_adverse_event_versions")),
    )
    op.create_table(
        "reading_versions",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("replaced_at", columns.Instant(), nullable=False),
        sa.Column("taken_at", columns.Instant(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("minutes_from_dose", sa.Integer(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("clock_suspect", sa.Boolean(), nullable=False),
        sa.Column("received_late", sa.Boolean(), nullable=False),
        sa.Column("systolic", sa.Integer(), nullable=True),
        sa.Column("diastolic", sa.Integer(), nullable=True),
        sa.Column("heart_rate", sa.Integer(), nullable=True),
        sa.Column("spo2", sa.Integer(), nullable=True),
        sa.Column("respiratory_rate", sa.Integer(), nullable=True),
        sa.Column("temperature", sa.Double(), nullable=True),
        sa.Column("moaas", sa.Integer(), nullable=True),
        sa.Column("dissociation_items", columns.Json, nullable=True),
        sa.Column("dissociation", sa.Integer(), nullable=True),
        sa.Column("aldrete_items", columns.Json, nullable=True),
        sa.Column("aldrete", sa.Integer(), nullable=True),
        sa.Column("confirmed", columns.Json, nullable=False),
        sa.Column("flags", columns.Json, nullable=False),
        sa.Column("note", columns.Sealed("reading_versions.note"), nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "session_id", "reading_id"],
            ["readings.clinic_id", "readings.session_id", "readings.id"],
            name=op.f("fk_reading_versions_clinic_id_session_id_reading_id_readings"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "session_id", "reading_id", "version", name=op.f("pk_reading_versions")),
    )
    op.add_column("dosing_sessions", sa.Column("no_show", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("dosing_sessions", sa.Column("cleared_at", columns.Instant(), nullable=True))
    op.add_column("dosing_sessions", sa.Column("session_clinician_id", sa.Uuid(), nullable=True))
    op.add_column("dosing_sessions", sa.Column("protocol_version", sa.Integer(), nullable=True))
    op.add_column("protocol_versions", sa.Column("signed_sections", columns.Json, nullable=True))
    for table in TABLES:
        protect(table)


def downgrade() -> None:
    op.drop_column("protocol_versions", "signed_sections")
    for column in reversed(COLUMNS):
        op.drop_column("dosing_sessions", column)
    for table in reversed(TABLES):
        unprotect(table)
        op.drop_table(table)
