"""The words, numbers and dates of a chart in the reader's language and in the order of the reader's place.

A further language is one more `Language` below; a place whose dates differ from its language's is one more line in
`_ORDERS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 1440
_LISTED = 8


@dataclass(frozen=True, slots=True)
class Language:
    """The phrases of one language; `{}` is filled in."""

    tag: str
    decimal_comma: bool
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    weekdays: tuple[str, ...]
    kinds: dict[str, str]
    buckets: dict[str, str]
    directions: dict[str, str]
    scale: str
    better: str
    baseline: str
    dose: str
    doses: str
    one_dose: str
    dose_in: str
    shaded: str
    gap: str
    missed: str
    appointments: str
    after_dose: str
    shaded_time: str
    spread: str
    no_values: str
    no_doses: str
    insufficient: str
    statistics: dict[str, str]
    since_dose: str
    stretched: str
    relief_begins: str
    relief_ends: str
    relief_open: str
    relief_below: str
    relief_above: str
    older: str
    median: str
    median_not_reached: str
    median_unknown: str
    of_doses: str
    still_open: str
    without_onset: str
    minutes: str
    hours: str
    days: str
    spoken_chart: str
    spoken_aligned: str
    spoken_values: str
    spoken_one: str
    spoken_gaps: str
    spoken_curve: str
    spoken_baseline: str
    spoken_onset: str
    spoken_return: str
    spoken_open: str
    spoken_no_onset: str
    and_more: str
    unknown_dose: str
    readings: str
    therapy: str
    pooled: str
    pooled_few: str
    quartiles: str
    each_value: str
    doses_each: str
    fewer_later: str
    spoken_pooled: str
    spoken_stretch: str
    spoken_quartiles: str
    spoken_readings: str
    spoken_therapies: str


ENGLISH = Language(
    tag="en",
    decimal_comma=False,
    months=(
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    short_months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    kinds={
        "cbt": "CBT", "mindfulness": "mindfulness", "mbrp": "MBRP", "met": "MET", "integration": "integration",
        "relapse_prevention": "relapse prevention", "preparation": "preparation", "family": "family",
        "support_group": "support group", "twelve_step": "12-step", "contingency_management": "contingency management",
        "medication_for_sud": "medication", "peer_support": "peer support", "medical_review": "medical review",
        "ketamine_session": "ketamine session",
    },
    buckets={"raw": "each check-in", "hour": "hourly mean", "day": "daily mean", "week": "weekly mean"},
    directions={"better": "higher is better", "worse": "lower is better", "neutral": ""},
    scale="{} to {} {}",
    better="better",
    baseline="baseline {}",
    dose="dose",
    doses="{} doses",
    one_dose="1 dose",
    dose_in="dose in {}",
    shaded="{} (shaded: {} after)",
    gap="no values",
    missed="not attended",
    appointments="appointments",
    after_dose="time after a dose",
    shaded_time="the time",
    spread="lowest to highest",
    no_values="No values yet",
    no_doses="No dose yet",
    insufficient="Insufficient data for: {}",
    statistics={
        "baseline": "baseline", "change": "change", "slope": "trend", "adherence": "adherence",
        "onset": "onset", "nadir": "lowest point", "return": "return", "auc": "total relief", "relief": "median relief",
    },
    since_dose="Time since the dose",
    stretched="hours drawn wider than days",
    relief_begins="relief begins",
    relief_ends="relief ends",
    relief_open="end of relief not seen",
    relief_below="relief at {} or less",
    relief_above="relief at {} or more",
    older="earlier doses",
    median="Median relief {} by Kaplan–Meier",
    median_not_reached="Median relief not reached yet",
    median_unknown="Median relief: insufficient data",
    of_doses="{} with relief",
    still_open="{} still open",
    without_onset="{} without relief",
    minutes="{} min",
    hours="{} h",
    days="{} days",
    spoken_chart="Line chart of {}, {} to {}.",
    spoken_aligned="Line chart of {}, from {} before a dose to {} after it.",
    spoken_values="{} values between {} and {}; first {} on {}, last {} on {}.",
    spoken_one="One value: {} on {}.",
    spoken_gaps="Stretches without values: {}; the line is broken there.",
    spoken_curve="{} on {}: {}.",
    spoken_baseline="baseline {}",
    spoken_onset="relief after {}",
    spoken_return="until {} after the dose",
    spoken_open="no end seen within {}",
    spoken_no_onset="no relief found",
    and_more="and {} more",
    unknown_dose="amount not recorded",
    readings="Session effects, 0 to 16",
    therapy="Therapy",
    pooled="median of {}",
    pooled_few="median of fewer than {} doses",
    quartiles="middle half of the doses",
    each_value="each value",
    doses_each="doses",
    fewer_later="Fewer doses reach the later times: some are not so long ago, or the next one was given before.",
    spoken_pooled="Median of {}, from {} before to {} after a dose.",
    spoken_stretch="{} to {}: {} ({})",
    spoken_quartiles="{}, middle half {} to {}",
    spoken_readings="session effects up to {} of 16",
    spoken_therapies="therapy attended {} of {}",
)  # fmt: skip

GERMAN = Language(
    tag="de",
    decimal_comma=True,
    months=(
        "Januar", "Februar", "März", "April", "Mai", "Juni",
        "Juli", "August", "September", "Oktober", "November", "Dezember",
    ),
    short_months=("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sep.", "Okt.", "Nov.", "Dez."),
    weekdays=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    kinds={
        "cbt": "KVT", "mindfulness": "Achtsamkeit", "mbrp": "MBRP", "met": "MET", "integration": "Integration",
        "relapse_prevention": "Rückfallprävention", "preparation": "Vorbereitung", "family": "Familie",
        "support_group": "Gruppe", "twelve_step": "12 Schritte", "contingency_management": "Kontingenzmanagement",
        "medication_for_sud": "Medikament", "peer_support": "Peer-Begleitung", "medical_review": "Arztgespräch",
        "ketamine_session": "Ketaminsitzung",
    },
    buckets={"raw": "jeder Check-in", "hour": "Stundenmittel", "day": "Tagesmittel", "week": "Wochenmittel"},
    directions={"better": "höher ist besser", "worse": "niedriger ist besser", "neutral": ""},
    scale="{} bis {} {}",
    better="besser",
    baseline="Ausgangswert {}",
    dose="Dosis",
    doses="{} Dosen",
    one_dose="1 Dosis",
    dose_in="Dosis in {}",
    shaded="{} (schattiert: {} danach)",
    gap="keine Werte",
    missed="nicht wahrgenommen",
    appointments="Termine",
    after_dose="Zeit nach einer Dosis",
    shaded_time="die Zeit",
    spread="kleinster bis größter Wert",
    no_values="Noch keine Werte",
    no_doses="Noch keine Dosis",
    insufficient="Zu wenige Daten für: {}",
    statistics={
        "baseline": "Ausgangswert", "change": "Veränderung", "slope": "Trend", "adherence": "Beteiligung",
        "onset": "Beginn", "nadir": "Tiefpunkt", "return": "Rückkehr", "auc": "Linderung insgesamt",
        "relief": "mittlere Linderung",
    },
    since_dose="Zeit seit der Dosis",
    stretched="Stunden breiter gezeichnet als Tage",
    relief_begins="Linderung beginnt",
    relief_ends="Linderung endet",
    relief_open="Ende der Linderung nicht gesehen",
    relief_below="Linderung bei {} oder weniger",
    relief_above="Linderung bei {} oder mehr",
    older="frühere Dosen",
    median="Linderung im Median {} nach Kaplan–Meier",
    median_not_reached="Median der Linderung noch nicht erreicht",
    median_unknown="Median der Linderung: zu wenige Daten",
    of_doses="{} mit Linderung",
    still_open="{} noch offen",
    without_onset="{} ohne Linderung",
    minutes="{} Min.",
    hours="{} Std.",
    days="{} Tage",
    spoken_chart="Liniendiagramm: {}, {} bis {}.",
    spoken_aligned="Liniendiagramm: {}, von {} vor einer Dosis bis {} danach.",
    spoken_values="{} Werte zwischen {} und {}; erster {} am {}, letzter {} am {}.",
    spoken_one="Ein Wert: {} am {}.",
    spoken_gaps="Zeiten ohne Werte: {}; die Linie ist dort unterbrochen.",
    spoken_curve="{} am {}: {}.",
    spoken_baseline="Ausgangswert {}",
    spoken_onset="Linderung nach {}",
    spoken_return="bis {} nach der Dosis",
    spoken_open="kein Ende gesehen innerhalb von {}",
    spoken_no_onset="keine Linderung gefunden",
    and_more="und {} weitere",
    unknown_dose="Menge nicht erfasst",
    readings="Wirkung in der Sitzung, 0 bis 16",
    therapy="Therapie",
    pooled="Median aus {}",
    pooled_few="Median aus weniger als {} Dosen",
    quartiles="mittlere Hälfte der Dosen",
    each_value="jeder Wert",
    doses_each="Dosen",
    fewer_later="Spätere Zeiten erreichen weniger Dosen: manche sind nicht lange her, oder die nächste kam vorher.",
    spoken_pooled="Median aus {}, von {} vor bis {} nach einer Dosis.",
    spoken_stretch="{} bis {}: {} ({})",
    spoken_quartiles="{}, mittlere Hälfte {} bis {}",
    spoken_readings="Wirkung in der Sitzung bis {} von 16",
    spoken_therapies="Therapie wahrgenommen {} von {}",
)  # fmt: skip

_LANGUAGES = {"en": ENGLISH, "de": GERMAN}
_PERIODS = frozenset({"de"})  # "22. November"
_MONTH_FIRST = frozenset({"en-us", "en-ph", "en-bz"})  # "November 22"


@dataclass(frozen=True, slots=True)
class Words:
    """One locale's phrases (`say`) and its way to write numbers, dates and durations."""

    say: Language
    month_first: bool
    day_period: bool

    def number(self, value: float, decimals: int = 1) -> str:
        """3.0 as "3", 3.44 as "3.4" or "3,4", with a true minus sign."""
        written = f"{value:.{decimals}f}"
        if "." in written:
            written = written.rstrip("0").rstrip(".")
        if written in {"-0", "0"}:
            return "0"
        written = written.replace("-", "−")
        return written.replace(".", ",") if self.say.decimal_comma else written

    def day(self, moment: date | datetime, *, year: bool = False, long: bool = False) -> str:
        """Day and month in the order of the place: "22 Nov", "Nov 22", "22. Nov."."""
        month = (self.say.months if long else self.say.short_months)[moment.month - 1]
        if self.month_first:
            return f"{month} {moment.day}, {moment.year}" if year else f"{month} {moment.day}"
        day = f"{moment.day}." if self.day_period else str(moment.day)
        return f"{day} {month} {moment.year}" if year else f"{day} {month}"

    def month(self, moment: date) -> str:
        """The month, with its year in January."""
        name = self.say.short_months[moment.month - 1]
        return f"{name} {moment.year}" if moment.month == 1 else name

    def clock(self, moment: datetime) -> str:
        """The time of day: "18:30", or "6:30 pm" where the month comes first."""
        if not self.month_first:
            return f"{moment.hour:02}:{moment.minute:02}"
        hour = moment.hour % 12 or 12
        minute = f":{moment.minute:02}" if moment.minute else ""
        return f"{hour}{minute} {'am' if moment.hour < 12 else 'pm'}"  # noqa: PLR2004

    def period(self, start: date, end: date) -> str:
        """From the first to the last day, the year once when it is the same."""
        if start == end:
            return self.day(end, year=True)
        return f"{self.day(start, year=start.year != end.year)} – {self.day(end, year=True)}"

    def duration(self, minutes: float) -> str:
        """40 min, 4 h, 6.8 days: minutes below an hour and a half, hours below two days."""
        if minutes < 1.5 * MINUTES_PER_HOUR:
            return self.say.minutes.format(self.number(minutes, 0))
        if minutes < 2 * MINUTES_PER_DAY:
            return self.say.hours.format(self.number(minutes / MINUTES_PER_HOUR))
        return self.say.days.format(self.number(minutes / MINUTES_PER_DAY))

    def since(self, minutes: float) -> str:
        """A time since a dose for an axis, in symbols that are the same in all languages: "−3 d", "0", "4 h"."""
        size = abs(minutes)
        if size >= MINUTES_PER_DAY:
            return f"{self.number(minutes / MINUTES_PER_DAY)} d"
        return f"{self.number(minutes / MINUTES_PER_HOUR)} h" if size >= MINUTES_PER_HOUR else self.number(minutes)

    def amount(self, amount: float | None, unit: str) -> str:
        """A dose with its unit, or nothing where it was not recorded."""
        return "" if amount is None else f"{self.number(amount, 2)} {unit}".strip()

    def names(self, keys: Sequence[str]) -> str:
        """Statistics by their names, in the order given."""
        return ", ".join(self.say.statistics.get(key, key.replace("_", " ")) for key in keys)

    def kind(self, key: str) -> str:
        """The name of a kind of appointment."""
        return self.say.kinds.get(key, key.replace("_", " "))

    def listed(self, items: Sequence[str]) -> str:
        """Items one after the other; of a long list the first few and how many more."""
        if len(items) <= _LISTED:
            return ", ".join(items)
        return ", ".join(items[:_LISTED]) + " " + self.say.and_more.format(len(items) - _LISTED)


@lru_cache(maxsize=64)
def words_for(locale: str) -> Words:
    """The words for a locale tag such as `de-DE` or `en_US`; an unknown language gets English ones."""
    tag = locale.replace("_", "-").lower()
    language = _LANGUAGES.get(tag.split("-")[0], ENGLISH)
    return Words(language, month_first=tag in _MONTH_FIRST, day_period=language.tag in _PERIODS)
