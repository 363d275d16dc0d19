from uuid import UUID

from app.core import ids


class TestNewId:
    def test_is_a_uuid_of_version_7(self) -> None:
        assert ids.new_id().version == 7

    def test_sorts_by_the_time_it_was_made(self) -> None:
        made = [ids.new_id() for _ in range(1000)]

        assert made == sorted(made)


class TestMadeBy:
    def test_holds_inside_and_ends_with_it(self) -> None:
        with ids.made_by(lambda: UUID(int=7)):
            assert ids.new_id() == UUID(int=7)

        assert ids.new_id() != UUID(int=7)
