"""How staged rows are written."""

import sqlalchemy as sa

from app.core.staging import parents_first


class TestParentsFirst:
    def test_puts_those_first_that_others_refer_to(self) -> None:
        metadata = sa.MetaData()
        child = sa.Table("a_child", metadata, sa.Column("parent_id", sa.ForeignKey("b_parent.id")))
        parent = sa.Table("b_parent", metadata, sa.Column("id", sa.Integer, primary_key=True))

        assert sorted([child, parent], key=parents_first(metadata).__getitem__) == [parent, child]

    def test_knows_tables_that_came_after_the_first_look(self) -> None:
        metadata = sa.MetaData()
        sa.Table("first", metadata)
        parents_first(metadata)
        later = sa.Table("later", metadata)

        assert later in parents_first(metadata)
