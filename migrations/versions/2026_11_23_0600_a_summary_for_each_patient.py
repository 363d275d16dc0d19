"""Keep one row for each patient that says what a clinician's panel shows of them.

Why: who needs attention now has to be found among thousands of patients at a glance; working it out from the records
takes a hundred times as long. The rows are derived: each write of a record brings its patient's row up to date.
What the previous release sees while both run: a table that it does not know. What it writes leaves the rows behind;
the worker sees that by the revision and makes them anew, as it makes those that are not there yet.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import protect, unprotect

revision: str = "7c3e51d0a114"
down_revision: str | None = "7c3e51d0a113"
branch_labels: Any = None
depends_on: Any = None


def upgrade() -> None:
    op.create_table(
        "patient_summaries",
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", columns.Instant(), nullable=False),
        sa.Column("need", sa.BigInteger(), nullable=False),
        sa.Column("open_alerts", sa.Integer(), nullable=False),
        sa.Column("acknowledged_alerts", sa.Integer(), nullable=False),
        sa.Column("worst_alert_severity", sa.String(length=16), nullable=True),
        sa.Column("oldest_open_alert_at", columns.Instant(), nullable=True),
        sa.Column("overdue_check_ins", sa.Integer(), nullable=False),
        sa.Column("completed_check_ins", sa.Integer(), nullable=False),
        sa.Column("late_check_ins", sa.Integer(), nullable=False),
        sa.Column("missed_check_ins", sa.Integer(), nullable=False),
        sa.Column("last_session_id", sa.Uuid(), nullable=True),
        sa.Column("last_session_status", sa.String(length=16), nullable=True),
        sa.Column("last_dose_at", columns.Instant(), nullable=True),
        sa.Column("next_session_id", sa.Uuid(), nullable=True),
        sa.Column("next_session_status", sa.String(length=16), nullable=True),
        sa.Column("next_session_at", columns.Instant(), nullable=True),
        sa.Column("phase", sa.String(length=16), nullable=True),
        sa.Column("latest", columns.Json, nullable=False),
        sa.Column("relief", sa.String(length=16), nullable=True),
        sa.Column("relief_since", columns.Instant(), nullable=True),
        sa.Column("relief_substance", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_patient_summaries_clinic_id_patient_id_patients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", name=op.f("pk_patient_summaries")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        op.f("ix_patient_summaries_clinic_id_need_patient_id"),
        "patient_summaries",
        ["clinic_id", "need", "patient_id"],
    )
    protect("patient_summaries")


def downgrade() -> None:
    unprotect("patient_summaries")
    op.drop_table("patient_summaries")
