import json
from pathlib import Path

import pytest

from app.imports.errors import FileRefused
from app.imports.reports import Outcome, Summary, Verdict, report_to

VERDICTS = [
    Verdict(1, Outcome.STORED, remarks=("time_in_gap", "clock_suspect")),
    Verdict(2, Outcome.REFUSED, "time_format", "at"),
    Verdict(3, Outcome.SKIPPED, "unanswered"),
    Verdict(4, Outcome.KNOWN),
]


def written(path: Path) -> str:
    with report_to(path) as report:
        for verdict in VERDICTS:
            report.add(verdict)
    return path.read_text(encoding="utf-8")


class TestReport:
    def test_is_csv(self, tmp_path: Path) -> None:
        assert written(tmp_path / "report.csv").splitlines() == [
            "row,outcome,reason,column,remarks",
            "1,stored,,,time_in_gap clock_suspect",
            "2,refused,time_format,at,",
            "3,skipped,unanswered,,",
            "4,known,,,",
        ]

    def test_is_json_lines_by_its_name(self, tmp_path: Path) -> None:
        lines = [json.loads(line) for line in written(tmp_path / "report.jsonl").splitlines()]

        assert lines[1] == {"row": 2, "outcome": "refused", "reason": "time_format", "column": "at", "remarks": []}
        assert [line["row"] for line in lines] == [1, 2, 3, 4]

    def test_is_nothing_unless_asked_for(self) -> None:
        with report_to(None) as report:
            report.add(VERDICTS[0])

    def test_says_that_it_cannot_be_written(self, tmp_path: Path) -> None:
        with (
            pytest.raises(FileRefused, match=r"The report report\.csv cannot be written"),
            report_to(tmp_path / "absent/report.csv"),
        ):
            pass


class TestSummary:
    def test_counts_each_row_once(self) -> None:
        summary = Summary()
        for verdict in VERDICTS:
            summary.count(verdict)

        found = summary.as_json()

        assert found["rows"] == sum(found[outcome.value] for outcome in Outcome) == 4
        assert (found["skipped_because"], found["refused_because"]) == ({"unanswered": 1}, {"time_format": 1})
        assert found["remarks"] == {"time_in_gap": 1, "clock_suspect": 1}
