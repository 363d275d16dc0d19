"""QR codes."""

import re

from app.core import qr


class TestSvg:
    def test_is_one_drawing_without_anything_to_run_or_fetch(self) -> None:
        drawn = qr.svg("https://clinic.example.org/activate#0123456789ABCDEFGHJKMNPQRS")

        assert re.fullmatch(r"<svg [^>]*viewBox=[^>]*>(<path [^>]*/>)+</svg>", drawn)
        assert "script" not in drawn
        assert "href" not in drawn
        assert "clinic.example.org" not in drawn

    def test_is_another_for_another_text(self) -> None:
        assert qr.svg("a") == qr.svg("a")
        assert qr.svg("a") != qr.svg("b")
