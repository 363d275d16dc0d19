"""Colours of the light and the dark charts: the hues of Okabe and Ito, which colour-blind people tell apart.

Text and lines are shifted in lightness until they stand out from their background (contrast of 4.5 to 1 or more for
text, 3 to 1 for shapes that carry meaning; a test keeps both).
"""

from dataclasses import dataclass

from app.charts.pictures import ThemeName


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one chart.

    `curves` tell the doses of a dose-aligned chart apart, the latest first; the dose marker's hue is not among them.
    `amber` and `red` are a clinic's limits; lines of the two also differ in their dashes.
    """

    background: str
    ink: str
    muted: str
    grid: str
    axis: str
    value: str
    band: str
    dose: str
    window: str
    hatch: str
    appointment: str
    older: str
    amber: str
    red: str
    curves: tuple[str, ...]


LIGHT = Theme(
    background="#ffffff",
    ink="#1b2530",
    muted="#56616d",
    grid="#e9edf1",
    axis="#b9c2cb",
    value="#0067a5",
    band="#cfe4f3",
    dose="#c24a00",
    window="#fdf0e3",
    hatch="#dde2e7",
    appointment="#00785a",
    older="#9aa5b0",
    amber="#8f6a00",
    red="#b3202c",
    curves=("#0067a5", "#00785a", "#a8497f", "#8a6400", "#2b3947"),
)

DARK = Theme(
    background="#11171e",
    ink="#eef2f6",
    muted="#a9b4c0",
    grid="#222c36",
    axis="#4b5865",
    value="#62bdf0",
    band="#1d3d52",
    dose="#f5a04c",
    window="#2a241d",
    hatch="#2c3742",
    appointment="#35c9a0",
    older="#66727e",
    amber="#e3bd3f",
    red="#ff8077",
    curves=("#62bdf0", "#35c9a0", "#e59cc6", "#efe063", "#d5dde5"),
)

THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}
