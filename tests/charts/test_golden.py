"""The pictures of `cases.py` and `session_cases.py`, line by line as they were when somebody last looked at them.

`UPDATE_GOLDEN=1 pytest tests/charts/test_golden.py` writes them anew: look at the pictures before you commit them.
"""

import os
from pathlib import Path

import pytest

from app.charts.adherence import adherence_chart
from app.charts.course import course_chart
from app.charts.dose_aligned import dose_aligned_chart
from app.charts.pooled import pooled_chart
from app.charts.session import session_chart
from app.charts.trend import trend_chart
from tests.charts.cases import ALIGNED, POOLED, TRENDS
from tests.charts.course_cases import CALENDARS, COURSES
from tests.charts.drawing import Drawing
from tests.charts.session_cases import SESSIONS

FOLDER = Path(__file__).parent / "golden"
DRAWN = (
    {name: trend_chart(picture) for name, picture in TRENDS.items()}
    | {name: dose_aligned_chart(picture) for name, picture in ALIGNED.items()}
    | {name: pooled_chart(picture) for name, picture in POOLED.items()}
    | {name: adherence_chart(picture) for name, picture in CALENDARS.items()}
    | {name: course_chart(picture) for name, picture in COURSES.items()}
    | {name: session_chart(picture) for name, picture in SESSIONS.items()}
)
KEPT = sorted(
    DRAWN.keys()
    - {"year_of_values", "responder_dark", "aligned_dark", "aligned_many", "session_uneventful", "course_dark"}
)


@pytest.mark.parametrize("name", KEPT)
def test_looks_as_it_did(name: str) -> None:
    lines = DRAWN[name].replace("><", ">\n<") + "\n"
    path = FOLDER / f"{name}.svg"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(lines, encoding="utf-8")

    assert lines == path.read_text(encoding="utf-8")


def test_no_picture_is_kept_that_nobody_draws() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.svg")) == KEPT


@pytest.mark.parametrize("svg", DRAWN.values(), ids=DRAWN)
class TestEveryPicture:
    def test_stays_inside_its_view(self, svg: str) -> None:
        assert Drawing(svg).outside() == []

    def test_lays_no_words_on_one_another(self, svg: str) -> None:
        assert Drawing(svg).overlapping() == []

    def test_is_legible(self, svg: str) -> None:
        assert min(words.size for words in Drawing(svg).words) >= 11

    def test_speaks_to_who_cannot_see_it(self, svg: str) -> None:
        root = Drawing(svg).root
        title, description = root[0], root[1]

        assert root.attrib["role"] == "img"
        assert title.tag.endswith("title")
        assert title.text
        assert description.tag.endswith("desc")
        assert len(description.text or "") > 40
        assert root.attrib["aria-labelledby"] == title.attrib["id"]
        assert root.attrib["aria-describedby"] == description.attrib["id"]

    def test_runs_and_fetches_nothing(self, svg: str) -> None:
        drawing = Drawing(svg)
        tags = {element.tag.rpartition("}")[2] for element in drawing.root.iter()}
        names = {name for element in drawing.root.iter() for name in element.attrib}

        assert tags <= {"svg", "title", "desc", "g", "rect", "line", "path", "circle", "text"}
        assert not [name for name in names if name.startswith("on") or "href" in name or name == "style"]
        assert "url(" not in svg
