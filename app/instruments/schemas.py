"""Instruments and their measures as they go over the wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from app.core.fields import Day, Moment, ShortText, Whole
from app.core.schemas import Incoming, Outgoing
from app.instruments.definitions import Direction, Method, WordingKind

HigherIs = Annotated[
    Direction, Field(description="What a higher number means for the patient.", examples=["worse", "better"])
]


class AskedIf(Outgoing):
    """Ask the item only when another one was answered like this."""

    item: str = Field(description="Key of the other item.", examples=["thoughts"])
    equals: int = Field(description="Its answer.", examples=[1])


class Item(Outgoing):
    """One question of an instrument. Answers are whole numbers; a missing answer is null or left out, never 0."""

    key: str = Field(description="Key of the item in `answers`.", examples=["now"])
    label: str = Field(description="Short words of ours. The question itself where `wording` is `project`.")
    minimum: int = Field(description="Lowest permitted answer, in points.", examples=[0])
    maximum: int = Field(description="Highest permitted answer, in points.", examples=[10])
    values: list[int] | None = Field(
        description="The permitted answers, which may have holes (COWS). Null: every whole number of the range.",
        examples=[[0, 1, 3, 5]],
    )
    number: int | None = Field(description="Number of the item in the published form, where it differs or matters.")
    subscale: str | None = Field(description="Subscale that the item counts towards.", examples=["risk"])
    reverse_scored: bool = Field(description="Whether the item counts as its mirror image in a sum.")
    scored: bool = Field(description="Whether the item counts towards a total, a subscale, a level or a measure.")
    optional: bool = Field(description="Whether the item stands beside the scale and may always be left out.")
    asked_if: AskedIf | None = Field(description="Condition for asking the item; null: always.")
    loinc: str | None = Field(description="LOINC code; null where none is known.", examples=["44250-9"])
    loinc_verified: bool = Field(description="Whether the code was seen in a LOINC-derived source.")
    note: str | None = Field(description="What else to know about the item.")


class Band(Outgoing):
    """A range of totals, both ends included."""

    key: str = Field(description="Stable name, to translate by.", examples=["moderate"])
    label: str = Field(description="The name in plain English, for clinicians.", examples=["moderate"])
    minimum: int = Field(description="Lowest total of the band, in points.", examples=[10])
    maximum: int = Field(description="Highest total of the band, in points.", examples=[14])


class BandSet(Outgoing):
    """One published way to divide the total. Sources differ, so its name and version go with every score."""

    name: str = Field(description="Name of the set.", examples=["phq9.default"])
    version: str = Field(description="Version of the set.", examples=["1"])
    reference: str = Field(description="Both in one, as scores carry it.", examples=["phq9.default/1"])
    source: str | None = Field(description="Where the set is published, when not with the instrument.")
    bands: list[Band] = Field(description="The bands from low to high, without gap or overlap.")


class Subscale(Outgoing):
    """A sum over some of the items, with a direction of its own."""

    name: str = Field(description="Name of the subscale.", examples=["protective"])
    items: list[str] = Field(description="Keys of its items; all are needed.")
    minimum: int = Field(description="Lowest sum, in points.", examples=[0])
    maximum: int = Field(description="Highest sum, in points.", examples=[24])
    higher_is: HigherIs


class Level(Outgoing):
    """A triage level, reached when any of these items is answered yes (1)."""

    key: str = Field(description="Stable name, to translate by.", examples=["high"])
    any: list[str] = Field(description="Keys of the items; empty for the level that holds when none was answered yes.")


class LevelSet(Outgoing):
    """Triage levels, the most serious first. A lower one is only given when all that could raise it was answered."""

    reference: str = Field(description="Name and version, as scores carry it.", examples=["cssrs_screener.triage/1"])
    source: str | None = Field(description="Where the levels are published.")
    levels: list[Level] = Field(description="The levels.")


class Scoring(Outgoing):
    """How answers become a total."""

    method: Method = Field(description="The arithmetic: `single` takes one item, `none` has no total.")
    primary: str | None = Field(description="The item that is the total, for `single`.", examples=["now"])
    factor: int = Field(description="What a sum is multiplied by (WHO-5: 4).", examples=[1])
    min_answered: int | None = Field(description="How many answers a mean needs; null: all.")
    proration_min_answered: int | None = Field(
        description="How many answers a prorated total needs where the clinic turned that on; null: never prorated."
    )
    subscales: list[Subscale] = Field(description="Sums over some of the items.")
    levels: LevelSet | None = Field(description="Triage levels, for `levels`.")


class SafetyItem(Outgoing):
    """What a clinician should hear of. One condition is set, the others are null."""

    rule: str = Field(description="The alert rule it belongs to.", examples=["SUI-1"])
    item: str | None = Field(
        description="Key of the item; null when the total counts.", examples=["self_harm_thoughts"]
    )
    gte: int | None = Field(description="The answer reaches this, in points.", examples=[1])
    total_gte: int | None = Field(description="The total reaches this, in points.")
    total_lte: int | None = Field(description="The total is this or lower, in points.")
    total_above_baseline_gte: int | None = Field(description="The total exceeds the pre-dose total by this, in points.")
    after_minutes: int | None = Field(description="Only this many minutes after the start of a dose.")


class Change(Outgoing):
    """Published figures about change; null where none was found. Points are those of the total."""

    mcid_points: float | None = Field(description="Smallest change that matters to patients, in points.", examples=[5])
    mcid_source: str | None = Field(description="Where that is published.")
    mcid_pct: float | None = Field(description="The same in percent of the baseline.", examples=[20])
    mcid_pct_source: str | None = Field(description="Where that is published.")
    reliable_change_points_gte: float | None = Field(description="A change of this many points is more than error.")
    reliable_change_source: str | None = Field(description="Where that is published.")
    sem: float | None = Field(description="Standard error of measurement, in points.")
    mdc95: float | None = Field(description="Smallest detectable change at 95 %, in points.")
    note: str | None = Field(description="What else to know.")


class Measure(Outgoing):
    """One number that an instrument yields: what trends are asked for by."""

    key: str = Field(description="Name of the measure.", examples=["craving"])
    of: Literal["total", "item", "subscale"] = Field(description="What it is taken from.")
    name: str | None = Field(description="Which item or subscale; null for the total.", examples=["now"])
    title: str = Field(description="In plain words.", examples=["Craving right now"])
    unit: str = Field(description="`points`, `grade` (1-5) or `yes_no` (1 or 0).", examples=["points"])
    minimum: int = Field(description="Lowest value.", examples=[0])
    maximum: int = Field(description="Highest value.", examples=[10])
    higher_is: HigherIs
    per_substance: bool = Field(description="Whether values of different substances are different series.")
    change: Change | None = Field(description="Published figures about change.")
    remission_below: float | None = Field(description="A value below this is remission.", examples=[5])
    response_pct: float | None = Field(description="A fall by this share of the baseline is a response, in percent.")


class Loinc(Outgoing):
    """LOINC codes of the whole instrument. Null where none is known: a near match is worse than none."""

    panel: str | None = Field(description="Code of the panel.", examples=["44249-1"])
    total: str | None = Field(description="Code of the total.", examples=["44261-6"])
    verified: bool = Field(description="Whether they were seen in a LOINC-derived source.")
    note: str | None = Field(description="What else to know.")


def _canonical(tag: str) -> str:
    """Write a language tag the usual way (`pt-BR`, `zh-Hant`), so that one language is not kept as two."""
    first, *rest = tag.split("-")
    return "-".join(
        [first.lower(), *({2: part.upper(), 4: part.title()}.get(len(part), part.lower()) for part in rest)]
    )


Language = Annotated[
    str,
    Field(
        min_length=2,
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="Language of the wording (BCP 47), such as `en` or `pt-BR`.",
        examples=["en"],
    ),
    AfterValidator(_canonical),
]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
InstrumentKey = Annotated[str, Field(min_length=1, max_length=64, examples=["dast10"])]
InstrumentVersion = Annotated[str, Field(min_length=1, max_length=16, examples=["1"])]

LicenceBasis = Literal[
    "public_domain", "open_licence", "written_permission", "paid_licence", "registration", "own_work"
]


class AnswerWordingWrite(Incoming):
    """What one permitted answer is called."""

    value: Whole = Field(description="The answer, in points.", examples=[0])
    text: Words = Field(description="Its words.", examples=["No"])


class ItemWordingWrite(Incoming):
    """The words of one item."""

    item: InstrumentKey = Field(description="Key of the item.", examples=["nonmedical_use"])
    text: Words = Field(description="The question.", examples=["The question as the licence gives it"])
    answers: list[AnswerWordingWrite] = Field(
        default=[], max_length=101, description="Words of the answers; none for a plain number scale."
    )


class LicenceRecordWrite(Incoming):
    """Why the clinic may use this wording. Somebody answers for it by name."""

    holder: ShortText = Field(description="Who holds the rights.", examples=["Centre for Addiction and Mental Health"])
    basis: LicenceBasis = Field(description="On what ground the wording may be used.")
    reference: ShortText = Field(
        description="Contract, letter, page or registration.", examples=["Letter of 3 March 2026"]
    )
    date: Day = Field(description="Date of the licence, or of the day the ground was checked.")
    by: ShortText = Field(description="Who at the clinic answers for this.", examples=["Dr Ana Ruiz"])


EXAMPLE_WORDING: JsonDict = {
    "instrument": "phq2",
    "version": "1",
    "language": "en",
    "title": "Two questions about mood",
    "instructions": None,
    "notice": "In the public domain",
    "items": [
        {"item": "anhedonia", "text": "The first question, as published", "answers": [{"value": 0, "text": "Never"}]},
        {"item": "low_mood", "text": "The second question, as published", "answers": [{"value": 0, "text": "Never"}]},
    ],
    "licence": {
        "holder": "None: in the public domain",
        "basis": "public_domain",
        "reference": "Statement of the authors",
        "date": "2026-03-03",
        "by": "Dr Ana Ruiz",
    },
}


class InstrumentWordingWrite(Incoming):
    """A clinic's own wording of an instrument, with the record of its licence. It must name every item."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_WORDING]})

    instrument: InstrumentKey = Field(description="Key of the instrument.")
    version: InstrumentVersion = Field(description="Version of its definition.")
    language: Language
    title: ShortText | None = Field(None, description="Title to show.", examples=["DAST-10"])
    instructions: Annotated[str, Field(max_length=4000)] | None = Field(
        None, description="What stands above the questions."
    )
    notice: Annotated[str, Field(max_length=1000)] | None = Field(
        None, description="Line that the licence asks to be shown, such as the copyright."
    )
    items: list[ItemWordingWrite] = Field(min_length=1, max_length=100, description="The words of every item.")
    licence: LicenceRecordWrite = Field(description="Why the clinic may use this wording.")


