"""Find what changed of a patient since a revision, and the members of a group's session, by an index.

Why: a phone asks what changed since it last looked; without these every question reads the patient's whole record.
What the previous release sees while both run: its writes keep two more indexes. They are built beside it (PostgreSQL:
concurrently), so that nothing waits.
"""

from typing import Any

from alembic import op

revision: str = "7c3e51d0a113"
down_revision: str | None = "7c3e51d0a112"
branch_labels: Any = None
depends_on: Any = None

INDEXES = (
    ("ix_appointments_clinic_id_group_session_id", "appointments", ["clinic_id", "group_session_id"]),
    ("ix_appointments_clinic_id_patient_id_revision", "appointments", ["clinic_id", "patient_id", "revision"]),
    ("ix_check_ins_clinic_id_patient_id_revision", "check_ins", ["clinic_id", "patient_id", "revision"]),
    ("ix_due_check_ins_clinic_id_patient_id_revision", "due_check_ins", ["clinic_id", "patient_id", "revision"]),
    ("ix_timeline_moments_clinic_id_patient_id_revision", "timeline_moments", ["clinic_id", "patient_id", "revision"]),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns in INDEXES:
            # One that was begun and broken off is no index: it is built again.
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, columns, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, _ in reversed(INDEXES):
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
