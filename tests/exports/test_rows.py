from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.charts.words import words_for
from app.core.fields import zone
from app.exports.blocks import Answer, Cell
from app.exports.rows import NONE, Wordings, Writer, counted, plain
from app.instruments.catalogue import definition

AT = datetime(2026, 11, 10, 18, 30, tzinfo=UTC)
SESSION, APPOINTMENT = UUID(int=1), UUID(int=2)


def a_row(**but: Any) -> dict[str, Any]:
    return {
        "recorded_at": AT,
        "time_zone": "Europe/Berlin",
        "origin": "patient",
        "clock_suspect": False,
        "late": False,
        "version": 1,
        "minutes_from_dose": None,
        "phase": None,
        "dosing_session_id": None,
        "appointment_id": None,
        "responses": [],
        "scores": [],
        "note": None,
        "earlier_versions": [],
    } | but


def a_writer(locale: str = "en-GB", **but: Any) -> Writer:
    return Writer(words_for(locale), zone("Europe/Berlin"), **but)


def written(writer: Writer | None = None, **but: Any) -> tuple[Cell, ...]:
    return (writer or a_writer()).check_in(a_row(**but))[0]


def answered(
    key: str, answers: dict[str, int | None], total: float | None = None, writer: Writer | None = None, **score: Any
) -> Answer:
    given = {"instrument": key, "version": "1", "substance": None, "answers": answers}
    cell = written(writer, responses=[given], scores=[{"total": total, "subscales": {}} | score])[1]
    assert isinstance(cell, tuple)
    return cell[0]


class TestAnswers:
    def test_each_question_stands_with_its_answer(self) -> None:
        text = answered("craving_nrs", {"now": 7, "peak": 0, "resist": 4}).text

        assert text == "strength of craving right now: 7 · strongest since last check-in: 0 · confidence to resist: 4"

    @pytest.mark.parametrize("answers", [{"now": 7}, {"now": 7, "peak": None, "resist": None}])
    def test_what_is_missing_is_not_answered_and_no_zero(self, answers: dict[str, int | None]) -> None:
        text = answered("craving_nrs", answers).text

        assert text.count("not answered") == 2
        assert "0" not in text

    def test_yes_and_no_are_words(self) -> None:
        assert "any use that day: yes" in answered("use_diary", {"used": 1}).text
        assert "any use that day: no" in answered("use_diary", {"used": 0}).text

    def test_a_question_that_did_not_come_up_is_not_missing(self) -> None:
        followed_up = [item for item in definition("cssrs_screener").items if item.asked_if is not None]

        text = answered("cssrs_screener", {"wish_dead": 0, "thoughts": 0}).text

        assert followed_up
        assert all(f"{item.label}:" not in text for item in followed_up)

    def test_a_sum_stands_first(self) -> None:
        items = {item.key: 1 for item in definition("phq2").items}

        assert answered("phq2", dict(items), 2).text.startswith("total 2 · loss of interest or pleasure: 1")

    def test_a_sum_that_cannot_be_made_is_said_to_be_missing(self) -> None:
        assert answered("phq2", {"anhedonia": 1}).text.startswith("no total, since answers are missing · ")

    def test_parts_of_a_scale_without_a_total_stand_by_name(self) -> None:
        text = answered("bam", {"craving": 2}, None, subscales={"use": 0, "risk": None}).text

        assert text.startswith("use 0 · risk not answered · ")

    def test_an_instrument_that_is_no_longer_known_is_shown_as_it_was_answered(self) -> None:
        assert answered("old_scale", {"how_bad": 3, "other": None}) == Answer(
            "old scale", "how bad: 3 · other: not answered"
        )

    def test_an_answer_to_a_question_that_is_no_longer_known_is_not_lost(self) -> None:
        assert answered("mood_nrs", {"now": 3, "gone": 2}).text.endswith(" · gone: 2")

    def test_below_zero_has_a_true_minus_sign(self) -> None:
        assert "unpleasant to pleasant: −4" in answered("affect_grid", {"valence": -4, "arousal": 0}).text

    def test_the_clinics_own_words_go_before_ours(self) -> None:
        said = Wordings({("mood_nrs", "1"): "Stimmung"}, {("mood_nrs", "1", "now"): "Wie geht es Ihnen?"})

        assert answered("mood_nrs", {"now": 3}, writer=a_writer(wordings=said)) == Answer(
            "Stimmung", "Wie geht es Ihnen?: 3"
        )

    def test_the_note_comes_last(self) -> None:
        assert written(note="after group")[1] == (Answer("Note", "after group"),)


class TestMoments:
    @pytest.mark.parametrize(
        ("but", "said"),
        [
            ({}, "10 Nov 2026\n19:30"),
            ({"time_zone": "America/New_York"}, "10 Nov 2026\n19:30\n(13:30 in America/New_York)"),
            ({"time_zone": "Europe/Paris"}, "10 Nov 2026\n19:30"),
            ({"origin": "clinician"}, "10 Nov 2026\n19:30\nwritten down by the clinic"),
            ({"clock_suspect": True, "late": True}, "10 Nov 2026\n19:30\nclock was off\nlate"),
            ({"version": 2}, "10 Nov 2026\n19:30\ncorrected"),
        ],
    )
    def test_say_when_where_and_what_is_special(self, but: dict[str, Any], said: str) -> None:
        assert written(**but)[0] == said

    def test_follow_the_clinics_place(self) -> None:
        assert written(a_writer("en-US"))[0] == "Nov 10, 2026\n7:30 pm"
        assert written(a_writer("de-DE"))[0] == "10. Nov. 2026\n19:30"

    @pytest.mark.parametrize(
        ("but", "said"),
        [
            ({}, NONE),
            ({"phase": "before"}, "before a dose"),
            ({"minutes_from_dose": 240, "dosing_session_id": SESSION}, "4 h after the dose\nof 9 Nov 2026"),
            ({"minutes_from_dose": -90, "dosing_session_id": SESSION}, "1.5 h before the dose\nof 9 Nov 2026"),
            ({"minutes_from_dose": 0, "dosing_session_id": UUID(int=9)}, "0 min after the dose"),
            ({"appointment_id": APPOINTMENT}, "CBT, 10 Nov"),
        ],
    )
    def test_are_told_by_the_dose_and_the_appointment(self, but: dict[str, Any], said: str) -> None:
        writer = a_writer(doses={SESSION: AT - timedelta(days=1)}, visits={APPOINTMENT: "CBT, 10 Nov"})

        assert written(writer, **but)[2] == said


def test_codes_become_words() -> None:
    assert [plain(code) for code in ("IM", "relapse_prevention", "entered-in-error", "no_show")] == [
        "into a muscle",
        "relapse prevention",
        "entered by mistake",
        "missed",
    ]


def test_one_is_no_plural() -> None:
    assert (counted(1, "value"), counted(0, "value")) == ("1 value", "0 values")
