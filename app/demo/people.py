"""Who works at the demo clinic, who is in treatment there, and what happened to each. Nobody of them exists."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from app.identity.permissions import Role

CLINIC: Final = "Riverside Clinic (demo)"
TIME_ZONE: Final = "Europe/Berlin"
LOCALE: Final = "en-GB"
DOMAIN: Final = "example.org"
PASSWORD: Final = "quiet-harbour-lantern-42"  # noqa: S105  of people who do not exist
WEEKS: Final = 12
FOUNDED_BEFORE: Final = timedelta(days=14)
"""How long the clinic was there before its first patient came."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works at the clinic. `looks_after` tells those who are on the patients' care teams."""

    key: str
    name: str
    role: Role
    looks_after: bool = True

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.key}@{DOMAIN}"


STAFF: Final = (
    Colleague("prescriber", "Dr Lena Vogt", Role.PRESCRIBER),
    Colleague("nurse", "Marek Nowak", Role.NURSE),
    Colleague("nurse2", "Birte Hansen", Role.NURSE),
    Colleague("therapist", "Amira Haddad", Role.THERAPIST),
    Colleague("therapist2", "Jo Lindqvist", Role.THERAPIST),
    Colleague("coordinator", "Tim Okafor", Role.COORDINATOR),
    Colleague("admin", "Greta Sommer", Role.CLINIC_ADMIN),
    Colleague("researcher", "Dr Yuki Tanaka", Role.RESEARCHER, looks_after=False),
    Colleague("privacy", "Paula Brandt", Role.PRIVACY_OFFICER, looks_after=False),
)
ON_CALL: Final = ("nurse", "nurse2")
"""Who is called first, and who when the first does not answer."""
HOURS: Final = {
    "country": "DE",
    "telephone": "+49 30 5550100",
    "address": "Uferweg 1, 10999 Berlin",
    "hours": "Every day, 7 to 21",
    "staffed_hours": [
        {"weekday": day, "begins": "07:00", "ends": "21:00"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    ],
}
"""What the clinic says of itself; doses are given at weekends too, or today would be empty on some days."""
THERAPISTS: Final = ("therapist", "therapist2")
THERAPY_HOURS: Final = [
    {"weekday": day, "begins": "08:00", "ends": "20:00"}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
]
ROOMS: Final = {"Room 2": 3, "Room 3": 3, "Group room": 12}
"""The rooms, and how many patients fit in."""
MEN: Final = frozenset(
    {"jonas", "tomasz", "pavel", "viktor", "emil", "luis", "georg", "bruno", "dario", "farid", "henri", "juri"}
)
NOT_HERS: Final = frozenset({"nurse2", "therapist2"})
"""Who is not on the care team of the patient whose story says `hidden`: for them she does not exist."""


class Phone(StrEnum):
    """How a patient's phone behaves."""

    USUAL = "usual"  # offline for a day or two now and then
    ALWAYS_ON = "always_on"
    OFTEN_OFFLINE = "often_offline"  # uploads come days later, unordered, some of them twice


class Today(StrEnum):
    """How far a patient's session of today has come when the demo is filled."""

    CLOSED = "closed"
    DISCHARGED = "discharged"
    DISCHARGE_READY = "discharge_ready"
    MONITORING = "monitoring"
    DOSING = "dosing"
    CLEARED = "cleared"
    HELD = "held"
    CHECKED_IN = "checked_in"
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Story:
    """A patient and what happened. Days count from the day of enrolment; scales run from 0 to 10.

    `craving` and `mood` are where the patient starts. A dose takes away `craving_relief` of the craving (a share) and
    adds `mood_relief` points of mood at its best, and loses two thirds of that in `lasts` days. `drift` is the share of
    the craving that each week takes away for good. `misses` is the chance to leave out a check-in, and
    `misses_when_craving` what is added to it after a report of the highest craving.
    """

    key: str
    name: str
    about: str
    substance: str = "alcohol"
    other_substance: str | None = None
    enrolled_days_ago: int = 7 * WEEKS
    first_dose_days_ago: int | None = 66
    every_days: int = 14
    induction: tuple[int, ...] = (0, 3, 7, 10, 14, 17)
    weight_kg: int = 78
    craving: float = 6.8
    mood: float = 3.8
    craving_relief: float = 0.55
    mood_relief: float = 2.5
    lasts: float = 5
    drift: float = 0.03
    dissociation: float = 8
    uses: float = 0.25
    phq9: int = 15
    gad7: int = 12
    misses: float = 0.12
    misses_when_craving: float = 0.15
    phone: Phone = Phone.USUAL
    lapses: tuple[tuple[int, int], ...] = ()
    travels: tuple[int, int, str] | None = None
    fast_clock: tuple[int, int, int] | None = None
    stays_days: int | None = None
    corrects: bool = False
    hidden: bool = False
    today: Today | None = None

    @property
    def email(self) -> str:
        """The address to sign in with."""
        return f"{self.key}@{DOMAIN}"

    @property
    def sex(self) -> str:
        """As the patient says."""
        return "male" if self.key in MEN else "female"


# The first patient and the password are those of the examples on the docs page, where "Execute" then works at once.
PATIENTS: Final = (
    Story(
        "sam.rivers", "Sam R.", "Responds: craving falls with the first doses and stays down between them.",
        craving=7.6, mood=3.2, craving_relief=0.72, mood_relief=3.2, lasts=10, drift=0.04, misses=0.06,
        misses_when_craving=0.1, every_days=21, weight_kg=64, phq9=17, phone=Phone.ALWAYS_ON, corrects=True,
    ),
    Story(
        "jonas", "Jonas W.", "Short relief: two good days after each dose, then back to where it was.",
        craving=7.4, craving_relief=0.65, mood_relief=3, lasts=1.4, drift=0, every_days=7, first_dose_days_ago=65,
    ),
    Story(
        "selin", "Selin A.", "No response: neither craving nor mood moves.",
        substance="cocaine", craving=7, mood=3.6, craving_relief=0.03, mood_relief=0.2, drift=0, weight_kg=61,
        uses=0.4, first_dose_days_ago=69,
    ),
    Story(
        "tomasz", "Tomasz B.", "Responds well, then a lapse after week 6, and a slow way back.",
        craving=7.2, craving_relief=0.65, lasts=8, drift=0.04, lapses=((45, 8), (62, 2)), weight_kg=88, uses=0.1,
        first_dose_days_ago=71,
    ),
    Story(
        "ines", "Ines F.", "Misses many check-ins, most of all after days of strong craving.",
        substance="opioid", craving=7, misses=0.2, misses_when_craving=0.55, lasts=3, drift=0.01, weight_kg=70,
        first_dose_days_ago=62,
    ),
    Story(
        "pavel", "Pavel R.", "A phone that is mostly offline: uploads come late, unordered, some of them twice.",
        phone=Phone.OFTEN_OFFLINE, craving=6.4, lasts=6, weight_kg=92, first_dose_days_ago=64, misses=0.08,
    ),
    Story(
        "hanna", "Hanna S.", "Two doses only two days apart, so that their curves overlap.",
        substance="cocaine", induction=(0, 3, 5, 10, 14, 17), craving=7.1, craving_relief=0.6, lasts=6, weight_kg=66,
        first_dose_days_ago=67,
    ),
    Story(
        "viktor", "Viktor M.", "Mood improves after each dose, craving does not.",
        craving=6.6, craving_relief=0.04, mood=2.8, mood_relief=4.6, lasts=11, drift=0, phq9=20, gad7=14, weight_kg=84,
        first_dose_days_ago=70,
    ),
    Story(
        "noor", "Noor H.", "New here: eleven days of check-ins, the first session is planned.",
        enrolled_days_ago=11, first_dose_days_ago=-2, weight_kg=58,
    ),
    Story(
        "emil", "Emil T.", "Was in New York for two weeks: the days count as they were lived there.",
        travels=(36, 50, "America/New_York"), lasts=6, weight_kg=81, first_dose_days_ago=72, every_days=28,
    ),
    Story(
        "karin", "Karin D.", "For ten days her phone's clock ran 50 minutes ahead: kept, shown, and not counted.",
        fast_clock=(40, 49, 50), weight_kg=69, first_dose_days_ago=61, misses=0.05,
    ),
    Story(
        "luis", "Luis G.", "No craving to begin with: a change in percent would mean nothing.",
        craving=0.1, mood=3.4, mood_relief=3.4, uses=0, phq9=18, weight_kg=75, first_dose_days_ago=73,
        today=Today.DISCHARGE_READY,
    ),
    Story(
        "aylin", "Aylin Y.", "Reports two substances, which are never averaged.",
        other_substance="cocaine", craving=6.9, weight_kg=63, first_dose_days_ago=60,
    ),
    Story(
        "georg", "Georg P.", "Left in week 5: the record ends, nothing is filled in.",
        craving=7.5, craving_relief=0.3, lasts=2, stays_days=33, misses=0.25, weight_kg=95, first_dose_days_ago=74,
    ),
    Story(
        "amal", "Amal N.", "Slow and steady: weeks of therapy do more than each dose.",
        craving_relief=0.25, drift=0.09, lasts=4, today=Today.CLOSED, first_dose_days_ago=73, weight_kg=72,
    ),
    Story(
        "bruno", "Bruno C.", "Relief of a week, and strong session effects that fade with each dose.",
        dissociation=12, lasts=6, today=Today.MONITORING, first_dose_days_ago=73, weight_kg=86,
    ),
    Story(
        "clara", "Clara J.", "Good days and bad days, with relief in between.",
        substance="cocaine", lasts=4, today=Today.DOSING, first_dose_days_ago=73, weight_kg=59, uses=0.3,
    ),
    Story(
        "dario", "Dario L.", "Two short lapses, each answered early.",
        lapses=((30, 2), (58, 3)), lasts=7, today=Today.CLEARED, first_dose_days_ago=73, weight_kg=79,
    ),
    Story(
        "edda", "Edda Q.", "Mood first, craving a week later.",
        craving_relief=0.35, mood_relief=3.6, drift=0.05, today=Today.CHECKED_IN, first_dose_days_ago=73, weight_kg=67,
    ),
    Story(
        "farid", "Farid Z.", "Opioids: withdrawal in the first week, calmer since.",
        substance="opioid", craving=7.8, drift=0.06, today=Today.SCHEDULED, first_dose_days_ago=73, weight_kg=74,
    ),
    Story(
        "gesa", "Gesa V.", "Hardly any session effects, lasting relief.",
        dissociation=3, lasts=10, today=Today.HELD, first_dose_days_ago=73, weight_kg=77,
    ),
    Story(
        "henri", "Henri O.", "Had to put today's session off with a fever.",
        lasts=5, today=Today.CANCELLED, first_dose_days_ago=73, weight_kg=83,
    ),
    Story(
        "ida", "Ida X.", "Came in week 5, in the middle of her first sessions now.",
        enrolled_days_ago=31, first_dose_days_ago=13, weight_kg=62, craving=7.3,
    ),
    Story(
        "juri", "Juri E.", "Came in week 8, three doses so far.",
        substance="stimulant", enrolled_days_ago=26, first_dose_days_ago=9, weight_kg=71, craving=6.2,
    ),
    Story(
        "lotte", "Lotte I.", "Answers nearly every time.",
        misses=0.02, misses_when_craving=0, lasts=5, weight_kg=65, first_dose_days_ago=73,
        phone=Phone.ALWAYS_ON, today=Today.DISCHARGED,
    ),
    Story(
        "ruth", "Ruth U.", "Not on the care teams of nurse2 and therapist2: for them she does not exist (404).",
        craving=6.5, lasts=6, hidden=True, weight_kg=68, first_dose_days_ago=59,
    ),
)  # fmt: skip
