"""Plan the patient's day: check-in plans, bookings, series and groups, calendars, care plans, journals, what changed.

Why: the phone has to know what is due and when, also relative to a dose; therapy has to be booked once and not twice;
what a clinic and a patient planned has to live in one place; and a phone that was offline has to learn what changed.
Everything is a table of its own, or a column that may be empty. That nobody and no room is booked twice is kept by the
database: an exclusion constraint on PostgreSQL, over a range of text so that it needs no extension (`who` and `when` in
one, in the order of the alphabet), and triggers on SQLite, which has one writer at a time.
What the previous release sees while both run: nothing of this. Appointments that it books hold nobody; those are taken
up when they are next changed here. Check-ins that it plans after a dose are as good as before.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import on_postgresql, protect, unprotect

revision: str = "7c3e51d0a112"
down_revision: str | None = "7c3e51d0a111"
branch_labels: Any = None
depends_on: Any = None

TABLES = (
    "bookings",
    "rooms",
    "appointment_series",
    "check_in_planning",
    "groups",
    "journal_entries",
    "practice_logs",
    "time_zone_changes",
    "tombstones",
    "calendar_feeds",
    "care_plans",
    "check_in_plans",
    "check_in_templates",
    "contingency_plans",
    "contingency_results",
    "group_members",
    "group_sessions",
    "safety_plans",
    "working_hours",
)
COLUMNS = (
    ("alerts", "revision"),
    ("appointments", "room_id"),
    ("appointments", "series_id"),
    ("appointments", "recurrence_at"),
    ("appointments", "group_session_id"),
    ("appointments", "override_reason"),
    ("appointments", "cancelled_late"),
    ("appointment_steps", "override_reason"),
    ("due_check_ins", "minutes_from_dose"),
    ("due_check_ins", "awaits_dose"),
    ("due_check_ins", "plan_version"),
    ("due_check_ins", "template_version"),
    ("due_check_ins", "local_day"),
    ("due_check_ins", "local_time"),
    ("due_check_ins", "time_zone"),
    ("due_check_ins", "shifted"),
    ("due_check_ins", "reminders"),
    ("due_check_ins", "instrument_versions"),
    ("due_check_ins", "delivered_at"),
    ("due_check_ins", "shown_at"),
    ("patient_revisions", "tombstones_from"),
)

# A moment as text of a fixed width, so that text sorts as time does. Rooms have ids that clinics choose themselves.
_MICROSECONDS = "(extract(epoch FROM ({} AT TIME ZONE 'UTC')) * 1000000)::bigint"
_KEY = f"clinic_id::text || resource_id::text || lpad({_MICROSECONDS}::text, 20, '0')"
NOT_TWICE_POSTGRESQL = f"""
ALTER TABLE bookings ADD CONSTRAINT ex_bookings_not_twice EXCLUDE USING gist (
    booked_span({_KEY.format("starts_at")}, {_KEY.format("ends_at")}, '[)') WITH &&
) WHERE (NOT overridden)
"""
NOT_TWICE_SQLITE = """
CREATE TRIGGER bookings_not_twice_{when} BEFORE {event} ON bookings WHEN NOT NEW.overridden
BEGIN
    SELECT RAISE(ABORT, 'ex_bookings_not_twice') WHERE EXISTS (
        SELECT 1 FROM bookings AS other
        WHERE other.clinic_id = NEW.clinic_id AND other.resource_id = NEW.resource_id AND NOT other.overridden
            AND other.holder_id <> NEW.holder_id
            AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at
    );
