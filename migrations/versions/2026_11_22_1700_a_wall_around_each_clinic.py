"""Put a wall around each clinic's rows: a role for the application, and row-level security on PostgreSQL.

Why: a statement that forgets to name the clinic must find nothing, whoever wrote it. The application's role is no
superuser and owns nothing, so the database itself keeps the clinics apart.
What the previous release sees while both run: everything, if it connects as the tables' owner, which row-level security
does not bind. Let the previous release keep its role until it is gone, and give the new one a member of `afterglow_app`.
"""

from typing import Any

from migrations.protection import create_role, drop_grants, protect, protect_reading, unprotect

revision: str = "7c3e51d0a101"
down_revision: str | None = "4a18e6567a31"
branch_labels: Any = None
depends_on: Any = None

PROTECTED = (
    "appointment_participants",
    "appointment_steps",
    "appointments",
    "care_team_members",
    "check_in_versions",
    "check_ins",
    "devices",
    "dosing_session_steps",
    "dosing_sessions",
    "instrument_wordings",
    "observations",
    "outbox_events",
    "patient_revisions",
    "patients",
    "protocol_versions",
    "quarantined_submissions",
    "timeline_anchors",
    "timeline_moments",
)


def upgrade() -> None:
    create_role()
    for table in PROTECTED:
        protect(table)
    protect_reading("audit_entries")  # who failed to sign in belongs to no clinic


def downgrade() -> None:
    unprotect("audit_entries")
    for table in reversed(PROTECTED):
        unprotect(table)
    drop_grants()
