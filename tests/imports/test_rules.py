from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest

from app.imports import rules
from app.imports.cells import Cell
from app.imports.maps import Kind, Map, make_map
from app.imports.rules import Fault

CLINIC = UUID("0199f3d2-0000-7000-8000-000000000001")


def a_map(**but: Any) -> Map:
    raw = {
        "source": "riverside",
        "person": {"column": "who", "name": "R {person}"},
        "time": {"column": "at", "format": "%Y-%m-%d %H:%M", "reads": "wall_clock", "zone": "America/Los_Angeles"},
        "kind": {"is": "cbt"},
    }
    return make_map({key: value for key, value in (raw | but).items() if value is not None}, Kind.APPOINTMENTS)


def invented(**but: Any) -> Map:
    rule = {"day": ["when", "first"], "anchor": "2019-01-07", "clock": {"is": "10:00"}, "zone": "America/New_York"}
    return a_map(time=None, invented_time=rule | but)


class TestOnTheWall:
    @pytest.mark.parametrize(
        ("local", "instant", "remark"),
        [
            ("2018-03-11T01:59", "2018-03-11T09:59Z", None),
            ("2018-03-11T02:00", "2018-03-11T10:00Z", "time_in_gap"),
            ("2018-03-11T02:30", "2018-03-11T10:30Z", "time_in_gap"),
            ("2018-03-11T03:00", "2018-03-11T10:00Z", None),
            ("2018-11-04T00:59", "2018-11-04T07:59Z", None),
            ("2018-11-04T01:00", "2018-11-04T08:00Z", "time_came_twice"),
            ("2018-11-04T01:59", "2018-11-04T08:59Z", "time_came_twice"),
            ("2018-11-04T02:00", "2018-11-04T10:00Z", None),
        ],
    )
    def test_moves_a_time_of_the_gap_forward_and_takes_the_first_of_two(
        self, local: str, instant: str, remark: str | None
    ) -> None:
        found = rules.on_the_wall(datetime.fromisoformat(local), "America/Los_Angeles")

        assert found == (datetime.fromisoformat(instant), remark)

    def test_knows_gaps_of_half_an_hour(self) -> None:
        found = rules.on_the_wall(datetime.fromisoformat("2018-10-07T02:15"), "Australia/Lord_Howe")

        assert found == (datetime(2018, 10, 6, 15, 45, tzinfo=UTC), "time_in_gap")


class TestPlaceOf:
    def test_does_not_believe_a_z_that_the_map_calls_false(self) -> None:
        time = {"column": "at", "format": "%Y-%m-%dT%H:%M:%SZ", "reads": "wall_clock", "zone": "America/Los_Angeles"}

        place = rules.place_of(a_map(time=time), {"at": "2018-03-10T23:45:00Z"})

        assert place == rules.Place(datetime(2018, 3, 11, 7, 45, tzinfo=UTC))

    def test_believes_a_z_that_the_map_calls_true(self) -> None:
        time = {"column": "at", "format": "%Y-%m-%dT%H:%M:%SZ", "reads": "utc", "zone": "America/Los_Angeles"}

        assert rules.place_of(a_map(time=time), {"at": "2018-03-10T23:45:00Z"}).at == datetime(
            2018, 3, 10, 23, 45, tzinfo=UTC
        )

    def test_reads_an_offset_from_the_text(self) -> None:
        time = {"column": "at", "format": "%Y-%m-%dT%H:%M%z", "reads": "offset", "zone": "Europe/Berlin"}

        assert rules.place_of(a_map(time=time), {"at": "2018-03-10T23:45+02:00"}).at == datetime(
            2018, 3, 10, 21, 45, tzinfo=UTC
        )

    def test_reads_an_end(self) -> None:
        time = {
            "column": "at",
            "format": "%H:%M %d.%m.%Y",
            "reads": "utc",
            "zone": "Europe/Berlin",
            "end_column": "end",
        }

        with_end = rules.place_of(a_map(time=time), {"at": "10:00 01.02.2020", "end": "10:50 01.02.2020"})
        without = rules.place_of(a_map(time=time), {"at": "10:00 01.02.2020", "end": ""})

        assert (with_end.ends_at, without.ends_at) == (datetime(2020, 2, 1, 10, 50, tzinfo=UTC), None)
        with pytest.raises(Fault) as fault:
            rules.place_of(a_map(time=time), {"at": "10:00 01.02.2020", "end": "09:50 01.02.2020"})
        assert (fault.value.reason, fault.value.column) == ("ends_before_start", "end")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "no_time"),
            ("yesterday", "time_format"),
            ("2018-02-30 10:00", "time_format"),
            ("1999-12-31 10:00", "time_range"),
            ("2100-01-01 10:00", "time_range"),
            ("0001-01-01 00:00", "time_range"),
            ("9999-12-31 23:59", "time_range"),
        ],
    )
    def test_refuses_what_is_no_time_of_ours(self, text: str, reason: str) -> None:
        with pytest.raises(Fault) as fault:
            rules.place_of(a_map(), {"at": text})

        assert (fault.value.reason, fault.value.column, fault.value.skips) == (reason, "at", False)

    @pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "2000-01-01T00:00+00:01"])
    def test_refuses_what_is_out_of_range_by_its_offset(self, text: str) -> None:
        time = {"column": "at", "format": "%Y-%m-%dT%H:%M%z", "reads": "offset", "zone": "Europe/Berlin"}

        with pytest.raises(Fault, match="time_range"):
            rules.place_of(a_map(time=time), {"at": text})

    def test_remarks_on_an_end_too(self) -> None:
        time = {
            "column": "at",
            "format": "%Y-%m-%d %H:%M",
            "reads": "wall_clock",
            "zone": "America/Los_Angeles",
            "end_column": "end",
        }

        place = rules.place_of(a_map(time=time), {"at": "2018-03-11 01:30", "end": "2018-03-11 02:30"})

        assert (place.remarks, place.ends_at) == (("time_in_gap",), datetime(2018, 3, 11, 10, 30, tzinfo=UTC))


