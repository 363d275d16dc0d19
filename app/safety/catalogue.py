"""What every rule says to people: clinicians read `text`, patients `patient_text`, and nobody a diagnosis or a dose.

Figures in the texts are the proposed ones; each alert carries those that its clinic signed off. `source` says what a
rule rests on: published work by its name, `ours` where nothing but our own proposal does. All need clinical sign-off.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.protocols.safety_figures import Within
from app.safety.findings import Notify, Rule, Severity

OPIOIDS: Final = frozenset(
    {
        "opioid", "opioids", "opiate", "opiates", "opium", "heroin", "fentanyl", "carfentanil", "nitazene", "nitazenes",
        "morphine", "codeine", "dihydrocodeine", "oxycodone", "oxymorphone", "hydrocodone", "hydromorphone",
        "methadone", "levomethadone", "buprenorphine", "tramadol", "tapentadol", "tilidine", "pethidine", "meperidine",
        "prescription_opioid", "prescription_opioids", "opioid_analgesic", "opioid_analgesics",
    }
)  # fmt: skip
"""The names of substances that USE-3 takes for opioids."""

_WELCOME = "Thank you for telling us. What you feel right now can change, and you do not have to carry it alone."
_EMERGENCY = "Call your local emergency number (911 in the United States) at once"
_COPING = (
    "Your craving is stronger than your usual. Cravings rise and fall. Your coping plan and the people you chose to "
    "contact can help you through the next while."
)


def _within(urgency: Mapping[str, Within]) -> Mapping[Severity, Within]:
    return MappingProxyType({Severity(severity): within for severity, within in urgency.items()})


def _rule(
    rule_id: str,
    title: str,
    text: str,
    *,
    source: str,
    notify: tuple[Notify, ...],
    patient_text: str | None = None,
    crisis_card: bool = False,
    bedside: bool = False,
    **within: Within,
) -> Rule:
    """One row of the table; `routine`, `urgent`, `critical` say how soon somebody has to look."""
    return Rule(rule_id, 1, title, text, patient_text, source, notify, _within(within), crisis_card, bedside)


_ALL = (
    _rule(
        "SUI-1",
        "Thoughts of death or self-harm (PHQ-9, item 9)",
        "Item 9 was answered with 1 or more of 3: such thoughts on several days or more often in the last two weeks. "
        "Critical at 3, or when it rose by 2 since the answer before. Talk with the patient; the item does not say "
        "how they are now.",
        patient_text=_WELCOME,
        source="Item 9 is the PHQ-9's item about suicidality; a PHQ-8 exists for settings that cannot respond to it.",
        notify=(Notify.ON_DUTY, Notify.PLAN_OWNER),
        urgent="60_minutes",
        critical="15_minutes",
        crisis_card=True,
    ),
    _rule(
        "SUI-2",
        "Suicidal intent, a plan, or recent behaviour (C-SSRS screener)",
        "The screener has a yes for intent or for a plan with intent in the past month, or for suicidal behaviour in "
        "the past 3 months. The triage guides of the screener call these the answers of highest risk.",
        patient_text=_WELCOME,
        source="Triage guides of the C-SSRS screener (Columbia Lighthouse Project).",
        notify=(Notify.ON_DUTY, Notify.PRESCRIBER),
        critical="15_minutes",
        crisis_card=True,
    ),
    _rule(
        "SUI-3",
        "Suicidal thoughts with a method, or behaviour at some time in life (C-SSRS screener)",
        "The screener has a yes for item 3, or for behaviour at some time in life but not in the past 3 months, and "
        "none for intent or a plan.",
        patient_text=_WELCOME,
        source="Triage guides of the C-SSRS screener (Columbia Lighthouse Project); the time limit is ours.",
        notify=(Notify.PLAN_OWNER,),
        urgent="same_day",
        crisis_card=True,
    ),
    _rule(
        "SUI-4",
        "Asked for help now",
        "The patient pressed the button that says that they need help now. No answer was judged. Reach them.",
        patient_text="You asked for help, and that is a strong step. You can reach people right now.",
        source="Ours.",
        notify=(Notify.ON_DUTY,),
        critical="15_minutes",
        crisis_card=True,
    ),
    _rule(
        "DIS-1",
        "Effects of the session last longer than expected",
        "The brief dissociation total is 4 or more of 16 above the one before the dose 120 minutes or more after its "
        "begin, or 4 or more from about a day after it. Discharge is held back. Where no total was taken before the "
        "dose, zero stands in for it.",
        patient_text="You may still feel effects of your session. Please tell the staff who are with you, or call "
        "your clinic; do not drive.",
        source="Observation for at least 2 hours (US label of esketamine). The figures are ours: no cut-off of the "
        "CADSS separates presence from absence (IJNP 2023;26:198), so it is persistence that counts.",
        notify=(Notify.SESSION_CLINICIAN,),
        urgent="15_minutes",
        bedside=True,
    ),
    _rule(
        "DIS-2",
        "The effects are distressing",
        "The patient rated how distressing the effects are with 3 or more of 4.",
        source="Ours.",
        notify=(Notify.SESSION_CLINICIAN,),
        urgent="now",
        bedside=True,
    ),
    _rule(
        "SED-1",
        "Sedated",
        "MOAA/S is 3 or less of 5: responds only after the name is called loudly or repeatedly, or less than that.",
        source="MOAA/S: 3 or less is moderate sedation.",
        notify=(Notify.SESSION_CLINICIAN,),
        urgent="now",
        bedside=True,
    ),
    _rule(
        "SED-2",
        "Deeply sedated",
        "MOAA/S is 1 or 0 of 5: responds only to a painful stimulus, or not at all.",
        source="MOAA/S: 1 or less is deep sedation.",
        notify=(Notify.SESSION_CLINICIAN,),
        critical="now",
        bedside=True,
    ),
    _rule(
        "BP-1",
        "Blood pressure is raised before the dose",
        "Before the dose the upper pressure is above 140 or the lower above 90 mm[Hg]. The session is to be reviewed "
        "by a prescriber before a dose is given.",
        source="General guide for esketamine: above 140/90 is reviewed before a dose (MIMS).",
        notify=(Notify.PRESCRIBER,),
        urgent="now",
        bedside=True,
    ),
    _rule(
        "BP-2",
        "Blood pressure is very high, or rose a lot",
        "The upper pressure is above 180 or the lower above 110 mm[Hg], or they rose by 40 or by 25 over the reading "
        "before the dose. Urgent at first: repeat within 5 minutes. Critical when a second reading within 15 minutes "
        "confirms it, or at once above 200 or 120.",
        source="Above 180/110 is treatment-emergent hypertension (Del Sant 2020); rises of 40 and 25: US label of "
        "esketamine. Repeating and the figures for at once are ours.",
        notify=(Notify.SESSION_CLINICIAN, Notify.PRESCRIBER),
        urgent="now",
        critical="now",
        bedside=True,
    ),
    _rule(
        "O2-1",
        "Oxygen saturation is low",
        "SpO2 was written down as below 94 %; critical below 90 %. Look at the patient and at the monitor first.",
        source="Modified Aldrete score: 92 and 90 %; the figures are ours.",
        notify=(Notify.SESSION_CLINICIAN,),
        urgent="now",
        critical="now",
        bedside=True,
    ),
    _rule(
        "CRV-1",
        "Craving is well above this patient's usual",
        "Craving is above the median of the patient's own last 14 days by at least 3 points of 10 and by twice their "
        "usual spread (from 5 values on). Urgent from 8 of 10 on, or when use was reported with it.",
        patient_text=_COPING,
        source="Ours; no published figure says which change of craving matters.",
        notify=(Notify.PLAN_OWNER,),
        routine="next_day",
        urgent="4_hours",
    ),
    _rule(
        "CRV-2",
        "Craving has been high for days",
        "On each of 3 days in a row the highest craving was 7 or more of 10.",
        patient_text="Your craving has been strong for some days. That is hard, and it can ease again. Your coping "
        "plan is a good place to start, and your team wants to hear how you are.",
        source="Ours.",
        notify=(Notify.PLAN_OWNER,),
        urgent="same_day",
    ),
    _rule(
        "USE-1",
        "A lapse was reported",
        "The patient reports use, and abstinence is the goal. Telling it is part of getting better: answer without "
        "blame. Nobody outside the care team is told.",
        patient_text="Thank you for being open about it. A lapse is something to learn from, and what you have built "
        "up so far stays yours. Your team is on your side.",
        source="Trials define a lapse as the first use; the rule is ours.",
        notify=(Notify.PLAN_OWNER,),
        routine="next_day",
    ),
    _rule(
        "USE-2",
        "A heavy day, or several days of use",
        "A day with more than 4 drinks (men) or more than 3 (women, and where it is not known), or 2 or more days of "
        "use within 7.",
        source="Heavy day: Dakwar 2020 (doi 10.1176/appi.ajp.2019.19070684); days of use: ours.",
        notify=(Notify.PLAN_OWNER, Notify.PRESCRIBER),
        urgent="same_day",
    ),
    _rule(
        "USE-3",
        "Opioid use after days without",
        "Opioid use is reported after 3 or more days without any, as far as was reported. Tolerance falls within "
        "days, and the same amount can then be too much.",
        patient_text="Thank you for telling us. After some days without, the body tolerates less than before, so "
        "please do not stay alone now, and keep naloxone close if you have it. "
        f"{_EMERGENCY} if somebody is hard to wake, breathes slowly or turns blue.",
        source="Loss of tolerance after abstinence is general knowledge; the figure is ours.",
        notify=(Notify.PRESCRIBER,),
        critical="60_minutes",
        crisis_card=True,
    ),
    _rule(
        "WD-1",
        "Withdrawal from alcohol",
        "CIWA-Ar is 10 or more of 67, or the patient rates their withdrawal with 7 or more of 10 and had the last "
        "drink 6 to 72 hours ago.",
        patient_text="Withdrawal is hard, and help makes it easier. "
        f"{_EMERGENCY} if there is a fit, confusion, or seeing or hearing things that others do not.",
        source="ASAM 2020: CIWA-Ar 10 to 18 is moderate. The patient's own rating and the hours are ours.",
        notify=(Notify.PRESCRIBER,),
        urgent="60_minutes",
        crisis_card=True,
    ),
    _rule(
        "WD-1b",
        "Severe withdrawal from alcohol",
        "CIWA-Ar is 19 or more of 67.",
        patient_text="Withdrawal is hard, and you need people with you now. "
        f"{_EMERGENCY} if there is a fit, confusion, or seeing or hearing things that others do not.",
        source="ASAM 2020: CIWA-Ar 19 or more is severe.",
        notify=(Notify.PRESCRIBER,),
        critical="15_minutes",
        crisis_card=True,
    ),
    _rule(
        "WD-2",
        "Withdrawal from opioids",
        "COWS is 13 or more of 48 (moderate); critical from 25 on (moderately severe).",
        source="Published bands of the COWS: 13-24 moderate, 25-36 moderately severe.",
        notify=(Notify.PRESCRIBER,),
        urgent="60_minutes",
        critical="60_minutes",
    ),
    _rule(
        "MISS-1",
        "No check-in on the day after the dose",
        "30 hours after the dose the check-in of the next day has not come. Call the patient.",
        patient_text="We have not heard from you since your session. A short check-in is enough, and it can still be "
        "sent.",
        source="Ours.",
        notify=(Notify.COORDINATOR,),
        urgent="2_hours",
    ),
    _rule(
        "MISS-2",
        "Several check-ins were missed in a row",
        "3 due check-ins in a row did not come (in induction), or 7 (later). One alone is common and tells nothing.",
        patient_text="We have not heard from you for a while. You can start again with a short check-in at any time.",
        source="About 70 % of prompts are answered in dependent samples (Jones 2019); the counts are ours.",
        notify=(Notify.COORDINATOR,),
        routine="next_day",
    ),
    _rule(
        "MISS-3",
        "A dosing session was missed",
        "The patient did not come to a planned session. Ask how they are, and offer another time.",
        patient_text="Your session did not take place. Your clinic can find another time with you.",
        source="Ours.",
        notify=(Notify.COORDINATOR,),
        routine="same_day",
    ),
    _rule(
        "INT-1",
        "No therapy followed a dose",
        "72 hours after the dose no therapy is recorded as attended. Offer an appointment, or write down that one took "
        "place.",
        source="Ours; the hours are the clinic's figure.",
        notify=(Notify.COORDINATOR,),
        routine="next_day",
    ),
    _rule(
        "FREQ-1",
        "Doses are close together",
        "The last dose was less than 48 hours ago (under 24 none is given), or with the next one there are more than "
        "2 in 7 days or more than 8 in 28, or more than 8 without a documented review. A prescriber decides and gives "
        "a reason.",
        source="Schedules of two a week are published; the figures are ours.",
        notify=(Notify.PRESCRIBER,),
        urgent="now",
    ),
    _rule(
        "TOX-1",
        "Urinary symptoms",
        "Blood was seen in the urine, or the urinary check is 4 or more of 15, or it rose twice in a row.",
        source="FDA: warning about the bladder; the figures are ours.",
        notify=(Notify.PRESCRIBER,),
        urgent="2_days",
    ),
    _rule(
        "TOX-2",
        "Ketamine outside the plan, or repeated wishes for extra doses",
        "A urine screen shows ketamine that is not part of the plan, or an extra dose was asked for 2 or more times "
        "in 14 days.",
        source="FDA: warning about abuse and misuse; the figures are ours.",
        notify=(Notify.PRESCRIBER,),
        urgent="next_day",
    ),
    _rule(
        "MOOD-1",
        "Depression symptoms are higher",
        "PHQ-9 is 5 or more points above the patient's first, or 20 or more of 27.",
        source="5 points: Loewe 2004 (PMID 15550799); 20: the PHQ-9's highest band.",
        notify=(Notify.PLAN_OWNER,),
        urgent="next_day",
    ),
    _rule(
        "AE-1",
        "Severe or serious adverse event",
        "An adverse event of CTCAE grade 3 or more was recorded, or one that is serious.",
        source="CTCAE v5.0: grade 3 is severe; serious is a term of regulation and kept apart.",
        notify=(Notify.PRESCRIBER, Notify.CLINIC_LEAD),
        critical="now",
    ),
    _rule(
        "PREG-1",
        "Pregnancy test is positive",
        "A pregnancy test is positive after treatment began. A prescriber decides before any further dose.",
        source="Warning about pregnancy in the US label of esketamine.",
        notify=(Notify.PRESCRIBER,),
        urgent="now",
    ),
    _rule(
        "PROM-1",
        "An answer about safety was taken back",
        "Within 5 minutes a correction lowered an answer that was a danger sign. The first answer is kept as an "
        "earlier version.",
        source="Ours.",
        notify=(Notify.PLAN_OWNER,),
        routine="next_day",
    ),
    _rule(
        "REMS-1",
        "A REMS report is overdue",
        "The monitoring report of an esketamine session is due 7 days after it and is not marked as submitted.",
        source="Spravato REMS: the form is to be submitted within 7 days of every outpatient session.",
        notify=(Notify.PRESCRIBER, Notify.CLINIC_LEAD),
        routine="next_day",
    ),
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType({rule.id: rule for rule in _ALL})
"""All rules by their id."""
