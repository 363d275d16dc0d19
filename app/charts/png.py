"""SVG to PNG, always with the same font, so that a chart looks the same on every machine."""

from functools import lru_cache
from importlib.resources import files

_FONT_PACKAGE = "font_source_sans_pro"  # Source Sans Pro, SIL Open Font License 1.1
_FAMILY = "Source Sans Pro"
_WEIGHTS = ("Regular", "Semibold")


@lru_cache(maxsize=1)
def _fonts() -> list[str]:
    return [str(files(_FONT_PACKAGE) / "files" / f"SourceSansPro-{weight}.ttf") for weight in _WEIGHTS]


def to_png(svg: str, scale: float = 2) -> bytes:
    """Render an SVG document as a PNG, `scale` pixels for each CSS pixel.

    Takes 40 ms (phone) to 120 ms (desktop) of one processor, and the renderer holds the interpreter's lock all that
    time, so a thread does not help: a server draws in a worker process, or accepts the pause.
    """
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - a process that draws no PNG does not load the renderer

    return bytes(
        svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            skip_system_fonts=True,
            font_files=_fonts(),
            font_family=_FAMILY,
            sans_serif_family=_FAMILY,
        )
    )
