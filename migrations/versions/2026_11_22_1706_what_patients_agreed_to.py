"""Keep what patients agreed to, and what was disclosed on the strength of it.

Why: a clinic must be able to show which text somebody signed, when, and until when it counted; a patient must be able to
see what left. So documents, consents and disclosures are only added, by triggers for everybody; of a consent only the
withdrawal can be filled in, once. Sealed columns can be written anew, since secrets rotate. While a dosing session is
open nothing is signed: the sessions that are open now get their holds here.
What the previous release sees while both run: nothing of this. It opens and closes sessions without holds, and takes
check-ins from patients who withdrew; let it go soon.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core import columns
from migrations.protection import on_postgresql, protect, unprotect

revision: str = "7c3e51d0a107"
down_revision: str | None = "7c3e51d0a106"
branch_labels: Any = None
depends_on: Any = None

TABLES = ("consent_documents", "consents", "consent_signing_holds", "disclosure_restrictions", "disclosures")
MAY_CHANGE: dict[str, tuple[str, ...]] = {
    "consent_documents": (),
    "consents": (
        "withdrawn_at", "withdrawal_reason", "signature", "relationship", "capacity_statement", "recipients",
    ),
    "disclosures": ("recipient", "reason"),
}  # fmt: skip
KEPT: dict[str, tuple[str, ...]] = {
    "consent_documents": (
        "id", "clinic_id", "type", "language", "version", "title", "text", "text_hash", "questions", "purposes",
        "recipients", "categories", "expires_after_days", "expires_at", "content_hash", "published_by", "published_at",
    ),
    "consents": (
        "id", "clinic_id", "patient_id", "type", "document_id", "document_version", "language", "text_hash",
        "presented_at", "answers", "signed_at", "signer", "witness_id", "method", "device_id", "purposes",
        "categories", "expires_at", "supersedes",
    ),
    "disclosures": (
        "id", "clinic_id", "patient_id", "at", "basis", "refusal", "recipient_class", "purpose", "categories",
        "consent_id", "actor_id",
    ),
}  # fmt: skip
ONLY_ADDED = "documents, consents and disclosures are only added, and a consent is withdrawn once"
WITHDRAWN_BEFORE = "OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at {differs} OLD.withdrawn_at"


def upgrade() -> None:
    op.add_column("patient_revisions", sa.Column("app_consent_withdrawn_at", columns.Instant(), nullable=True))
    op.create_table(
        "consent_signing_holds",
        sa.Column("dosing_session_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", columns.Instant(), nullable=False),
        sa.Column("released_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_consent_signing_holds_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("clinic_id", "dosing_session_id", name=op.f("pk_consent_signing_holds")),
    )
    op.create_index(
        "ix_consent_signing_holds_clinic_id_patient_id", "consent_signing_holds", ["clinic_id", "patient_id"]
    )

    op.create_table(
        "disclosure_restrictions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("recipient_class", sa.String(length=24), nullable=True),
        sa.Column("recipient", columns.Sealed("disclosure_restrictions.recipient"), nullable=True),
        sa.Column("purposes", columns.Json, nullable=False),
        sa.Column("categories", columns.Json, nullable=False),
        sa.Column("requested_at", columns.Instant(), nullable=False),
        sa.Column("lifted_at", columns.Instant(), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_disclosure_restrictions_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure_restrictions")),
    )
    op.create_index(
        "ix_disclosure_restrictions_clinic_id_patient_id_requested_at_id",
        "disclosure_restrictions",
        ["clinic_id", "patient_id", "requested_at", "id"],
    )

    op.create_table(
        "consent_documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("questions", columns.Json, nullable=False),
        sa.Column("purposes", columns.Json, nullable=False),
        sa.Column("recipients", columns.Json, nullable=False),
        sa.Column("categories", columns.Json, nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=True),
        sa.Column("expires_at", columns.Instant(), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("published_at", columns.Instant(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_consent_documents_versions_count_from_one")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "published_by"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_consent_documents_clinic_id_published_by_memberships"),
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=op.f("fk_consent_documents_clinic_id_clinics")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_documents")),
        sa.UniqueConstraint("clinic_id", "id", name=op.f("uq_consent_documents_clinic_id_id")),
        sa.UniqueConstraint(
            "clinic_id",
            "type",
            "language",
            "version",
            name=op.f("uq_consent_documents_clinic_id_type_language_version"),
        ),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("document_version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("presented_at", columns.Instant(), nullable=False),
        sa.Column("answers", columns.Json, nullable=False),
        sa.Column("signed_at", columns.Instant(), nullable=False),
        sa.Column("signer", sa.String(length=16), nullable=False),
        sa.Column("signature", columns.Sealed("consents.signature"), nullable=False),
        sa.Column("relationship", columns.Sealed("consents.relationship"), nullable=True),
        sa.Column("witness_id", sa.Uuid(), nullable=True),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("capacity_statement", columns.Sealed("consents.capacity_statement"), nullable=True),
        sa.Column("purposes", columns.Json, nullable=False),
        sa.Column("recipients", columns.Sealed("consents.recipients"), nullable=False),
        sa.Column("categories", columns.Json, nullable=False),
        sa.Column("expires_at", columns.Instant(), nullable=True),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", columns.Instant(), nullable=True),
        sa.Column("withdrawal_reason", columns.Sealed("consents.withdrawal_reason"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(signer = 'patient') = (relationship IS NULL)", name=op.f("ck_consents_others_say_who_they_are")
        ),
        sa.CheckConstraint(
            "signer IN ('patient', 'guardian', 'representative')", name=op.f("ck_consents_known_signer")
        ),
        sa.CheckConstraint(
            "withdrawal_reason IS NULL OR withdrawn_at IS NOT NULL",
            name=op.f("ck_consents_reasons_belong_to_withdrawals"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "document_id"],
            ["consent_documents.clinic_id", "consent_documents.id"],
            name=op.f("fk_consents_clinic_id_document_id_consent_documents"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_consents_clinic_id_patient_id_patients"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "witness_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_consents_clinic_id_witness_id_memberships"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
        sa.UniqueConstraint("clinic_id", "id", name=op.f("uq_consents_clinic_id_id")),
    )
    op.create_index(
        "ix_consents_clinic_id_patient_id_signed_at_id", "consents", ["clinic_id", "patient_id", "signed_at", "id"]
    )

    op.create_table(
        "disclosures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("at", columns.Instant(), nullable=False),
        sa.Column("basis", sa.String(length=24), nullable=True),
        sa.Column("refusal", sa.String(length=24), nullable=True),
        sa.Column("recipient_class", sa.String(length=24), nullable=False),
        sa.Column("recipient", columns.Sealed("disclosures.recipient"), nullable=True),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("categories", columns.Json, nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("reason", columns.Sealed("disclosures.reason"), nullable=True),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "basis <> 'consent' OR consent_id IS NOT NULL", name=op.f("ck_disclosures_consents_are_named")
        ),
        sa.CheckConstraint(
            "basis IN ('consent', 'patient_access', 'medical_emergency')", name=op.f("ck_disclosures_known_basis")
        ),
        sa.CheckConstraint("(basis IS NULL) = (refusal IS NOT NULL)", name=op.f("ck_disclosures_allowed_or_refused")),
        sa.ForeignKeyConstraint(
            ["clinic_id", "actor_id"],
            ["memberships.clinic_id", "memberships.id"],
            name=op.f("fk_disclosures_clinic_id_actor_id_memberships"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consent_id"],
            ["consents.clinic_id", "consents.id"],
            name=op.f("fk_disclosures_clinic_id_consent_id_consents"),
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "patient_id"],
            ["patients.clinic_id", "patients.id"],
            name=op.f("fk_disclosures_clinic_id_patient_id_patients"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
    )
    op.create_index("ix_disclosures_clinic_id_patient_id_at_id", "disclosures", ["clinic_id", "patient_id", "at", "id"])

    for table in TABLES:
        protect(table)
    _only_add()
    op.execute(
        "INSERT INTO consent_signing_holds (clinic_id, dosing_session_id, patient_id, opened_at) "
        "SELECT clinic_id, id, patient_id, scheduled_at FROM dosing_sessions "
        "WHERE status NOT IN ('scheduled', 'closed', 'cancelled')"
    )


def downgrade() -> None:
    for table in ("disclosures", "consents", "consent_documents", "disclosure_restrictions", "consent_signing_holds"):
        unprotect(table)
        op.drop_table(table)
    if on_postgresql():
        op.execute("DROP FUNCTION consents_only_added")
        op.execute("DROP FUNCTION consents_stay")
    op.drop_column("patient_revisions", "app_consent_withdrawn_at")


def _only_add() -> None:
    """Let nobody change or remove what was said, shown or sent. The triggers go with their tables."""
    if not on_postgresql():
        for table, kept in KEPT.items():
            same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in kept)
            _sqlite_trigger(f"{table}_stay_as_they_are", f"UPDATE ON {table} WHEN NOT ({same})")
            _sqlite_trigger(f"{table}_stay", f"DELETE ON {table}")
        again = WITHDRAWN_BEFORE.format(differs="IS NOT")
        _sqlite_trigger("consents_withdrawn_once", f"UPDATE ON consents WHEN {again}")
        return
    op.execute(
        f"""
        CREATE FUNCTION consents_stay() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        f"""
        CREATE FUNCTION consents_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE changing text[] := COALESCE(TG_ARGV::text[], '{{}}');
        BEGIN
            IF to_jsonb(NEW) - changing IS DISTINCT FROM to_jsonb(OLD) - changing THEN
                RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    for table, changing in MAY_CHANGE.items():
        arguments = ", ".join(f"'{name}'" for name in changing)
        op.execute(
            f"CREATE TRIGGER {table}_stay_as_they_are BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION consents_only_added({arguments})"
        )
        op.execute(
            f"CREATE TRIGGER {table}_stay BEFORE DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION consents_stay()"
        )
    again = WITHDRAWN_BEFORE.format(differs="IS DISTINCT FROM")
    op.execute(
        "CREATE TRIGGER consents_withdrawn_once BEFORE UPDATE ON consents "
        f"FOR EACH ROW WHEN ({again}) EXECUTE FUNCTION consents_stay()"
    )


def _sqlite_trigger(name: str, what: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END")