END
"""


def upgrade() -> None:  # noqa: PLR0915  a statement for each table
    op.create_table(
        "bookings",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("holder_kind", sa.String(length=16), nullable=False),
        sa.Column("resource_kind", sa.String(length=16), nullable=False),
        sa.Column("starts_at", columns.Instant(), nullable=False),
        sa.Column("ends_at", columns.Instant(), nullable=False),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("resource_kind IN ('staff', 'room', 'patient')", name=op.f("ck_bookings_known_kind")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_bookings_ends_after_start")),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_bookings_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", "holder_id", "resource_id", name=op.f("pk_bookings")),
    )
    op.create_index(
        op.f("ix_bookings_clinic_id_resource_id_starts_at"),
        "bookings",
        ["clinic_id", "resource_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "rooms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("retired_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_rooms_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_rooms")),
    )
    op.create_table(
        "appointment_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=500), nullable=False),
        sa.Column("first_at", sa.String(length=16), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("left_out", columns.Json, nullable=False),
        sa.Column("content", columns.Sealed("appointment_series.content"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("planned_until", columns.Instant(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_appointment_series_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_appointment_series")),
    )
    op.create_table(
        "check_in_planning",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("planned_until", columns.Instant(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=True),
        sa.Column("template_key", sa.String(length=32), nullable=True),
        sa.Column("template_version", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_check_in_planning_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", name=op.f("pk_check_in_planning")),
    )
    op.create_index(op.f("ix_check_in_planning_planned_until"), "check_in_planning", ["planned_until"], unique=False)
    op.create_table(
        "groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("location", columns.Sealed("groups.location"), nullable=True),
        sa.Column("staff_ids", columns.Json, nullable=False),
        sa.Column("first_at", sa.String(length=16), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=500), nullable=True),
        sa.Column("left_out", columns.Json, nullable=False),
        sa.Column("clashing", columns.Json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("planned_until", columns.Instant(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "room_id"], ["rooms.clinic_id", "rooms.id"], name=op.f("fk_groups_clinic_id_room_id_rooms")
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_groups_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_groups")),
    )
    op.create_table(
        "journal_entries",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("text", columns.Sealed("journal_entries.text"), nullable=False),
        sa.Column("written_at", columns.Instant(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("shared_at", columns.Instant(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_journal_entries_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id", name=op.f("pk_journal_entries")),
    )
    op.create_index(
        op.f("ix_journal_entries_clinic_id_patient_id_written_at_id"),
        "journal_entries",
        ["clinic_id", "patient_id", "written_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_journal_entries_clinic_id_patient_id_revision"),
        "journal_entries",
        ["clinic_id", "patient_id", "revision"],
        unique=False,
    )
    op.create_table(
        "practice_logs",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("modality", sa.String(length=32), nullable=False),
        sa.Column("done_at", columns.Instant(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("helpfulness", sa.Integer(), nullable=True),
        sa.Column("note", columns.Sealed("practice_logs.note"), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("received_at", columns.Instant(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_practice_logs_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "id", name=op.f("pk_practice_logs")),
    )
    op.create_index(
        op.f("ix_practice_logs_clinic_id_patient_id_done_at_id"),
        "practice_logs",
        ["clinic_id", "patient_id", "done_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_practice_logs_clinic_id_patient_id_revision"),
        "practice_logs",
        ["clinic_id", "patient_id", "revision"],
        unique=False,
    )
    op.create_table(
        "time_zone_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("from_zone", sa.String(length=64), nullable=False),
        sa.Column("to_zone", sa.String(length=64), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_time_zone_changes_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_zone_changes")),
    )
    op.create_index(
        op.f("ix_time_zone_changes_clinic_id_patient_id_at"),
        "time_zone_changes",
        ["clinic_id", "patient_id", "at"],
        unique=False,
    )
    op.create_table(
        "tombstones",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", columns.Instant(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_tombstones_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "kind", "subject_id", name=op.f("pk_tombstones")),
    )
    op.create_index(
        op.f("ix_tombstones_clinic_id_patient_id_revision"),
        "tombstones",
        ["clinic_id", "patient_id", "revision"],
        unique=False,
    )
    op.create_index(op.f("ix_tombstones_removed_at"), "tombstones", ["removed_at"], unique=False)
    op.create_table(
        "calendar_feeds",
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("titles", sa.String(length=16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", columns.Instant(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "membership_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_calendar_feeds_clinic_id_membership_id_memberships"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "membership_id", name=op.f("pk_calendar_feeds")),
    )
    op.create_table(
        "care_plans",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("abstinence_is_the_goal", sa.Boolean(), nullable=False),
        sa.Column("content", columns.Sealed("care_plans.content"), nullable=False),
        sa.Column("reason", columns.Sealed("care_plans.reason"), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "made_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_care_plans_clinic_id_made_by_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_care_plans_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version", name=op.f("pk_care_plans")),
    )
    op.create_table(
        "check_in_plans",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("template_key", sa.String(length=32), nullable=True),
        sa.Column("content", columns.Json, nullable=True),
        sa.Column("reason", columns.Sealed("check_in_plans.reason"), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "made_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_check_in_plans_clinic_id_made_by_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_check_in_plans_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version", name=op.f("pk_check_in_plans")),
    )
    op.create_table(
        "check_in_templates",
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", columns.Json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "made_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_check_in_templates_clinic_id_made_by_memberships"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_check_in_templates_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("clinic_id", "key", "version", name=op.f("pk_check_in_templates")),
    )
    op.create_table(
        "contingency_plans",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", columns.Sealed("contingency_plans.content"), nullable=False),
        sa.Column("reason", columns.Sealed("contingency_plans.reason"), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", columns.Instant(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "made_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_contingency_plans_clinic_id_made_by_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_contingency_plans_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version", name=op.f("pk_contingency_plans")),
    )
    op.create_table(
        "contingency_results",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("plan_version", sa.Integer(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("corrects", sa.Uuid(), nullable=True),
        sa.Column("note", columns.Sealed("contingency_results.note"), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_contingency_results_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "recorded_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_contingency_results_clinic_id_recorded_by_memberships"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_contingency_results")),
    )
    op.create_index(
        op.f("ix_contingency_results_clinic_id_patient_id_at_id"),
        "contingency_results",
        ["clinic_id", "patient_id", "at", "id"],
        unique=False,
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", columns.Instant(), nullable=False),
        sa.Column("left_at", columns.Instant(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "group_id"],
            ["groups.clinic_id", "groups.id"],
            name=op.f("fk_group_members_clinic_id_group_id_groups"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_group_members_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "group_id", "patient_id", "joined_at", name=op.f("pk_group_members")),
    )
    op.create_index(
        op.f("ix_group_members_clinic_id_patient_id"), "group_members", ["clinic_id", "patient_id"], unique=False
    )
    op.create_table(
        "group_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("recurrence_at", columns.Instant(), nullable=False),
        sa.Column("scheduled_at", columns.Instant(), nullable=False),
        sa.Column("ends_at", columns.Instant(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("unsettled_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("taken >= 0 AND taken <= capacity", name=op.f("ck_group_sessions_enough_places")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "group_id"],
            ["groups.clinic_id", "groups.id"],
            name=op.f("fk_group_sessions_clinic_id_group_id_groups"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "room_id"],
            ["rooms.clinic_id", "rooms.id"],
            name=op.f("fk_group_sessions_clinic_id_room_id_rooms"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "id", name=op.f("pk_group_sessions")),
    )
    op.create_index(
        op.f("ix_group_sessions_clinic_id_group_id_scheduled_at"),
        "group_sessions",
        ["clinic_id", "group_id", "scheduled_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_group_sessions_clinic_id_scheduled_at"), "group_sessions", ["clinic_id", "scheduled_at"], unique=False
    )
    op.create_index(op.f("ix_group_sessions_unsettled_at"), "group_sessions", ["unsettled_at"], unique=False)
    op.create_table(
        "safety_plans",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", columns.Sealed("safety_plans.content"), nullable=False),
        sa.Column("made_at", columns.Instant(), nullable=False),
        sa.Column("co_signed_at", columns.Instant(), nullable=True),
        sa.Column("co_signed_by", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "co_signed_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_safety_plans_clinic_id_co_signed_by_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_safety_plans_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "version", name=op.f("pk_safety_plans")),
    )
    op.create_table(
        "working_hours",
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", columns.Json, nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "membership_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_working_hours_clinic_id_membership_id_memberships"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "membership_id", name=op.f("pk_working_hours")),
    )
    op.add_column("alerts", sa.Column("revision", sa.BigInteger(), nullable=True))
    op.add_column("appointments", sa.Column("room_id", sa.Uuid(), nullable=True))
    op.add_column("appointments", sa.Column("series_id", sa.Uuid(), nullable=True))
    op.add_column("appointments", sa.Column("recurrence_at", columns.Instant(), nullable=True))
    op.add_column("appointments", sa.Column("group_session_id", sa.Uuid(), nullable=True))
    op.add_column(
        "appointments", sa.Column("override_reason", columns.Sealed("appointments.override_reason"), nullable=True)
    )
    op.add_column("appointments", sa.Column("cancelled_late", sa.Boolean(), nullable=True))
    op.add_column(
        "appointment_steps",
        sa.Column("override_reason", columns.Sealed("appointment_steps.override_reason"), nullable=True),
    )
    op.add_column("due_check_ins", sa.Column("minutes_from_dose", sa.Integer(), nullable=True))
    op.add_column("due_check_ins", sa.Column("awaits_dose", sa.Boolean(), nullable=True))
    op.add_column("due_check_ins", sa.Column("plan_version", sa.Integer(), nullable=True))
    op.add_column("due_check_ins", sa.Column("template_version", sa.Integer(), nullable=True))
    op.add_column("due_check_ins", sa.Column("local_day", sa.Date(), nullable=True))
    op.add_column("due_check_ins", sa.Column("local_time", sa.String(length=5), nullable=True))
    op.add_column("due_check_ins", sa.Column("time_zone", sa.String(length=64), nullable=True))
    op.add_column("due_check_ins", sa.Column("shifted", sa.Boolean(), nullable=True))
    op.add_column("due_check_ins", sa.Column("reminders", columns.Json, nullable=True))
    op.add_column("due_check_ins", sa.Column("instrument_versions", columns.Json, nullable=True))
    op.add_column("due_check_ins", sa.Column("delivered_at", columns.Instant(), nullable=True))
    op.add_column("due_check_ins", sa.Column("shown_at", columns.Instant(), nullable=True))
    op.add_column("patient_revisions", sa.Column("tombstones_from", sa.BigInteger(), nullable=True))
    if on_postgresql():
        op.execute('CREATE TYPE booked_span AS RANGE (SUBTYPE = text, COLLATION = "C")')
        op.execute(NOT_TWICE_POSTGRESQL)
    else:
        op.execute(NOT_TWICE_SQLITE.format(when="on_insert", event="INSERT"))
        op.execute(NOT_TWICE_SQLITE.format(when="on_update", event="UPDATE"))
    for table in TABLES:
        protect(table)


def downgrade() -> None:
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column)
    for table in reversed(TABLES):
        unprotect(table)
        op.drop_table(table)
    if on_postgresql():
        op.execute("DROP TYPE booked_span")
