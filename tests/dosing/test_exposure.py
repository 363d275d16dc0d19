"""How much was given so far, from plain lists of doses."""

from datetime import UTC, datetime, timedelta

import pytest

from app.dosing.exposure import Dose, exposure, given_here

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)


def dose(days_ago: float, mg: float | None = 40, substance: str | None = "ketamine", *, imported: bool = False) -> Dose:
    return Dose(NOW - days_ago * DAY, substance, mg, imported)


class TestExposure:
    def test_of_nobody_is_nothing(self) -> None:
        found = exposure([], NOW)

        assert (found.sessions_7d, found.sessions_28d, found.sessions_total, found.cumulative_mg) == (0, 0, 0, {})
        assert (found.mean_interval_days, found.weeks_on_course, found.last_dose_at, found.hours_since) == (None,) * 4

    def test_counts_and_adds_up(self) -> None:
        given = [dose(35), dose(14), dose(3.5, 84, "esketamine"), dose(0, 36)]
        found = exposure(reversed(given), NOW)

        assert (found.sessions_7d, found.sessions_28d, found.sessions_total) == (2, 3, 4)
        assert found.cumulative_mg == {"esketamine": 84, "ketamine": 116}
        assert found.mean_interval_days == pytest.approx(35 / 3)
        assert (found.weeks_on_course, found.hours_since) == (5, 0)
        assert (found.first_dose_at, found.last_dose_at) == (NOW - 35 * DAY, NOW)

    @pytest.mark.parametrize(("days", "name"), [(7, "sessions_7d"), (28, "sessions_28d")])
    def test_a_window_leaves_out_its_first_instant(self, days: int, name: str) -> None:
        assert getattr(exposure([dose(days)], NOW), name) == 0
        assert getattr(exposure([Dose(NOW - days * DAY + TICK, "ketamine", 40)], NOW), name) == 1

    def test_one_dose_has_no_interval(self) -> None:
        assert exposure([dose(3)], NOW).mean_interval_days is None

    def test_later_doses_are_left_out(self) -> None:
        assert exposure([dose(3), dose(-1)], NOW).sessions_total == 1

    def test_a_dose_without_an_amount_counts_and_adds_nothing(self) -> None:
        found = exposure([dose(3, None), dose(2, 40, None)], NOW)

        assert (found.sessions_total, found.cumulative_mg, found.unknown_mg) == (2, {}, 1)

    def test_imported_history_is_exempt_from_rules_about_intervals(self) -> None:
        given = [dose(0.5, imported=True), dose(9)]

        assert exposure(given, NOW).hours_since == 12
        assert exposure(given_here(given), NOW).hours_since == 9 * 24
