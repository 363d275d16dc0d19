"""What the script of the demo promises, whatever the seed and the hour."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.demo import acts
from app.demo.people import PATIENTS, TIME_ZONE, Phone, Today
from app.demo.script import write
from app.dosing.rules import SessionAction
from tests.demo.filled import NOW

BERLIN = ZoneInfo(TIME_ZONE)
ORDER: list[object] = [
    SessionAction.ARRIVAL,
    acts.Checked,
    acts.Cleared,
    acts.DoseStarted,
    SessionAction.DOSE_END,
    acts.FoundReady,
    acts.WentHome,
    SessionAction.CLOSURE,
]
HOURS = [NOW.replace(hour=0, minute=1), NOW.replace(hour=6), NOW, NOW.replace(hour=21, minute=59)]


@pytest.fixture(scope="module")
def script() -> list[acts.Act]:
    return write(NOW, 1)


def of(script: Sequence[acts.Act], key: str) -> list[acts.Act]:
    return [act for act in script if act.patient == key]


def doses(script: Sequence[acts.Act], key: str) -> list[datetime]:
    """The moments at which doses begin, those of the scripted sessions too."""
    return [act.at for act in of(script, key) if isinstance(act, acts.DoseStarted) or is_dose(act)]


def is_dose(act: acts.Act) -> bool:
    return isinstance(act, acts.Asked) and act.request.path.endswith("/dose") and act.request.expects == 200


class TestScript:
    def test_is_the_same_for_the_same_seed_and_present(self, script: list[acts.Act]) -> None:
        assert write(NOW, 1) == script

    def test_is_another_for_another_seed(self, script: list[acts.Act]) -> None:
        assert write(NOW, 2) != script

    def test_tells_the_same_story_in_another_week(self) -> None:
        # Not this week and the next: the clocks change at the begin of this one.
        one, other = (write(NOW + timedelta(weeks=weeks), 1) for weeks in (1, 2))

        def craving(acts_of: Sequence[acts.Act]) -> list[int]:
            reports = [act.content["responses"][0] for act in acts_of if isinstance(act, acts.Reported)]
            return [found["answers"]["now"] for found in reports if found["instrument"] == "craving_nrs"]

        assert craving(of(one, "lotte")) == craving(of(other, "lotte"))

    def test_is_in_the_order_of_time_and_ends_now(self, script: list[acts.Act]) -> None:
        moments = [act.at for act in script]

        assert moments == sorted(moments)
        assert NOW - timedelta(hours=2) < moments[-1] <= NOW

    def test_begins_with_the_enrolment_of_each(self, script: list[acts.Act]) -> None:
        for story in PATIENTS:
            first, second, *_ = of(script, story.key)

            assert isinstance(first, acts.Enrolled)
            assert isinstance(second, acts.SessionPlanned | acts.Activated | acts.Booked)

    @pytest.mark.parametrize("now", HOURS, ids=lambda now: f"{now:%H:%M}")
    def test_each_step_of_a_session_follows_the_one_before(self, now: datetime) -> None:
        steps: dict[object, list[int]] = defaultdict(list)
        for act in write(now, 1):
            match act:
                case acts.SessionStep():
                    steps[act.session_id].append(ORDER.index(act.action))
                case acts.Checked() | acts.Cleared() | acts.DoseStarted() | acts.FoundReady() | acts.WentHome():
                    steps[act.session_id].append(ORDER.index(type(act)))

        assert all(taken == list(range(len(taken))) for taken in steps.values())
        assert len(steps) > 150

    @pytest.mark.parametrize("now", HOURS, ids=lambda now: f"{now:%H:%M}")
    def test_the_sessions_of_today_are_planned_for_today(self, now: datetime) -> None:
        waiting = {story.key for story in PATIENTS if story.today not in {None, Today.CLOSED}}
        today = now.astimezone(BERLIN).date()
        planned = {
            act.patient: act.scheduled_at
            for act in write(now, 1)
            if isinstance(act, acts.SessionPlanned) and act.scheduled_at.astimezone(BERLIN).date() == today
        }

        assert waiting <= set(planned)
        assert all(planned[key].minute % 5 == 0 for key in waiting)

    def test_nobody_is_dosed_twice_within_a_day(self, script: list[acts.Act]) -> None:
        gaps = [later - earlier for story in PATIENTS for earlier, later in pairwise(doses(script, story.key))]

        assert min(gaps) > timedelta(hours=44)

    def test_no_therapist_sees_two_patients_at_once(self, script: list[acts.Act]) -> None:
        hours = Counter(
            (act.therapist, act.plan["scheduled_at"])
            for act in script
            if isinstance(act, acts.Booked) and act.therapist is not None
        )

        assert [hour for hour, times in hours.items() if times > 1] == []


class TestStories:
    def test_two_doses_two_days_apart(self, script: list[acts.Act]) -> None:
        gaps = [later - earlier for earlier, later in pairwise(doses(script, "hanna"))]

        assert timedelta(days=1, hours=20) < min(gaps) < timedelta(days=2, hours=4)

    def test_no_dose_for_the_newcomer(self, script: list[acts.Act]) -> None:
        assert doses(script, "noor") == []
        assert any(isinstance(act, acts.SessionPlanned) for act in of(script, "noor"))

    def test_batches_of_an_offline_phone_are_unordered_and_some_are_sent_twice(self, script: list[acts.Act]) -> None:
        uploads = [act for act in of(script, "pavel") if isinstance(act, acts.Uploaded)]
        recorded = [[item["recorded_at"] for item in act.items] for act in uploads]
        sets = [frozenset(item["id"] for item in act.items) for act in uploads]

        assert sum(len(items) for items in recorded) > 80
        assert any(items != sorted(items) for items in recorded)
        assert len(sets) > len(set(sets))

    def test_nothing_waits_on_a_phone_that_is_always_on(self, script: list[acts.Act]) -> None:
        for story in PATIENTS:
            if story.phone is Phone.ALWAYS_ON:
                assert not any(isinstance(act, acts.Uploaded) for act in of(script, story.key))

    def test_the_clock_that_runs_ahead_reports_moments_to_come(self, script: list[acts.Act]) -> None:
        ahead = [
            act
            for act in of(script, "karin")
            if isinstance(act, acts.Reported) and datetime.fromisoformat(act.content["recorded_at"]) > act.at
        ]

        assert len(ahead) > 5

    def test_the_traveller_answers_in_the_evening_there(self, script: list[acts.Act]) -> None:
        abroad = [
            datetime.fromisoformat(act.content["recorded_at"])
            for act in of(script, "emil")
            if isinstance(act, acts.Reported)
            and act.content["time_zone"] == "America/New_York"
            and "use_diary" in str(act.content)  # the evening's question
        ]

        assert len(abroad) > 7
        assert all(16 <= at.hour <= 22 and at.utcoffset() == timedelta(hours=-4) for at in abroad)

    def test_more_is_missed_after_strong_craving(self, script: list[acts.Act]) -> None:
        evenings = 83
        answered = {
            key: sum("use_diary" in str(act.content) for act in of(script, key) if isinstance(act, acts.Reported))
            + sum(
                "use_diary" in str(item)
                for act in of(script, key)
                if isinstance(act, acts.Uploaded)
                for item in act.items
            )
            for key in ("ines", "lotte")
        }

        assert answered["lotte"] > 0.9 * evenings
        assert answered["ines"] < 0.75 * evenings

    def test_left_means_that_nothing_comes_after_it(self, script: list[acts.Act]) -> None:
        last = max(act.at for act in of(script, "georg") if isinstance(act, acts.Reported | acts.Uploaded))

        assert last < NOW - timedelta(days=45)
        assert any(isinstance(act, acts.SessionCancelled) for act in of(script, "georg"))


class TestPresent:
    def test_is_the_same_in_utc_and_elsewhere(self, script: list[acts.Act]) -> None:
        assert write(NOW.astimezone(BERLIN), 1) == script
        assert NOW.tzinfo is UTC
