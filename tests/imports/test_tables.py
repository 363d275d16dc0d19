import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.imports import tables
from app.imports.errors import FileRefused
from app.imports.maps import Kind, make_map
from app.imports.tables import Table

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return made


def a_map(**but: Any) -> Any:
    raw = {
        "source": "riverside",
        "person": {"column": "who", "name": "R {person}"},
        "time": {"column": "at", "format": "%H:%M", "reads": "utc", "zone": "Europe/Berlin"},
        "kind": {"is": "cbt"},
    }
    return make_map(raw | but, Kind.APPOINTMENTS)


class TestTable:
    def test_gives_each_row_its_number_and_its_cells(self, write: Write) -> None:
        table = Table(write("a.csv", '\ufeffwho, at \r\n1, 10:00\r\n\r\n2,"11:00\nor so"\r\n'))

        assert table.header == ["who", "at"]
        assert [(line.number, line.row) for line in table] == [
            (1, {"who": "1", "at": "10:00"}),
            (2, {"who": "2", "at": "11:00\nor so"}),
        ]

    def test_reads_other_delimiters_and_other_words_for_missing(self, write: Write) -> None:
        table = Table(write("a.csv", "who;at\n1;NA\n-9;x\n"), delimiter=";", missing=("", "NA", "-9"))

        assert [line.row for line in table] == [{"who": "1", "at": ""}, {"who": "", "at": "x"}]

    def test_faults_a_row_with_too_few_or_too_many_cells(self, write: Write) -> None:
        lines = list(Table(write("a.csv", "who,at\n1\n1,2,3\n1,2\n")))

        assert [line.fault.reason if line.fault else None for line in lines] == [
            "wrong_number_of_cells",
            "wrong_number_of_cells",
            None,
        ]

    @pytest.mark.parametrize("content", ["", "\n1,2\n", "who,who\n1,2\n", ",\n1,2\n"])
    def test_needs_a_header_of_different_names(self, write: Write, content: str) -> None:
        with pytest.raises(FileRefused, match=r"a\.csv needs a header"):
            Table(write("a.csv", content))

    def test_says_where_text_is_not_utf_8_and_where_quotes_are_open(self, write: Write) -> None:
        with pytest.raises(FileRefused, match=r"a\.csv is not UTF-8 text near line"):
            list(Table(write("a.csv", b"who,at\n1,caf\xe9\n")))
        with pytest.raises(FileRefused, match=r"b\.csv, line 2"):
            list(Table(write("b.csv", 'who,at\n1,"10:00')))

    def test_says_that_a_file_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileRefused, match=r"absent\.csv cannot be read: No such file"):
            Table(tmp_path / "absent.csv")

    def test_reads_a_large_file_in_little_memory(self, write: Write) -> None:
        path = write("large.csv", "who,at\n" + "1234567,10:00\n" * 50_000)
        table = Table(path)
        tracemalloc.start()
        read = sum(line.row is not None for line in table)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert read == 50_000
        assert peak < 200_000 < table.size

    def test_tells_how_far_it_has_come(self, write: Write) -> None:
        table = Table(write("large.csv", "who,at\n" + "1234567,10:00\n" * 20_000))
        lines = iter(table)
        next(lines)
        early = table.position
        for _ in lines:
            pass

        assert 0 < early < table.size == table.position


class TestTableOf:
    def test_needs_every_column_that_the_map_names(self, write: Write) -> None:
        with pytest.raises(FileRefused, match=r"a\.csv has no column at, state\."):
            tables.table_of(write("a.csv", "who\n1\n"), a_map(attendance="state"))

    def test_refuses_a_lookup_with_the_name_of_a_column(self, write: Write) -> None:
        lookup = {"at": {"file": "b.csv", "person": "who", "column": "day"}}

        with pytest.raises(FileRefused, match=r"a\.csv has a column at already"):
            tables.table_of(write("a.csv", "who,at\n1,2\n"), a_map(lookup=lookup))


class TestLookUp:
    ROWS = "who,day,which\n1,9,b\n1,10,a\n1,2,a\n2,,a\n3,5,b\n"

    @pytest.mark.parametrize(
        ("rule", "found"),
        [
            ({}, {"1": "9", "3": "5"}),
            ({"take": "smallest"}, {"1": "2", "3": "5"}),
            ({"take": "largest"}, {"1": "10", "3": "5"}),
            ({"where": {"which": "a"}}, {"1": "10"}),
        ],
    )
    def test_finds_one_value_for_each_person(self, write: Write, rule: dict[str, Any], found: dict[str, str]) -> None:
        path = write("b.csv", self.ROWS)
        lookup = {"first": {"file": "b.csv", "person": "who", "column": "day", **rule}}

        assert tables.look_up(path.parent, a_map(lookup=lookup)) == {"first": found}

    def test_compares_numbers_only(self, write: Write) -> None:
        path = write("b.csv", "who,day\n1,soon\n1,later\n")
        lookup = {"first": {"file": "b.csv", "person": "who", "column": "day", "take": "smallest"}}

        with pytest.raises(FileRefused, match=r"b\.csv: day must hold numbers"):
            tables.look_up(path.parent, a_map(lookup=lookup))

    def test_needs_its_columns(self, write: Write) -> None:
        path = write("b.csv", self.ROWS)
        lookup = {"first": {"file": "b.csv", "person": "who", "column": "dose", "where": {"arm": "1"}}}

        with pytest.raises(FileRefused, match=r"b\.csv has no column arm, dose\."):
            tables.look_up(path.parent, a_map(lookup=lookup))
