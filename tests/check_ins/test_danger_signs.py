"""What a check-in says that rules look at, and what of the past they need for it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.check_ins import danger_signs as signs
from app.check_ins.danger_signs import Wanted
from app.check_ins.schemas import ResponseWrite
from app.protocols.rules import Protocol
from app.protocols.safety_figures import Safety
from app.safety.rules import TakenBack, UseInputs

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = AT.date()
FIGURES = Safety()


def response(instrument: str, substance: str | None = None, **answers: int | None) -> ResponseWrite:
    return ResponseWrite(instrument=instrument, version="1", substance=substance, answers=answers)


def stored(instrument: str, substance: str | None = None, **answers: int) -> dict[str, Any]:
    return {"instrument": instrument, "version": "1", "substance": substance, "answers": answers}


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


class TestWanted:
    @pytest.mark.parametrize(
        ("sent", "expected"),
        [
            (response("craving_nrs", "alcohol", now=2, peak=9), []),
            (response("craving_nrs", "alcohol", now=3), [Wanted("craving", "alcohol", AT - timedelta(days=14))]),
            (response("craving_nrs", "alcohol", peak=9), []),
            (response("craving_vas", now=29), []),
            (response("craving_vas", now=30), [Wanted("craving_vas", "", AT - timedelta(days=14))]),
            (response("use_diary", "alcohol", used=0, drinks=0), []),
            (response("use_diary", "alcohol", used=1), [Wanted("used", None, AT - timedelta(days=7))]),
            (response("use_diary", "alcohol", drinks=1), [Wanted("used", None, AT - timedelta(days=7))]),
            (response("use_diary", "heroin", used=1), [Wanted("used", None, None)]),
            (response("urinary_check", frequency=1), []),
            (response("urinary_check", frequency=1, night=1), [Wanted("urinary_check_total")]),
            (response("phq9", low_mood=3, sleep=1), []),
            (response("phq9", low_mood=3, sleep=2, fatigue=None), [Wanted("phq9_total")]),
            (response("dissociation_brief", unreal=3), []),
            (response("dissociation_brief", unreal=4), [Wanted("dissociation", "", AT - timedelta(days=17))]),
            (response("mood_nrs", now=10), []),
            (response("no_such", now=99), []),
        ],
    )
    def test_only_what_can_matter(self, sent: ResponseWrite, expected: list[Wanted]) -> None:
        assert signs.wanted([sent], AT, Protocol()) == expected

    def test_each_series_is_read_once_from_the_earliest_moment(self) -> None:
        later, earlier = Wanted("craving", "alcohol", AT), Wanted("craving", "alcohol", AT - timedelta(days=1))
        everything, other = Wanted("craving", "alcohol"), Wanted("craving", "cocaine", AT)

        assert signs.widest([later, earlier, later, other]) == [earlier, other]
        assert signs.widest([everything, earlier]) == [everything]
        assert signs.widest([earlier, everything]) == [everything]


@pytest.mark.parametrize(("answer", "needed"), [(None, False), (0, False), (1, False), (2, True), (3, False)])
def test_an_earlier_item_9_matters_only_where_a_rise_would_make_it_critical(answer: int | None, needed: bool) -> None:
    assert signs.needs_earlier_item_9({} if answer is None else {signs.ITEM_9: answer}, FIGURES) is needed


@pytest.mark.parametrize(("drinks", "needed"), [(None, False), (3, False), (4, True), (5, False)])
def test_the_sex_matters_only_between_the_figures(drinks: int | None, needed: bool) -> None:
    assert signs.needs_sex([UseInputs(drinks=drinks)], FIGURES) is needed


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([], None),
        ([(ago(0), 0)], 0),
        ([(ago(3), 0), (ago(1), 0)], 3),
        ([(ago(9), 1), (ago(4), 1), (ago(2), 0)], 3),
        ([(ago(1), 1)], 0),
        ([(ago(0), 1)], -1),
    ],
)
def test_abstinent_days(reports: list[tuple[date, float]], expected: int | None) -> None:
    assert signs.abstinent_days(reports, TODAY) == expected


def test_diaries_of_several_substances() -> None:
    said = [
        stored("use_diary", "alcohol", used=1, drinks=2, last_drink_hours=30),
        stored("use_diary", "cocaine", last_drink_hours=7),
        stored("mood_nrs", now=3),
    ]

    assert signs.uses_of(said) == [UseInputs(used=True, substance="alcohol", drinks=2), UseInputs(substance="cocaine")]
    assert signs.last_drink_hours(said) == 7
    assert signs.last_drink_hours(said[2:]) is None


def test_craving_beside_what_was_usual() -> None:
    earlier = [
        (AT - timedelta(days=days), UUID(int=0), ago(days), float(value))
        for days, value in ((20, 9), (2, 3), (2, 5), (1, 4))
    ]

    found = signs.craving(stored("craving_nrs", "alcohol", now=6), earlier, AT, TODAY, 14)

    assert found is not None
    assert (list(found.usual), dict(found.highest_by_day)) == ([3, 5, 4], {20: 9, 2: 5, 1: 4})
    assert signs.craving(stored("craving_nrs", "alcohol", peak=6), earlier, AT, TODAY, 14) is None


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (stored("phq9", self_harm_thoughts=2), [stored("phq9", self_harm_thoughts=1)], [(2, 1)]),
        (stored("phq9", self_harm_thoughts=1), [stored("phq9", sleep=1)], [(1, None)]),
        (stored("phq9", self_harm_thoughts=1), [], [(1, None)]),
        (stored("phq9", self_harm_thoughts=1), [stored("phq9", self_harm_thoughts=1)], []),
        (stored("phq9", self_harm_thoughts=1), [stored("phq9", self_harm_thoughts=3)], []),
        (stored("phq9", self_harm_thoughts=0), [], []),
        (stored("phq9", sleep=3), [], []),
        (stored("dissociation_brief", distress=2), [], []),
        (stored("cows", pulse=4), [], []),
        (stored("mood_nrs", now=1), [], []),
    ],
)
def test_taken_back(before: dict[str, Any], now: list[dict[str, Any]], expected: list[tuple[int, int | None]]) -> None:
    item = "phq9.self_harm_thoughts"

    assert signs.taken_back([before], now) == [TakenBack(item=item, before=was, now=says) for was, says in expected]
