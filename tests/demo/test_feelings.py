"""Stories are told by the figures of their feelings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.demo.chance import Chance
from app.demo.feelings import Feelings
from app.demo.people import PATIENTS, Story

BEGIN = datetime(2026, 3, 29, tzinfo=UTC)
DOSE = BEGIN + timedelta(days=20, hours=10)
STORY = PATIENTS[0]


def feelings(story: Story = STORY, doses: tuple[datetime, ...] = (DOSE,)) -> Feelings:
    return Feelings(story, BEGIN, doses, Chance(1, story.key))


def after(**time: float) -> datetime:
    return DOSE + timedelta(**time)


class TestRelief:
    def test_is_none_before_a_dose(self) -> None:
        assert feelings().relief(after(minutes=-1), 5) == 0

    def test_rises_within_a_day_and_fades_over_days(self) -> None:
        of = feelings()

        assert of.relief(after(hours=2), 5) < of.relief(after(hours=20), 5)
        assert of.relief(after(days=1), 5) > of.relief(after(days=6), 5) > of.relief(after(days=14), 5) > 0

    def test_of_two_doses_is_more_than_of_one_and_never_more_than_all(self) -> None:
        both = feelings(doses=(DOSE, after(days=2)))

        assert feelings().relief(after(days=3), 5) < both.relief(after(days=3), 5) < 1


class TestCravingAndMood:
    @pytest.mark.parametrize("story", PATIENTS, ids=lambda story: story.key)
    def test_stay_on_their_scales(self, story: Story) -> None:
        of = feelings(story)
        moments = [BEGIN + timedelta(hours=hours) for hours in range(0, 24 * 90, 7)]

        assert all(0 <= of.craving(at) <= 10 and 0 <= of.mood(at) <= 10 for at in moments)

    def test_get_worse_in_a_lapse(self) -> None:
        calm, lapsing = feelings(), feelings(replace(STORY, lapses=((40, 5),)))
        within = BEGIN + timedelta(days=42)

        assert lapsing.craving(within) > calm.craving(within) + 2
        assert lapsing.mood(within) < calm.mood(within) - 1

    def test_move_apart_where_the_story_says_so(self) -> None:
        viktor = next(story for story in PATIENTS if story.key == "viktor")
        of = feelings(viktor)
        before, later = ([at(days=n) for n in range(*days)] for at, days in ((after, (-7, 0)), (after, (1, 8))))

        assert mean(map(of.mood, later)) > mean(map(of.mood, before)) + 2
        assert abs(mean(map(of.craving, later)) - mean(map(of.craving, before))) < 1.5


class TestSessionEffects:
    def test_peak_at_the_end_of_the_infusion_and_are_nearly_gone_two_hours_after_its_begin(self) -> None:
        of = feelings()

        assert of.session_effects(after(minutes=40)) > 6
        assert of.session_effects(after(minutes=120)) < 1
        assert of.session_effects(after(hours=4)) < 0.1

    def test_are_weaker_with_later_doses(self) -> None:
        doses = tuple(after(days=days) for days in (0, 3, 7, 10))
        of = feelings(doses=doses)
        peaks = [of.session_effects(dose + timedelta(minutes=40)) for dose in doses]

        assert peaks == sorted(peaks, reverse=True)


def mean(values: "map[float]") -> float:
    found = list(values)
    return sum(found) / len(found)
