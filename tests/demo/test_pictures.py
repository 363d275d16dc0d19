from pathlib import Path

from app.demo import pictures
from tests.demo.filled import NOW


class TestPictures:
    def test_are_what_the_chart_routes_answer(self, demo_file: Path, tmp_path: Path) -> None:
        drawn = pictures.draw(demo_file, NOW, tmp_path / "pictures")

        assert [path.name for path in drawn] == [*pictures.PICTURES, *pictures.SESSIONS]
        assert all(path.read_bytes().startswith(b"\x89PNG\r\n") for path in drawn)

    def test_of_the_documentation_are_all_there(self, root: Path) -> None:
        assert all((root / "docs/pictures" / name).is_file() for name in [*pictures.PICTURES, *pictures.SESSIONS])
