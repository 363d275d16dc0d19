"""What the database itself promises about check-ins."""

import pytest
import sqlalchemy as sa

from app.core.db import Database

pytestmark = pytest.mark.anyio


async def test_trends_can_read_values_from_the_index_alone(db: Database) -> None:
    if not db.is_postgresql:
        sql = await db.scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'observations'"))
        assert "WITHOUT ROWID" in sql
        return
    sql = await db.scalar(sa.text("SELECT indexdef FROM pg_indexes WHERE indexname = 'pk_observations'"))
    assert "INCLUDE (value, local_day)" in sql
