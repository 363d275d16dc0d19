"""What a screen reader says of a chart: the same that can be seen, in a few sentences."""

from collections.abc import Sequence

from app.charts.calendar import Period
from app.charts.pictures import (
    Dose,
    DoseAlignedPicture,
    DoseCurve,
    Measure,
    Point,
    Pooled,
    PooledStretch,
    Relief,
    TrendPicture,
)
from app.charts.words import Words


def scale(measure: Measure, words: Words) -> str:
    """The ends of the scale with its unit: "0 to 10 points"."""
    return words.say.scale.format(words.number(measure.low), words.number(measure.high), measure.unit).strip()


def about(measure: Measure, words: Words) -> list[str]:
    """The scale, and which direction is better."""
    return [part for part in (scale(measure, words), words.say.directions[measure.higher_is]) if part]


def trend(picture: TrendPicture, period: Period, points: Sequence[Point], words: Words) -> str:
    """The summary of a calendar-aligned chart."""
    say = words.say
    first, last = words.day(period.first_day, year=True, long=True), words.day(period.last_day, year=True, long=True)
    sentences = [say.spoken_chart.format(picture.measure.name, first, last), _about(picture.measure, words)]
    sentences.append(values(points, period, words))
    gaps = sum(1 for gap in picture.gaps if gap.start < picture.end and gap.end > picture.start)
    if gaps:
        sentences.append(say.spoken_gaps.format(gaps))
    if picture.baseline is not None:
        sentences.append(sentence(say.baseline.format(words.number(picture.baseline))))
    doses = [dose for dose in picture.doses if period.holds(dose.at.timestamp())]
    if doses:
        days = [dose_on(dose, period, words) for dose in sorted(doses, key=lambda dose: dose.at)]
        sentences.append(f"{count(len(doses), words)}: {words.listed(days)}.")
    if picture.insufficient:
        sentences.append(sentence(say.insufficient.format(words.names(picture.insufficient))))
    sentences.append(sentence(picture.caption))
    return " ".join(sentence for sentence in sentences if sentence)


def sentence(words: str) -> str:
    """Words with a capital and a full stop; nothing where there are none."""
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".") if words else ""


def _about(measure: Measure, words: Words) -> str:
    return sentence(", ".join(about(measure, words)))


def count(doses: int, words: Words) -> str:
    """So many doses."""
    return words.say.one_dose if doses == 1 else words.say.doses.format(doses)


def dose_on(dose: Dose, period: Period, words: Words) -> str:
    """A dose with its day: "40 mg (16 November)"."""
    day = words.day(dose.at.astimezone(period.zone), long=True)
    return f"{words.amount(dose.amount, dose.unit) or words.say.unknown_dose} ({day})"


def values(points: Sequence[Point], period: Period, words: Words) -> str:
    """How many values there are, between which ends, and the first and the last of them."""
    say = words.say
    if not points:
        return sentence(say.no_values)
    ends = [
        (words.number(p.value), words.day(p.at.astimezone(period.zone), long=True)) for p in (points[0], points[-1])
    ]
    if len(points) == 1:
        return say.spoken_one.format(*ends[0])
    found = [point.value for point in points]
    extremes = words.number(min(found)), words.number(max(found))
    return say.spoken_values.format(len(points), *extremes, *ends[0], *ends[1])


def aligned(picture: DoseAlignedPicture, curves: Sequence[DoseCurve], words: Words) -> str:
    """The summary of a dose-aligned chart."""
    say = words.say
    before, after = words.duration(picture.before_minutes), words.duration(picture.after_minutes)
    sentences = [say.spoken_aligned.format(picture.measure.name, before, after), _about(picture.measure, words)]
    shown = [_curve(curve, picture, words) for curve in curves[-12:]]
    sentences += shown or [sentence(say.no_doses)]
    if len(curves) > len(shown):
        sentences.append(sentence(say.and_more.format(len(curves) - len(shown))))
    if picture.relief is not None:
        sentences.append(sentence(relief(picture.relief, words)))
    if picture.insufficient:
        sentences.append(sentence(say.insufficient.format(words.names(picture.insufficient))))
    sentences.append(sentence(picture.caption))
    return " ".join(sentence for sentence in sentences if sentence)


