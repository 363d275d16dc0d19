"""What migrations say to protect a clinic's rows on PostgreSQL: the role of the application, and row-level security.

The application connects as a role that is a member of `afterglow_app`, owns nothing and is no superuser. A table that
is protected shows and takes only rows of the clinic that the transaction entered (`SET LOCAL app.clinic_id`); without
one, every statement on it fails. On SQLite there are no roles, and none of this does anything.

Migrations call these functions for ever: add another instead of changing what one does.
"""

from alembic import op

ROLE = "afterglow_app"
EVERY_CLINIC = "ffffffff-ffff-ffff-ffff-ffffffffffff"
# Looked up once a statement, not once a row.
_ENTERED = "(SELECT current_setting('app.clinic_id')::uuid)"
_MINE = f"clinic_id = {_ENTERED} OR {_ENTERED} = '{EVERY_CLINIC}'::uuid"


def on_postgresql() -> bool:
    """Whether this migration runs on PostgreSQL."""
    return op.get_context().dialect.name == "postgresql"


def create_role() -> None:
    """Make the role of the application, once for the whole server, and let it use what is in this database."""
    if not on_postgresql():
        return
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE}")


def drop_grants() -> None:
    """Take the role's rights in this database away. The role stays: other databases of the server may use it."""
    if not on_postgresql():
        return
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {ROLE}")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")


def protect(table: str) -> None:
    """Show and take only rows of the clinic that the transaction entered."""
    if not on_postgresql():
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_clinic ON {table} USING ({_MINE}) WITH CHECK ({_MINE})")


def protect_reading(table: str) -> None:
    """Take any row, show only those of the clinic that the transaction entered: for what is noted before one is."""
    if not on_postgresql():
        return
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_clinic ON {table} FOR SELECT USING ({_MINE})")
    op.execute(f"CREATE POLICY of_clinic_changed ON {table} FOR UPDATE USING ({_MINE})")
    op.execute(f"CREATE POLICY of_anyone ON {table} FOR INSERT WITH CHECK (true)")


def unprotect(table: str) -> None:
    """Undo `protect` or `protect_reading`."""
    if not on_postgresql():
        return
    op.execute(f"DROP POLICY of_clinic ON {table}")
    op.execute(f"DROP POLICY IF EXISTS of_clinic_changed ON {table}")
    op.execute(f"DROP POLICY IF EXISTS of_anyone ON {table}")
    op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