class AnswerWording(Outgoing):
    """What one permitted answer is called."""

    value: int = Field(description="The answer, in points.", examples=[0])
    text: str = Field(description="Its words.", examples=["No"])


class ItemWording(Outgoing):
    """The words of one item."""

    item: str = Field(description="Key of the item.", examples=["nonmedical_use"])
    text: str = Field(description="The question.")
    answers: list[AnswerWording] = Field(description="Words of the answers; empty for a plain number scale.")


class LicenceRecord(Outgoing):
    """Why the clinic may use this wording."""

    holder: str = Field(description="Who holds the rights.")
    basis: LicenceBasis = Field(description="On what ground the wording may be used.")
    reference: str = Field(description="Contract, letter, page or registration.")
    date: Day = Field(description="Date of the licence, or of the day the ground was checked.")
    by: str = Field(description="Who at the clinic answers for this.")


class InstrumentWording(Outgoing):
    """One revision of a clinic's wording. Revisions are never changed; a correction is the next revision."""

    id: UUID = Field(description="Id of this revision.")
    instrument: str = Field(description="Key of the instrument.", examples=["dast10"])
    version: str = Field(description="Version of the instrument's definition.", examples=["1"])
    language: str = Field(description="Language of the wording (BCP 47).", examples=["en"])
    revision: int = Field(description="Counts the clinic's wordings of this version in this language.", examples=[1])
    title: str | None = Field(description="Title to show.")
    instructions: str | None = Field(description="What stands above the questions.")
    notice: str | None = Field(description="Line that the licence asks to be shown.")
    items: list[ItemWording] = Field(description="The words of every item.")
    licence: LicenceRecord = Field(description="Why the clinic may use this wording.")
    content_hash: str = Field(description="SHA-256 of the words and the licence record.")
    created_at: Moment = Field(description="When it was uploaded.")


