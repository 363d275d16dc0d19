from pathlib import Path
from typing import Any

import pytest

from app.imports.cells import Cell
from app.imports.errors import MapRefused
from app.imports.maps import CheckInsMap, Kind, make_map, read_map
from tests.imports.conftest import DATA, SHIPPED

TIME = {"column": "at", "format": "%Y-%m-%dT%H:%M:%SZ", "reads": "wall_clock", "zone": "America/Los_Angeles"}
INVENTED = {"day": ["when"], "anchor": "2019-01-07", "clock": {"is": "10:00"}, "zone": "America/New_York"}
CHECK_INS: dict[str, Any] = {
    "source": "riverside",
    "person": {"column": "who", "name": "R {person}"},
    "time": TIME,
    "instruments": [{"instrument": "craving_vas", "answers": {"now": "craving"}}],
}
SESSIONS: dict[str, Any] = {
    **{key: CHECK_INS[key] for key in ("source", "person", "time")},
    "substance": {"is": "ketamine"},
}
VISITS: dict[str, Any] = {**{key: CHECK_INS[key] for key in ("source", "person", "time")}, "kind": {"is": "cbt"}}
RAW = {Kind.CHECK_INS: CHECK_INS, Kind.DOSING_SESSIONS: SESSIONS, Kind.APPOINTMENTS: VISITS}


class TestShippedMaps:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("soyster2022", Kind.CHECK_INS),
            ("ctn_induction", Kind.CHECK_INS),
            ("ctn_withdrawal", Kind.CHECK_INS),
            ("ctn_doses", Kind.DOSING_SESSIONS),
            ("ctn_visits", Kind.APPOINTMENTS),
        ],
    )
    def test_can_be_used(self, name: str, kind: Kind) -> None:
        assert read_map(SHIPPED / f"maps/{name}.toml", kind).columns

    def test_are_all_named_here(self) -> None:
        assert {path.stem for path in (SHIPPED / "maps").glob("*.toml")} == {
            "soyster2022",
            "ctn_induction",
            "ctn_withdrawal",
            "ctn_doses",
            "ctn_visits",
        }


