"""What a check-in says that the safety rules look at, and which earlier numbers they need to judge it. Pure.

Most check-ins need nothing from before: craving that is low can be no spike, and nobody asks after use that was not.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from app.check_ins.rules import Answered
from app.instruments.catalogue import find_definition
from app.protocols.rules import Protocol
from app.protocols.safety_figures import Safety
from app.safety.rules import OPIOIDS, CravingInputs, TakenBack, UseInputs

ITEM_9: Final = "self_harm_thoughts"
CRAVING_TOPS: Final = {"craving_nrs": ("craving", 10), "craving_vas": ("craving_vas", 100)}
"""The measure of each craving scale, and the top of the scale."""
USED: Final = "used"
ANY_SUBSTANCE: Final = None
NOTHING: Final = float("-inf")

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Earlier numbers of one measure: from when on (None: all there are), and about which substance (None: any)."""

    measure: str
    substance: str | None = ""
    since: datetime | None = None


Known = tuple[datetime, UUID, date, float]
"""One earlier number: when and in which check-in it was told, on which local day."""
Seen = Mapping[tuple[str, str], list[Known]]
"""Earlier numbers, by measure and substance."""


def widest(wanted: Iterable[Wanted]) -> list[Wanted]:
    """The same numbers, each series once: from the earliest moment that any of them asks for."""
    series: dict[tuple[str, str | None], Wanted] = {}
    for each in wanted:
        known = series.get((each.measure, each.substance))
        if known is None or (known.since and (each.since is None or each.since < known.since)):
            series[each.measure, each.substance] = each
    return list(series.values())


def answers_of(responses: Iterable[Mapping[str, Any]], instrument: str) -> Answers:
    """The answers to an instrument that is answered once in a check-in; empty when it was not."""
    return next((each["answers"] for each in responses if each["instrument"] == instrument), {})


def wanted(responses: Sequence[Answered], at: datetime, protocol: Protocol) -> list[Wanted]:
    """Which earlier numbers the rules need for these answers. Answers that nobody has checked yet are welcome."""
    figures = protocol.safety
    found: list[Wanted] = []
    for response in responses:
        given = {key: answer for key, answer in response.answers.items() if answer is not None}
        match response.instrument:
            case "craving_nrs" | "craving_vas":
                measure, top = CRAVING_TOPS[response.instrument]
                if given.get("now", 0) * 10 >= min(figures.crv1_points, figures.crv2_from) * top:
                    days = max(figures.crv1_days, figures.crv2_days)
                    found.append(Wanted(measure, response.substance or "", at - timedelta(days=days)))
            case "use_diary" if given.get("used") or given.get("drinks"):
                everything = response.substance in OPIOIDS
                since = None if everything else at - timedelta(days=figures.use2_within_days)
                found.append(Wanted(USED, ANY_SUBSTANCE, since))
            case "urinary_check" if sum(given.values()) > 1:
                found.append(Wanted("urinary_check_total"))
            case "phq9" if sum(given.values()) >= figures.mood1_rise:
                found.append(Wanted("phq9_total"))
            case "dissociation_brief" if sum(given.values()) >= figures.dis1_rise:
                linking, hours = protocol.linking, protocol.trends.dose_baseline_hours
                found.append(Wanted("dissociation", "", at - timedelta(days=linking.after_days, hours=hours)))
    return found


def needs_earlier_item_9(answers: Answers, figures: Safety) -> bool:
    """Whether it matters what item 9 was before: it is a danger sign, and a rise could make it critical."""
    now = answers.get(ITEM_9)
    return now is not None and max(figures.sui1_from, figures.sui1_critical_rise) <= now < figures.sui1_critical_from


def needs_sex(uses: Iterable[UseInputs], figures: Safety) -> bool:
    """Whether the day was a heavy one for some and not for others."""
    low, high = sorted((figures.use2_drinks_above_men, figures.use2_drinks_above_women))
    return any(use.drinks is not None and low < use.drinks <= high for use in uses)


def uses_of(responses: Iterable[Mapping[str, Any]]) -> list[UseInputs]:
    """What the diaries say, one for each substance."""
    return [
        UseInputs(
            used=None if answers.get("used") is None else bool(answers["used"]),
            substance=each["substance"],
            drinks=answers.get("drinks"),
        )
        for each in responses
        if each["instrument"] == "use_diary"
        for answers in (each["answers"],)
    ]


def last_drink_hours(responses: Iterable[Mapping[str, Any]]) -> int | None:
    """How long ago the last drink was, by whichever diary says it; the shortest."""
    said = [each["answers"].get("last_drink_hours") for each in responses if each["instrument"] == "use_diary"]
    return min((hours for hours in said if hours is not None), default=None)


def craving(
    response: Mapping[str, Any],
    earlier: Sequence[tuple[datetime, UUID, date, float]],
    at: datetime,
    day: date,
    days: int,
) -> CravingInputs | None:
    """Craving for one substance beside what was usual; None where the present strength was left out.

    `earlier` are when, in which check-in, on which day and how strong, the oldest first.
    """
    now = response["answers"].get("now")
    if now is None:
        return None
    highest: dict[date, float] = {}
    for _, _, on, value in earlier:
        if value > highest.get(on, NOTHING):
            highest[on] = value
    since = bisect_left(earlier, at - timedelta(days=days), key=itemgetter(0))
    return CravingInputs(
        value=now,
        substance=response["substance"],
        of=CRAVING_TOPS[response["instrument"]][1],
        usual=[value for _, _, _, value in earlier[since:]],
        highest_by_day={(day - on).days: value for on, value in highest.items()},
    )


def abstinent_days(reports: Sequence[tuple[date, float]], day: date) -> int | None:
    """Whole days before this one without use, as far as was reported; None where nothing was reported.

    They count from the day after the last one with use, or from the first report where all of them say no.
    """
    if not reports:
        return None
    used = [on for on, value in reports if value]
    return (day - max(used)).days - 1 if used else (day - min(on for on, _ in reports)).days


def taken_back(before: Iterable[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[TakenBack]:
    """The answers of the earlier version that were danger signs, and that this one lowers or leaves out."""
    found: list[TakenBack] = []
    for response in before:
        instrument = find_definition(response["instrument"], response["version"])
        answers = answers_of(now, response["instrument"])
        for safety in instrument.safety_items if instrument else ():
            if safety.item is None or safety.gte is None:
                continue
            said, says = response["answers"].get(safety.item), answers.get(safety.item)
            if said is not None and said >= safety.gte and (says is None or says < said):
                found.append(TakenBack(item=f"{response['instrument']}.{safety.item}", before=said, now=says))
    return found