class ClinicWording(Outgoing):
    """A wording that the clinic uploaded, by language."""

    language: str = Field(description="Language of the wording (BCP 47).", examples=["en"])
    revision: int = Field(description="Its newest revision.", examples=[1])


class InstrumentSummary(Outgoing):
    """An instrument in one version: what it is, whether it can be used, and under which licence."""

    key: str = Field(description="Name of the instrument.", examples=["craving_nrs"])
    version: str = Field(description="Version of the definition.", examples=["1"])
    title: str = Field(description="Its full name.", examples=["Craving now (0-10)"])
    domain: str = Field(description="What it is about.", examples=["craving"])
    completed_by: str = Field(description="Who answers: `patient`, `clinician` or `patient_or_interviewer`.")
    substance: str | None = Field(
        description="The substance it is about; `parameter`: name one with each answer; null: none in particular."
    )
    answerable: bool = Field(description="Whether answers can be taken: the items and their values are known.")
    import_only: bool = Field(description="Whether it exists for imported history alone.")
    validated: bool | None = Field(description="False: written by this project and not validated. Null: not stated.")
    restricted: bool = Field(description="Whether only the structure is here, and the wording needs a licence.")
    minimum: int | None = Field(description="Lowest total, in points; null when there is no total.", examples=[0])
    maximum: int | None = Field(description="Highest total, in points; null when there is no total.", examples=[10])
    higher_is: Direction | None = Field(
        description="What a higher total means for the patient; null where only subscales or items have a direction."
    )
    licence_class: str = Field(description="Kind of licence.", examples=["public_domain"])
    wording_may_ship: bool = Field(description="Whether the licence evidence allows the official wording to be shown.")
    wording: WordingKind = Field(
        description="`project`: the labels are the questions. `short_labels`: the labels only stand for the questions. "
        "`bring_your_own`: the clinic must upload the wording that it may use."
    )
    clinic_wordings: list[ClinicWording] = Field(description="Wordings that this clinic uploaded.")
    measures: list[Measure] = Field(description="The numbers it yields, by which trends are asked for.")
    content_hash: str = Field(description="SHA-256 of the definition: the same hash is the same definition.")


