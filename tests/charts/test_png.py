import struct
import subprocess
import sys

import pytest

from app.charts.pictures import DESKTOP, PHONE, Size
from app.charts.png import to_png
from app.charts.trend import trend_chart
from tests.charts.cases import TRENDS

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[16:24])
    return width, height


class TestToPng:
    @pytest.mark.parametrize(("name", "size"), [("responder", DESKTOP), ("responder_phone", PHONE)])
    @pytest.mark.parametrize("scale", [1, 2])
    def test_has_the_size_of_the_picture_times_the_scale(self, name: str, size: Size, scale: int) -> None:
        png = to_png(trend_chart(TRENDS[name]), scale)

        assert png.startswith(SIGNATURE)
        assert size_of(png) == (size.width * scale, size.height * scale)

    def test_draws_words_with_its_own_font(self) -> None:
        frame = (
            '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="40"><rect width="200" height="40"/>{}</svg>'
        )
        words = '<text x="5" y="25" font-size="20" fill="#fff" font-family="Source Sans Pro">Craving</text>'

        assert to_png(frame.format(words), 1) != to_png(frame.format(""), 1)

    def test_is_the_same_every_time(self) -> None:
        svg = trend_chart(TRENDS["one_point"])

        assert to_png(svg) == to_png(svg)

    def test_refuses_what_is_no_drawing(self) -> None:
        with pytest.raises(ValueError, match="unknown token"):
            to_png("not a drawing")

    def test_loads_the_renderer_only_when_it_draws(self) -> None:
        program = "import sys, app.charts.png, app.charts.trend; sys.exit('resvg_py' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
