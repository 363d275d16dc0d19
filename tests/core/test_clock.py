from datetime import UTC, datetime, timedelta, timezone

from app.core import clock

NOON = datetime(2001, 9, 1, 12, tzinfo=UTC)


class TestNow:
    def test_is_aware_and_in_utc(self) -> None:
        assert clock.now().tzinfo is UTC


class TestTold:
    def test_holds_inside_and_ends_with_it(self) -> None:
        with clock.told(NOON):
            assert clock.now() == NOON

        assert clock.now() > NOON + timedelta(days=30)

    def test_gives_utc_whatever_the_offset(self) -> None:
        with clock.told(NOON.astimezone(timezone(timedelta(hours=2)))):
            assert clock.now() == NOON
            assert clock.now().tzinfo is UTC

    def test_may_be_told_another_time_inside(self) -> None:
        with clock.told(NOON):
            with clock.told(NOON + timedelta(hours=1)):
                assert clock.now() == NOON + timedelta(hours=1)

            assert clock.now() == NOON