class TestReadMap:
    def test_knows_the_columns_that_it_needs(self) -> None:
        mapping = read_map(SHIPPED / "maps/ctn_visits.toml", Kind.APPOINTMENTS)

        assert {"who", "visit", "what", "when", "is_in_jail"} < mapping.columns
        assert "randomised_day" not in mapping.columns

    def test_names_the_set_of_records_after_their_kind(self) -> None:
        assert make_map(CHECK_INS, Kind.CHECK_INS).records == "check-ins"
        assert make_map(CHECK_INS | {"records": "prompts"}, Kind.CHECK_INS).records == "prompts"

    def test_takes_cells_in_four_shapes(self) -> None:
        answers = {
            "now": "craving",
            "peak": {"is": 3},
            "resist": {"column": "will", "values": {"strong": 10}},
        }
        instruments = [
            {"instrument": "craving_nrs", "substance": {"first_of": {"drinks": "alcohol"}}, "answers": answers}
        ]

        mapping = make_map(CHECK_INS | {"instruments": instruments}, Kind.CHECK_INS)

        assert isinstance(mapping, CheckInsMap)
        assert mapping.instruments[0].answers == {
            "now": Cell(column="craving"),
            "peak": Cell(constant="3"),
            "resist": Cell(column="will", values={"strong": "10"}),
        }
        assert mapping.instruments[0].substance == Cell(flags={"drinks": "alcohol"})

    @pytest.mark.parametrize(
        ("kind", "but", "says"),
        [
            (Kind.CHECK_INS, {"sauce": "x"}, "sauce: there is no such key"),
            (Kind.CHECK_INS, {"source": None}, "source: is missing"),
            (Kind.CHECK_INS, {"source": "Not Allowed"}, "source: "),
            (Kind.CHECK_INS, {"person": {"column": "who", "name": "R"}}, "person: must contain {person}"),
            (Kind.CHECK_INS, {"person": {"column": "who", "name": "{name}"}}, "person: must contain {person}"),
            (Kind.CHECK_INS, {"person": {"column": "", "name": "{person}"}}, "person.column: "),
            (Kind.CHECK_INS, {"time": None}, "the map: needs exactly one of [time] and [invented_time]"),
            (Kind.CHECK_INS, {"invented_time": INVENTED}, "the map: needs exactly one of [time] and [invented_time]"),
            (Kind.CHECK_INS, {"time": TIME | {"zone": "PST8"}}, "time.zone: Must be an IANA time zone"),
            (Kind.CHECK_INS, {"time": TIME | {"reads": "z"}}, "time.reads: "),
            (Kind.CHECK_INS, {"time": {k: v for k, v in TIME.items() if k != "zone"}}, "time.zone: is missing"),
            (Kind.CHECK_INS, {"time": TIME | {"format": "%Y%z"}}, 'time: %z belongs to reads = "offset"'),
            (Kind.CHECK_INS, {"time": TIME | {"reads": "offset"}}, 'time: %z belongs to reads = "offset"'),
            (Kind.CHECK_INS, {"instruments": []}, "instruments: "),
            (Kind.CHECK_INS, {"instruments": [{"instrument": "vas", "answers": {"now": "x"}}]}, "vas is no instrument"),
            (
                Kind.CHECK_INS,
                {"instruments": [{"instrument": "craving_vas", "version": "9", "answers": {"now": "x"}}]},
                "craving_vas is no instrument in this version",
            ),
            (
                Kind.CHECK_INS,
                {"instruments": [{"instrument": "craving_vas", "answers": {"later": "x"}}]},
                "instruments.0: later is no item of craving_vas",
            ),
            (
                Kind.CHECK_INS,
                {"instruments": [{"instrument": "craving_vas", "answers": {"now": {"colum": "x"}}}]},
                "instruments.0.answers.now: must be the name of a column",
            ),
            (Kind.CHECK_INS, {"skip": [{"column": "x", "reason": "r"}]}, "skip.0: needs exactly one of"),
            (Kind.CHECK_INS, {"skip": [{"column": "x", "reason": "Not ok", "empty": True}]}, "skip.0.reason: "),
            (Kind.CHECK_INS, {"delimiter": ";;"}, "delimiter: "),
            (
                Kind.CHECK_INS,
                {"time": None, "invented_time": INVENTED | {"clock": "at"}},
                "invented_time.clock: must come to times of the day",
            ),
            (
                Kind.CHECK_INS,
                {"time": None, "invented_time": INVENTED | {"clock": {"is": "25:00"}}},
                "invented_time.clock: must come to times of the day",
            ),
            (
                Kind.CHECK_INS,
                {
                    "time": None,
                    "invented_time": INVENTED
                    | {"planned": {"column": "visit", "pattern": "(WK)(", "days": 7, "starts": "x"}},
                },
                "invented_time.planned: pattern must be a regular expression with one group",
            ),
            (Kind.DOSING_SESSIONS, {"substance": {"is": "ketamin"}}, "substance: ketamin is none of buprenorphine, "),
            (Kind.DOSING_SESSIONS, {"route": {"column": "r", "values": {"im": "im"}}}, "route: im is none of "),
            (Kind.APPOINTMENTS, {"attendance": {"first_of": {"x": "came"}}}, "attendance: came is none of "),
            (Kind.APPOINTMENTS, {"instruments": CHECK_INS["instruments"]}, "instruments: there is no such key"),
        ],
    )
    def test_says_what_is_wrong_and_where(self, kind: Kind, but: dict[str, Any], says: str) -> None:
        raw = {key: value for key, value in (RAW[kind] | but).items() if value is not None}

        with pytest.raises(MapRefused) as refused:
            make_map(raw, kind)

        assert f"no map of {kind.value}:\n  {says}" in str(refused.value) or says in str(refused.value)

    def test_says_what_is_wrong_with_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "broken.toml").write_text("source = ", encoding="utf-8")

        for name in ("broken.toml", "absent.toml"):
            with pytest.raises(MapRefused, match=rf"{name} cannot be read as TOML"):
                read_map(tmp_path / name, Kind.CHECK_INS)

    def test_reads_the_map_of_these_tests(self) -> None:
        assert read_map(DATA / "prompts.toml", Kind.CHECK_INS).source == "prompts"