def _curve(curve: DoseCurve, picture: DoseAlignedPicture, words: Words) -> str:
    say = words.say
    facts = [] if curve.points else [say.no_values]
    if curve.baseline is not None:
        facts.append(say.spoken_baseline.format(words.number(curve.baseline)))
    if curve.onset_minutes is not None:
        facts.append(say.spoken_onset.format(words.duration(curve.onset_minutes)))
        if curve.return_minutes is not None:
            facts.append(say.spoken_return.format(words.duration(curve.return_minutes)))
        elif curve.censored_minutes is not None:
            facts.append(say.spoken_open.format(words.duration(curve.censored_minutes)))
    elif curve.points:
        facts.append(say.spoken_no_onset)
    facts += _beside(curve, words)
    day = words.day(curve.dose.at.astimezone(picture.zone), long=True)
    amount = words.amount(curve.dose.amount, curve.dose.unit) or say.unknown_dose
    return sentence(say.spoken_curve.format(amount, day, ", ".join(facts)))


def _beside(curve: DoseCurve, words: Words) -> list[str]:
    """What stood beside the values of a dose: readings of its session, and the therapy that followed."""
    facts: list[str] = []
    if curve.readings:
        facts.append(words.say.spoken_readings.format(words.number(max(one.value for one in curve.readings))))
    if curve.therapies:
        attended = sum(one.appointment.attended is True for one in curve.therapies)
        facts.append(words.say.spoken_therapies.format(attended, len(curve.therapies)))
    return facts


def pooled(picture: DoseAlignedPicture, found: Pooled, shown: Sequence[PooledStretch], words: Words) -> str:
    """The summary of all doses laid on one another."""
    say = words.say
    before, after = words.duration(picture.before_minutes), words.duration(picture.after_minutes)
    sentences = [
        sentence(picture.measure.name),
        say.spoken_pooled.format(count(found.n, words), before, after),
        _about(picture.measure, words),
    ]
    if found.baseline is not None:
        sentences.append(sentence(say.baseline.format(words.number(found.baseline))))
    sentences += [sentence(stretch(one, words)) for one in shown]
    if not shown:
        sentences.append(sentence(say.no_values if found.n else say.no_doses))
    if picture.relief is not None:
        sentences.append(sentence(relief(picture.relief, words)))
    sentences.append(sentence(picture.caption))
    return " ".join(part for part in sentences if part)


def stretch(one: PooledStretch, words: Words) -> str:
    """One span of time: "4 h to 6 h: 3.5 (4 doses, middle half 3 to 4)"."""
    rests_on = count(one.n, words)
    if one.lower is not None and one.upper is not None:
        rests_on = words.say.spoken_quartiles.format(rests_on, words.number(one.lower), words.number(one.upper))
    ends = words.since(one.start_minutes), words.since(one.end_minutes)
    return words.say.spoken_stretch.format(*ends, words.number(one.median or 0), rests_on)


def relief(found: Relief, words: Words) -> str:
    """The median relief and what it rests on.

    "Median relief 6.8 days by Kaplan–Meier (4 doses with relief, 1 still open)".
    """
    say = words.say
    if found.n == 0:
        head = say.median_unknown
    elif found.median_minutes is None:
        head = say.median_not_reached
    else:
        head = say.median.format(words.duration(found.median_minutes))
    parts = [say.of_doses.format(count(found.n, words))] if found.n else []
    parts += [say.still_open.format(found.n_censored)] if found.n_censored else []
    parts += [say.without_onset.format(found.n_without_onset)] if found.n_without_onset else []
    return f"{head} ({', '.join(parts)})" if parts else head