class TestInventedTimes:
    def test_count_days_from_an_anchor_and_say_so(self) -> None:
        place = rules.place_of(invented(), {"when": "19", "first": "3"})

        assert place.at == datetime(2019, 1, 26, 15, 0, tzinfo=UTC)
        assert place.remarks == ("time_invented",)
        assert place.note == ("Date and time are invented: day 19 of the source, counted from 2019-01-07, at 10:00.")

    def test_stay_on_the_wall_over_a_clock_change(self) -> None:
        assert rules.place_of(invented(), {"when": "180", "first": ""}).at == datetime(2019, 7, 6, 14, tzinfo=UTC)

    def test_may_lie_before_the_anchor(self) -> None:
        assert rules.place_of(invented(), {"when": "-31", "first": ""}).at == datetime(2018, 12, 7, 15, tzinfo=UTC)

    def test_take_another_columns_day_and_say_so(self) -> None:
        place = rules.place_of(invented(), {"when": "", "first": "3"})

        assert place.at == datetime(2019, 1, 10, 15, 0, tzinfo=UTC)
        assert place.remarks == ("time_invented", "day_from_first")
        assert place.note is not None
        assert place.note.endswith("The source gives no day here: first stands in.")

    def test_take_the_time_of_day_from_a_column(self) -> None:
        clock = {"column": "what", "values": {"pre": "09:30", "post": "12:30"}}

        pre, post = (
            rules.place_of(invented(clock=clock), {"when": "0", "first": "", "what": what}).at
            for what in ("pre", "post")
        )

        assert (pre.hour, pre.minute, post.hour, post.minute) == (14, 30, 17, 30)
        for what in ("during", ""):
            with pytest.raises(Fault, match="unknown_value"):
                rules.place_of(invented(clock=clock), {"when": "0", "first": "", "what": what})

    @pytest.mark.parametrize(
        ("row", "reason", "column", "skips"),
        [
            ({"when": "", "first": ""}, "no_day", "when", True),
            ({"when": "soon", "first": ""}, "not_a_whole_number", "when", False),
            ({"when": "1.5", "first": ""}, "not_a_whole_number", "when", False),
            ({"when": "999999999", "first": ""}, "time_range", "when", False),
            ({"when": "40000", "first": ""}, "time_range", "when", False),
        ],
    )
    def test_need_a_day(self, row: dict[str, str], reason: str, column: str, *, skips: bool) -> None:
        with pytest.raises(Fault) as fault:
            rules.place_of(invented(), row)

        assert (fault.value.reason, fault.value.column, fault.value.skips) == (reason, column, skips)


class TestPlannedDays:
    PLANNED: ClassVar = {"column": "visit", "pattern": r"WK(\d+)", "days": 7, "starts": "arm_day"}

    def test_stand_in_where_there_is_none(self) -> None:
        row = {"when": "", "first": "", "visit": "WK3", "arm_day": "5"}

        place = rules.place_of(invented(planned=self.PLANNED), row)

        assert place.at == datetime(2019, 2, 2, 15, tzinfo=UTC)
        assert place.remarks == ("time_invented", "day_planned")
        assert place.note is not None
        assert place.note.endswith("it is the planned one.")

    def test_do_not_replace_a_day_that_is_there(self) -> None:
        row = {"when": "40", "first": "", "visit": "WK3", "arm_day": "5"}

        assert rules.place_of(invented(planned=self.PLANNED), row).remarks == ("time_invented",)

    @pytest.mark.parametrize(("visit", "arm_day"), [("BASELINE", "5"), ("WK3", ""), ("", "")])
    def test_need_a_number_and_a_start(self, visit: str, arm_day: str) -> None:
        with pytest.raises(Fault) as fault:
            rules.place_of(
                invented(planned=self.PLANNED), {"when": "", "first": "", "visit": visit, "arm_day": arm_day}
            )

        assert (fault.value.reason, fault.value.skips) == ("no_day", True)


