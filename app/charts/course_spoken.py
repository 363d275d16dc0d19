"""What a screen reader says of the overview of a course."""

from collections.abc import Sequence

from app.charts import spoken
from app.charts.calendar import Period
from app.charts.course_pictures import CoursePicture
from app.charts.course_words import CourseLanguage, tally
from app.charts.pictures import Point
from app.charts.words import Words


def course(
    picture: CoursePicture, period: Period, shown: Sequence[Sequence[Point]], say: CourseLanguage, words: Words
) -> str:
    """The summary: each measure in turn, then doses, check-ins and therapy."""
    ends = (words.day(day, year=True, long=True) for day in (period.first_day, period.last_day))
    sentences = [say.spoken_course.format(*ends)]
    for panel, points in zip(picture.panels, shown, strict=True):
        if panel.yes_no and points:
            sentences.append(spoken.sentence(panel.measure.name))
            sentences.append(say.spoken_yes_no.format(sum(is_yes(point) for point in points), len(points)))
            continue
        about = ", ".join(spoken.about(panel.measure, words))
        sentences.append(spoken.sentence(f"{panel.measure.name}, {about}"))
        sentences.append(spoken.values(points, period, words))
        if panel.baseline is not None:
            sentences.append(spoken.sentence(words.say.baseline.format(words.number(panel.baseline))))
    if not picture.panels:
        sentences.append(spoken.sentence(words.say.no_values))
    doses = sorted((one for one in picture.doses if period.holds(one.at.timestamp())), key=lambda dose: dose.at)
    if doses:
        days = words.listed([spoken.dose_on(dose, period, words) for dose in doses])
        sentences.append(f"{spoken.count(len(doses), words)}: {days}.")
    held = [day for day in picture.kept if period.first_day <= day.day <= period.last_day]
    counts = tally(held, say, words)
    if counts:
        sentences.append(spoken.sentence(f"{say.check_ins}: {', '.join(counts)}"))
    known = [one for one in picture.appointments if one.attended is not None and period.holds(one.at.timestamp())]
    if known:
        attended = say.attended.format(sum(one.attended is True for one in known), len(known))
        sentences.append(spoken.sentence(f"{say.appointments}: {attended}"))
    if picture.left_out:
        sentences.append(spoken.sentence(say.left_out.format(words.listed(picture.left_out))))
    return " ".join(part for part in sentences if part)


def is_yes(point: Point) -> bool:
    """Whether a bucket of a measure that is asked as yes or no has a yes."""
    return max(point.value, point.high or 0) > 0
