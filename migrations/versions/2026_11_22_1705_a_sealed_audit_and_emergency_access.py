"""Seal the audit into a chain, and open records in an emergency.

Why: nobody, not even a superuser of the database, may rewrite the audit unseen. Each entry carries a mark of the
application, and once sealed nothing of it can change: by grants for the application's role, by triggers for everybody,
and by the chain for whoever gets past both. And care must not wait for a place in the care team: whoever opens a record
in an emergency says why, is let in for an hour, and is reviewed.
What the previous release sees while both run: columns that it leaves empty. Its entries, and those from before, have no
mark: they are sealed as `unmarked`, and `afterglow audit verify` names them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import ROLE, on_postgresql, protect, unprotect

revision: str = "7c3e51d0a106"
down_revision: str | None = "7c3e51d0a105"
branch_labels: Any = None
depends_on: Any = None

KEPT = (
    "id", "at", "clinic_id", "actor_id", "actor_role", "device_id", "operation", "permission", "patient_id",
    "subject_id", "outcome", "reason", "request_id", "address_prefix", "mark",
)  # fmt: skip
ONLY_ADDED = "audit entries are only added and sealed, checkpoints only added"


def upgrade() -> None:
    op.add_column("audit_entries", sa.Column("mark", sa.LargeBinary(), nullable=True))
    op.add_column("audit_entries", sa.Column("flaw", sa.String(length=16), nullable=True))
    op.create_table(
        "audit_checkpoints",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "emergency_accesses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("reason_code", sa.String(length=32), nullable=False),
        sa.Column("reason", columns.Sealed("emergency_accesses.reason"), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=False),
        sa.Column("until", columns.Instant(), nullable=False),
        sa.Column("reviewed_at", columns.Instant(), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("note", columns.Sealed("emergency_accesses.note"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "membership_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_emergency_accesses_clinic_id_membership_id_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_emergency_accesses_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "reviewed_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_emergency_accesses_clinic_id_reviewed_by_memberships"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_accesses")),
    )
    op.create_index("ix_emergency_accesses_clinic_id_opened_at", "emergency_accesses", ["clinic_id", "opened_at"])
    op.create_index(
        "ix_emergency_accesses_clinic_id_patient_id_membership_id",
        "emergency_accesses",
        ["clinic_id", "patient_id", "membership_id"],
    )
    protect("emergency_accesses")
    _only_add()


def downgrade() -> None:
    _let_change()
    unprotect("emergency_accesses")
    op.drop_table("emergency_accesses")
    op.drop_table("audit_checkpoints")
    op.drop_column("audit_entries", "flaw")
    op.drop_column("audit_entries", "mark")


def _only_add() -> None:
    """Let nobody change or remove what is in the audit; sealing fills what is empty, once."""
    if not on_postgresql():
        kept = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in KEPT)
        sealing = f"OLD.seq IS NULL AND NEW.seq IS NOT NULL AND NEW.hash IS NOT NULL AND {kept}"
        for name, what in (
            ("audit_entries_sealed_once", f"UPDATE ON audit_entries WHEN NOT ({sealing})"),
            ("audit_entries_stay", "DELETE ON audit_entries"),
            ("audit_checkpoints_stay_as_they_are", "UPDATE ON audit_checkpoints"),
            ("audit_checkpoints_stay", "DELETE ON audit_checkpoints"),
        ):
            op.execute(f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END")
        return
    op.execute(
        f"""
        CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        f"""
        CREATE FUNCTION audit_sealed_once() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE before audit_entries := NEW;
        BEGIN
            before.seq := OLD.seq;
            before.hash := OLD.hash;
            before.flaw := OLD.flaw;
            IF OLD.seq IS NULL AND NEW.seq IS NOT NULL AND NEW.hash IS NOT NULL
               AND before IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_entries_sealed_once BEFORE UPDATE ON audit_entries "
        "FOR EACH ROW EXECUTE FUNCTION audit_sealed_once()"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_stay BEFORE DELETE OR TRUNCATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_checkpoints_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
    )
    op.execute(f"REVOKE UPDATE, DELETE ON audit_entries, audit_checkpoints FROM {ROLE}")
    op.execute(f"GRANT UPDATE (seq, hash, flaw) ON audit_entries TO {ROLE}")


def _let_change() -> None:
    if not on_postgresql():
        for name in (
            "audit_entries_sealed_once", "audit_entries_stay", "audit_checkpoints_stay_as_they_are",
            "audit_checkpoints_stay",
        ):  # fmt: skip
            op.execute(f"DROP TRIGGER {name}")
        return
    op.execute("DROP TRIGGER audit_checkpoints_stay ON audit_checkpoints")
    op.execute("DROP TRIGGER audit_entries_stay ON audit_entries")
    op.execute("DROP TRIGGER audit_entries_sealed_once ON audit_entries")
    op.execute("DROP FUNCTION audit_sealed_once")
    op.execute("DROP FUNCTION audit_refuse")
    op.execute(f"REVOKE UPDATE (seq, hash, flaw) ON audit_entries FROM {ROLE}")
    op.execute(f"GRANT UPDATE, DELETE ON audit_entries TO {ROLE}")
