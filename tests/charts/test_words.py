from dataclasses import fields
from datetime import date, datetime

import pytest

from app.charts.words import ENGLISH, GERMAN, words_for

DAY = date(2026, 11, 22)


class TestDates:
    @pytest.mark.parametrize(
        ("locale", "short", "with_year"),
        [
            ("en-GB", "22 Nov", "22 November 2026"),
            ("en-US", "Nov 22", "November 22, 2026"),
            ("en_US", "Nov 22", "November 22, 2026"),
            ("de-DE", "22. Nov.", "22. November 2026"),
            ("de", "22. Nov.", "22. November 2026"),
            ("fr-FR", "22 Nov", "22 November 2026"),
        ],
    )
    def test_stand_in_the_order_of_the_place(self, locale: str, short: str, with_year: str) -> None:
        words = words_for(locale)

        assert words.day(DAY) == short
        assert words.day(DAY, year=True, long=True) == with_year

    def test_name_the_year_of_a_period_once_or_twice(self) -> None:
        words = words_for("en-GB")

        assert words.period(date(2026, 8, 31), DAY) == "31 Aug – 22 Nov 2026"
        assert words.period(date(2025, 8, 31), DAY) == "31 Aug 2025 – 22 Nov 2026"
        assert words.period(DAY, DAY) == "22 Nov 2026"

    @pytest.mark.parametrize(
        ("locale", "hour", "minute", "written"),
        [("de-DE", 6, 5, "06:05"), ("en-US", 0, 0, "12 am"), ("en-US", 18, 30, "6:30 pm"), ("en-US", 12, 0, "12 pm")],
    )
    def test_tell_the_time_as_the_place_does(self, locale: str, hour: int, minute: int, written: str) -> None:
        assert words_for(locale).clock(datetime(2026, 11, 22, hour, minute)) == written  # noqa: DTZ001  wall clock


class TestNumbers:
    @pytest.mark.parametrize(
        ("locale", "value", "written"),
        [("en", 7.0, "7"), ("en", 3.44, "3.4"), ("de", 3.44, "3,4"), ("en", -2.5, "−2.5"), ("en", -0.01, "0")],
    )
    def test_are_short_and_have_the_decimal_sign_of_the_place(self, locale: str, value: float, written: str) -> None:
        assert words_for(locale).number(value) == written

    def test_keep_their_tens(self) -> None:
        assert words_for("en").number(100) == "100"
        assert words_for("en").number(100, 0) == "100"

    @pytest.mark.parametrize(
        ("amount", "unit", "written"), [(42.5, "mg", "42,5 mg"), (0.75, "mg/kg", "0,75 mg/kg"), (None, "mg", "")]
    )
    def test_stand_before_their_unit(self, amount: float | None, unit: str, written: str) -> None:
        assert words_for("de").amount(amount, unit) == written


class TestDurations:
    @pytest.mark.parametrize(
        ("minutes", "written"),
        [
            (40, "40 min"),
            (89, "89 min"),
            (90, "1.5 h"),
            (240, "4 h"),
            (2879, "48 h"),
            (2880, "2 days"),
            (9840, "6.8 days"),
        ],
    )
    def test_use_the_unit_that_a_reader_would(self, minutes: float, written: str) -> None:
        assert words_for("en").duration(minutes) == written

    @pytest.mark.parametrize(
        ("minutes", "written"), [(-4320, "−3 d"), (-240, "−4 h"), (0, "0"), (60, "1 h"), (20160, "14 d")]
    )
    def test_are_symbols_on_an_axis(self, minutes: float, written: str) -> None:
        assert words_for("de").since(minutes) == written


class TestLanguages:
    def test_say_everything_in_german_that_english_says(self) -> None:
        for field in fields(ENGLISH):
            english, german = getattr(ENGLISH, field.name), getattr(GERMAN, field.name)
            if isinstance(english, str):
                assert english.count("{}") == german.count("{}"), field.name
            if isinstance(english, dict):
                assert english.keys() == german.keys(), field.name

    def test_list_a_few_and_count_the_rest(self) -> None:
        assert words_for("en").listed(["a", "b"]) == "a, b"
        assert words_for("en").listed([str(item) for item in range(11)]).endswith("6, 7 and 3 more")

    def test_name_a_statistic_they_do_not_know_by_its_key(self) -> None:
        assert words_for("de").names(["baseline", "some_new_rule"]) == "Ausgangswert, some new rule"