class InstrumentPage(Outgoing):
    """All instruments in their current versions."""

    items: list[InstrumentSummary] = Field(description="The instruments, restricted ones last.")
    next_cursor: str | None = Field(description="Always null: the list is one page.")


class Instrument(InstrumentSummary):
    """An instrument in one version, with all that is needed to ask, score and judge it."""

    items: list[Item] = Field(description="The questions in order; empty where the structure is not known.")
    scoring: Scoring = Field(description="How answers become a total.")
    missing_rule: str | None = Field(description="What happens to missing answers, in words.")
    band_sets: list[BandSet] = Field(description="Ways to divide the total; the first is the default.")
    cutoffs: dict[str, float] = Field(
        description="Published cut-offs of the total, the subscales or the raw sum, in points (`_pct_`: percent).",
        examples=[{"screen_positive_gte": 10}],
    )
    cutoffs_depend_on_sex: bool = Field(description="Whether the cut-offs differ between men and women.")
    cutoff_source: str | None = Field(description="Where the cut-offs are published.")
    change: Change | None = Field(description="Published figures about change of the total.")
    safety_items: list[SafetyItem] = Field(description="Answers and totals that a clinician should hear of.")
    recall_window_days: int | None = Field(description="Days that the questions look back; 0: now.", examples=[14])
    recall_note: str | None = Field(description="What else to know about the time asked about.")
    min_interval_days: int | None = Field(description="Fewest days between two times it is asked.", examples=[7])
    recommended_interval_days: int | None = Field(description="Days between two times it is asked.", examples=[14])
    interval_note: str | None = Field(description="What else to know about how often it is asked.")
    loinc: Loinc | None = Field(description="Its LOINC codes.")
    answer_codes: dict[str, str] = Field(description="LOINC answer codes by answer.", examples=[{"0": "LA6568-5"}])
    licence: str = Field(description="The licence, and where that was read.")
    source: list[str] = Field(description="Where the definition comes from.")
    note: str | None = Field(description="What else to know.")
    warning: str | None = Field(description="What is easily done wrong.")
    clinic_wording: InstrumentWording | None = Field(
        description="The clinic's own wording in the language asked for; null when it uploaded none."
    )