class TestTaken:
    ROW: ClassVar = {"what": "pre", "nothing": "", "jail": "1", "ill": "1", "forgot": "no"}

    @pytest.mark.parametrize(
        ("cell", "word"),
        [
            (None, ""),
            (Cell(constant="cbt"), "cbt"),
            (Cell(column="what"), "pre"),
            (Cell(column="nothing"), ""),
            (Cell(column="what", values={"pre": "before"}), "before"),
            (Cell(column="nothing", values={"pre": "before"}), ""),
            (Cell(column="nothing", values={"": "during"}), "during"),
            (Cell(flags={"forgot": "forgot", "ill": "illness", "jail": "jail"}), "illness"),
            (Cell(flags={"forgot": "forgot"}), ""),
            (Cell(flags={"forgot": "forgot"}, yes=("no",)), "forgot"),
        ],
    )
    def test_comes_to_a_word(self, cell: Cell | None, word: str) -> None:
        assert rules.taken(cell, self.ROW) == word

    def test_refuses_what_the_map_does_not_translate(self) -> None:
        with pytest.raises(Fault) as fault:
            rules.taken(Cell(column="what", values={"post": "after"}), self.ROW)

        assert (fault.value.reason, fault.value.column) == ("unknown_value", "what")


class TestNumbers:
    @pytest.mark.parametrize(("text", "number"), [("", None), ("7", 7), ("7.0", 7), ("-3", -3), ("+4.", 4), ("007", 7)])
    def test_whole_ones_are_read(self, text: str, number: int | None) -> None:
        assert rules.whole(text, "x") == number

    @pytest.mark.parametrize("text", ["7.5", "seven", "1e3", "٣", "0x1", "1,000", "nan", "12345678901"])
    def test_nothing_else_is_a_whole_number(self, text: str) -> None:
        with pytest.raises(Fault, match="not_a_whole_number"):
            rules.whole(text, "x")

    @pytest.mark.parametrize(("text", "number"), [("", None), ("0.5", 0.5), ("16", 16.0), ("-1.25", -1.25)])
    def test_decimal_ones_are_read(self, text: str, number: float | None) -> None:
        assert rules.decimal(text, "x") == number

    @pytest.mark.parametrize("text", ["1e400", "inf", "nan", "1.2.3", ".", "12 mg"])
    def test_nothing_else_is_a_number(self, text: str) -> None:
        with pytest.raises(Fault, match="not_a_number"):
            rules.decimal(text, "x")


class TestSkipping:
    @pytest.mark.parametrize(
        ("rule", "row", "applies"),
        [
            ({"equals": ["x", "y"]}, {"c": "y"}, True),
            ({"equals": ["x", "y"]}, {"c": "z"}, False),
            ({"empty": True}, {"c": ""}, True),
            ({"empty": True}, {"c": "z"}, False),
            ({"empty": False}, {"c": "z"}, True),
            ({"same_as": ["a", "b"]}, {"c": "3", "a": "", "b": "3"}, True),
            ({"same_as": ["a", "b"]}, {"c": "3", "a": "4", "b": "3"}, False),
            ({"same_as": ["a", "b"]}, {"c": "", "a": "", "b": ""}, False),
        ],
    )
    def test_follows_the_rules_of_the_map(self, rule: dict[str, Any], row: dict[str, str], *, applies: bool) -> None:
        mapping = a_map(skip=[{"column": "c", "reason": "not_wanted", **rule}])

        if not applies:
            rules.must_be_left_out(mapping.skip, row)
            return
        with pytest.raises(Fault) as fault:
            rules.must_be_left_out(mapping.skip, row)
        assert (fault.value.reason, fault.value.column, fault.value.skips) == ("not_wanted", "c", True)


class TestIds:
    def test_are_the_same_each_time(self) -> None:
        patient = rules.patient_id(CLINIC, "riverside", "7")

        assert patient == UUID("22720a82-e32e-5d01-b71a-4c38f910a1a3")
        assert rules.record_id(patient, "visits", ["WK3", ""]) == UUID("ab8614b3-5616-56bc-825a-100cfe384ca6")

    def test_differ_by_clinic_source_person_records_and_row(self) -> None:
        patient = rules.patient_id(CLINIC, "riverside", "7")
        others = {
            rules.patient_id(UUID(int=1), "riverside", "7"),
            rules.patient_id(CLINIC, "riverside2", "7"),
            rules.patient_id(CLINIC, "riverside", "8"),
        }
        ids = {
            rules.record_id(who, records, key)
            for who in others | {patient}
            for records in ("visits", "doses")
            for key in (["1"], ["2"], ["1", ""], ["", "1"])
        }

        assert len(others | {patient}) == 4
        assert len(ids) == 32

    def test_come_from_the_number_of_the_row_unless_the_map_names_columns(self) -> None:
        assert rules.key_of(a_map(), {"who": "7"}, 12) == ("12",)
        assert rules.key_of(a_map(row=["visit", "when"]), {"visit": "WK3", "when": ""}, 12) == ("WK3", "")

    def test_need_a_person(self) -> None:
        assert rules.person_of(a_map(), {"who": "7"}) == "7"
        with pytest.raises(Fault, match="no_person"):
            rules.person_of(a_map(), {"who": ""})
