"""The figures of the safety rules, and of how long an alert may wait. Ours; sources stand in the rules' catalogue."""

from typing import Annotated, Literal

from pydantic import Field

from app.protocols.sections import Count, Days, Hours, Minutes, Points, Section


class Safety(Section):
    """The figures behind the rules that raise alerts; the rules themselves stand in the safety rules' catalogue."""

    sui1_from: Points = Field(1, description="SUI-1: PHQ-9 item 9 from this on, of 3.")
    sui1_critical_from: Points = Field(3, description="SUI-1: critical from this on,")
    sui1_critical_rise: Points = Field(2, description="or when it rose by this much since the last answer.")
    dis1_rise: Points = Field(4, description="DIS-1: brief total this much above the one before the dose, of 16,")
    dis1_after_minutes: Minutes = Field(120, description="at this long after the begin of the dose, or later;")
    dis1_next_day_total: Points = Field(4, description="or a total of this much about a day after the dose.")
    dis1_next_day_from_hours: Hours = Field(18, description="From when on that is about a day after it.")
    dis2_from: Points = Field(3, description="DIS-2: distress from this on, of 4.")
    sed1_up_to: Points = Field(3, description="SED-1: MOAA/S of this or less.")
    sed2_up_to: Points = Field(1, description="SED-2: MOAA/S of this or less.")
    bp1_systolic_above: Points = Field(140, description="BP-1: upper pressure above this before a dose, mm[Hg].")
    bp1_diastolic_above: Points = Field(90, description="BP-1: lower pressure above this before a dose, mm[Hg].")
    bp2_systolic_above: Points = Field(180, description="BP-2: upper pressure above this, mm[Hg].")
    bp2_diastolic_above: Points = Field(110, description="BP-2: lower pressure above this, mm[Hg].")
    bp2_systolic_rise: Points = Field(40, description="BP-2: upper pressure this much above the one before, mm[Hg].")
    bp2_diastolic_rise: Points = Field(25, description="BP-2: lower pressure this much above the one before, mm[Hg].")
    bp2_confirm_minutes: Minutes = Field(
        15, description="BP-2: a second one within this time of the first confirms; it should come in 5 minutes."
    )
    bp2_at_once_systolic: Points = Field(200, description="BP-2: above this nothing has to be repeated, mm[Hg].")
    bp2_at_once_diastolic: Points = Field(120, description="BP-2: above this nothing has to be repeated, mm[Hg].")
    o21_below: Points = Field(94, description="O2-1: oxygen saturation below this, %.")
    o21_critical_below: Points = Field(90, description="O2-1: critical below this, %.")
    crv1_days: Days = Field(14, description="CRV-1: days whose median is the patient's own usual.")
    crv1_points: Points = Field(3, description="CRV-1: at least this much above it, of 10,")
    crv1_spreads: Annotated[float, Field(strict=True, ge=0, le=10)] = Field(
        2.0, description="or this many times the usual spread (1.4826 x the median absolute deviation)."
    )
    crv1_least_spread: Annotated[float, Field(strict=True, ge=0, le=10)] = Field(
        0.5, description="CRV-1: the deviation counts as at least this."
    )
    crv1_min_values: Count = Field(5, description="CRV-1: fewest values for a usual.")
    crv1_urgent_from: Points = Field(8, description="CRV-1: urgent from this on, of 10, or when use followed.")
    crv2_from: Points = Field(7, description="CRV-2: craving from this on, of 10,")
    crv2_days: Days = Field(3, description="on so many days in a row.")
    abstinence_is_the_goal: bool = Field(
        default=True, strict=True, description="USE-1: whether any use is a lapse, where a plan does not say otherwise."
    )
    use2_drinks_above_men: Points = Field(4, description="USE-2: a heavy day has more drinks than this, for men;")
    use2_drinks_above_women: Points = Field(3, description="for women, and where it is not known.")
    use2_days: Count = Field(2, description="USE-2: or so many days of use")
    use2_within_days: Days = Field(7, description="within so many days.")
    use3_abstinent_days: Days = Field(3, description="USE-3: opioid use after so many days without.")
    wd1_from: Points = Field(10, description="WD-1: CIWA-Ar total from this on.")
    wd1b_from: Points = Field(19, description="WD-1b: CIWA-Ar total from this on.")
    wd1_severity_from: Points = Field(7, description="WD-1: the patient's own rating from this on, of 10,")
    wd1_drink_from_hours: Hours = Field(6, description="when the last drink was at least this long ago,")
    wd1_drink_to_hours: Hours = Field(72, description="and at most this long.")
    wd2_from: Points = Field(13, description="WD-2: COWS total from this on.")
    wd2_critical_from: Points = Field(25, description="WD-2: critical from this on.")
    miss1_after_hours: Hours = Field(30, description="MISS-1: no check-in a day after the dose by this long after it.")
    miss2_induction: Count = Field(3, description="MISS-2: so many due check-ins missed in a row, in induction;")
    miss2_maintenance: Count = Field(7, description="so many afterwards.")
    miss2_from_minutes: Minutes = Field(
        180, description="MISS-2: what was due sooner than this after a dose began is not counted: the patient is here."
    )
    tox1_total_from: Points = Field(4, description="TOX-1: urinary total from this on, of 15; any blood; two rises.")
    tox2_requests: Count = Field(2, description="TOX-2: so many requests for an extra dose")
    tox2_days: Days = Field(14, description="within so many days.")
    mood1_rise: Points = Field(5, description="MOOD-1: PHQ-9 total this much above the first.")
    mood1_from: Points = Field(20, description="MOOD-1: PHQ-9 total from this on.")
    ae1_grade_from: Annotated[int, Field(strict=True, ge=1, le=5)] = Field(3, description="AE-1: grade from this on.")
    prom1_minutes: Minutes = Field(5, description="PROM-1: a danger sign taken back within this time is noted.")
    repeat_minutes: Minutes = Field(
        240, description="The same sign within this time of an alert that is not resolved adds to it."
    )
    repeat_minutes_in_session: Minutes = Field(30, description="The same for signs at the bedside.")


Within = Literal["now", "15_minutes", "60_minutes", "2_hours", "4_hours", "same_day", "next_day", "2_days"]


class Escalation(Section):
    """How long an alert may wait for somebody, and who is asked next."""

    second_after_minutes: Minutes = Field(15, description="A critical alert goes to the second on call after this,")
    lead_after_minutes: Minutes = Field(30, description="and to the lead of the clinic after this.")
    again_after_minutes: Minutes = Field(30, description="Then everybody is asked again this often.")
    urgent_again_hours: Annotated[int, Field(strict=True, ge=1, le=240)] = Field(
        4, description="An urgent alert that is overdue goes to the lead too, and is told again this often."
    )
    late_after_minutes: Minutes = Field(
        5, description="What is due by time and is found later than this says that it came late."
    )
