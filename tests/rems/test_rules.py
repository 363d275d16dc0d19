from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.rems.rules import FORM, NEEDLESS_WITHOUT, Measured, RemsField, RemsInputs, RemsSource, Value, fill_in

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
F = RemsField


def at(minutes: float, **values: int) -> Measured:
    return Measured(NOON + timedelta(minutes=minutes), **values)


def inputs(*readings: Measured, **but: Any) -> RemsInputs:
    known: dict[str, Any] = {
        "patient_name": "Sam R.",
        "born_on": date(1988, 3, 14),
        "sex": "female",
        "earlier_doses": 0,
        "sedatives": False,
        "opioids": False,
        "stimulants": True,
        "maoi": None,
        "clinician_name": "Nurse Kim",
        "telephone": None,
        "setting_name": "Riverside",
        "address": None,
        "treated_on": date(2026, 11, 22),
        "dose_started_at": NOON,
        "dose_mg": 56.0,
        "lot": "A17",
        "monitored_until": NOON + timedelta(minutes=125),
        "readings": readings,
        "alert_from": 5,
        "tolerance_minutes": 10,
        "serious_events": (),
        "events_are_complete": True,
    }
    return RemsInputs(**known | but)


def filled(found: RemsInputs, added: dict[RemsField, Value] | None = None) -> dict[RemsField, tuple[Value, RemsSource]]:
    return {entry.field: (entry.value, entry.source) for entry in fill_in(found, added or {})}


class TestFillIn:
    def test_says_of_each_field_where_it_comes_from(self) -> None:
        form = filled(inputs())

        assert list(form) == list(FORM) == list(RemsField)
        assert form[F.PATIENT_NAME] == ("Sam R.", RemsSource.CLINIC)
        assert form[F.BORN_ON] == ("1988-03-14", RemsSource.CLINIC)
        assert form[F.FIRST_TREATMENT] == (True, RemsSource.SESSION)
        assert form[F.LOT] == ("A17", RemsSource.SESSION)
        assert form[F.PSYCHOSTIMULANTS] == (True, RemsSource.SESSION)
        assert form[F.MAOIS] == form[F.ENROLLED] == form[F.SETTING_ADDRESS] == (None, RemsSource.MISSING)
        assert form[F.MINUTES_MONITORED] == (125, RemsSource.SESSION)

    def test_what_was_added_stands_in_place_of_what_is_known(self) -> None:
        form = filled(inputs(), {F.LOT: "B2", F.OPIOIDS: True, F.ENROLLED: False})

        assert form[F.LOT] == ("B2", RemsSource.ADDED)
        assert form[F.OPIOIDS] == (True, RemsSource.ADDED)
        assert form[F.ENROLLED] == (False, RemsSource.ADDED)

    @pytest.mark.parametrize(("sedatives", "value"), [(False, False), (True, None), (None, None)])
    def test_guesses_not_which_sedative_it_is(self, sedatives: bool | None, value: Value) -> None:
        form = filled(inputs(sedatives=sedatives))

        assert form[F.BENZODIAZEPINES][0] is form[F.NON_BENZODIAZEPINE_HYPNOTICS][0] is value

    def test_an_unknown_sex_is_missing(self) -> None:
        assert filled(inputs(sex="unknown"))[F.SEX] == (None, RemsSource.MISSING)

    def test_every_field_that_may_be_needless_hangs_on_a_yes_or_no(self) -> None:
        form = filled(inputs(at(40, moaas=5, dissociation=0)))

        for needless, on in NEEDLESS_WITHOUT.items():
            assert form[on][0] is False
            assert form[needless] == (None, RemsSource.NOT_APPLICABLE)


class TestPressures:
    def test_are_the_newest_before_the_closest_to_forty_and_the_last(self) -> None:
        form = filled(
            inputs(
                at(125, systolic=118, diastolic=76), at(-30, systolic=120, diastolic=70),
                at(-5, systolic=121, diastolic=71), at(36, systolic=150, diastolic=90),
                at(41, systolic=155, diastolic=92), at(42, moaas=5),
            )
        )  # fmt: skip

        assert form[F.PRESSURE_BEFORE][0] == "121/71"
        assert form[F.PRESSURE_AT_40][0] == "155/92"
        assert form[F.PRESSURE_AT_COMPLETION][0] == "118/76"

    @pytest.mark.parametrize(("minute", "counts"), [(29.9, False), (30, True), (50, True), (50.1, False)])
    def test_of_minute_forty_lies_within_the_clinics_tolerance(self, minute: float, counts: bool) -> None:
        form = filled(inputs(at(minute, systolic=150, diastolic=90)))

        assert form[F.PRESSURE_AT_40][0] == ("150/90" if counts else None)

    def test_at_completion_is_missing_until_there_is_one(self) -> None:
        form = filled(inputs(at(40, systolic=150, diastolic=90), monitored_until=None))

        assert form[F.PRESSURE_AT_COMPLETION] == form[F.MINUTES_MONITORED] == (None, RemsSource.MISSING)


class TestSedationAndDissociation:
    @pytest.mark.parametrize(
        ("readings", "course"),
        [
            ([], (None, None, None)),
            ([at(-5, moaas=3)], (None, None, None)),
            ([at(10, moaas=5)], (False, None, None)),
            ([at(10, moaas=4)], (True, 10, None)),
            ([at(40, moaas=5), at(10, moaas=4), at(20, moaas=3)], (True, 10, 40)),
            ([at(10, moaas=4), at(20, moaas=5), at(30, moaas=4), at(60, moaas=5)], (True, 10, 60)),
        ],
    )
    def test_sedation_is_any_score_below_alert(self, readings: list[Measured], course: tuple[Value, ...]) -> None:
        form = filled(inputs(*readings))

        names = (F.SEDATION, F.SEDATION_ONSET_MINUTES, F.SEDATION_RESOLVED_MINUTES)
        assert tuple(form[name][0] for name in names) == course

    @pytest.mark.parametrize(
        ("readings", "course"),
        [
            ([at(-5, dissociation=2), at(40, dissociation=2)], (False, None, None)),
            ([at(-30, dissociation=5), at(-5, dissociation=2), at(40, dissociation=3)], (True, 40, None)),
            ([at(40, dissociation=1), at(80, dissociation=0)], (True, 40, 80)),
            ([at(-5, dissociation=2)], (None, None, None)),
        ],
    )
    def test_dissociation_is_any_total_above_the_one_before(
        self, readings: list[Measured], course: tuple[Value, ...]
    ) -> None:
        form = filled(inputs(*readings))

        names = (F.DISSOCIATION, F.DISSOCIATION_ONSET_MINUTES, F.DISSOCIATION_RESOLVED_MINUTES)
        assert tuple(form[name][0] for name in names) == course


class TestSeriousEvents:
    @pytest.mark.parametrize(
        ("events", "complete", "answer", "which"),
        [
            ((), False, None, RemsSource.MISSING),
            ((), True, False, RemsSource.NOT_APPLICABLE),
            (("Syncope", "Fall"), False, True, RemsSource.SESSION),
        ],
    )
    def test_there_was_none_only_once_the_session_is_over(
        self, events: tuple[str, ...], complete: bool, answer: Value, which: RemsSource
    ) -> None:
        form = filled(inputs(serious_events=events, events_are_complete=complete))

        assert form[F.SERIOUS_ADVERSE_EVENT][0] is answer
        assert form[F.SERIOUS_ADVERSE_EVENTS] == ("Syncope; Fall" if events else None, which)
