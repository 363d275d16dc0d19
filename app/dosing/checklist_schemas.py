"""What is asked before a dose, field by field, and how the checks come back.

Null means that nobody looked, and is never read as "no". Vital signs are not typed here: they come from the readings.
The fields are those of a REMS form and of the clinics that published theirs; none of them proposes a dose.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from app.core.fields import Day, Moment, Note
from app.core.schemas import Incoming, Outgoing
from app.dosing.rules import Contraindication, DoseRoute, SessionStage, Substance, SubstanceTested, ToReview

Hours = Annotated[float, Field(strict=True, ge=0, le=8760, allow_inf_nan=False)]
Yes = Annotated[bool, Field(strict=True)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    Field(examples=["Repeated twice, known from earlier sessions"], description="Why, in words. Encrypted at rest."),
]


class SubstanceUse(Incoming):
    """Whether something was taken, and how long ago."""

    used: Yes = Field(description="Whether it was taken in the last 14 days.")
    hours_ago: Hours | None = Field(
        None, description="Hours since the last time, 0-8760; null when it was not taken, or nobody knows."
    )

    @model_validator(mode="after")
    def _agrees(self) -> "SubstanceUse":
        if not self.used and self.hours_ago is not None:
            raise ValueError("what was not taken was not taken some hours ago")
        return self


class ChecklistEscort(Incoming):
    """Who takes the patient home."""

    name: Name = Field(examples=["Mia Rivers"], description="Who it is. Encrypted at rest.")
    phone: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40)] = Field(
        examples=["+49 30 1234567"], description="Where they are reached. Encrypted at rest."
    )


class PregnancyTest(Incoming):
    """A pregnancy test, or why there is none."""

    result: Literal["neg", "pos", "na", "declined"] = Field(description="`na`: not relevant for this patient.")
    tested_on: Day | None = Field(None, description="When; needed with `neg` and `pos`.")

    @model_validator(mode="after")
    def _is_dated(self) -> "PregnancyTest":
        if self.result in {"neg", "pos"} and self.tested_on is None:
            raise ValueError("a test has a day")
        return self


class ScreenedSubstance(Incoming):
    """One line of a urine drug screen."""

    substance: SubstanceTested = Field(description="What was looked for.")
    result: Literal["neg", "pos"] = Field(description="What was found.")
    in_plan: Yes = Field(
        default=False, description="Whether a positive is expected, as of a prescribed medicine or a recent dose here."
    )


class UrineDrugScreen(Incoming):
    """A urine drug screen. Whether one is made before each dose or at random is up to the patient's plan."""

    tested_on: Day = Field(description="When.")
    results: list[ScreenedSubstance] = Field(min_length=1, max_length=20, description="Every line of the panel.")

    @model_validator(mode="after")
    def _names_each_once(self) -> "UrineDrugScreen":
        if len({line.substance for line in self.results}) < len(self.results):
            raise ValueError("a panel has one line for each substance")
        return self


class WithdrawalScore(Incoming):
    """The withdrawal score of today."""

    scale: Literal["cows", "ciwa_ar", "not_applicable"] = Field(
        description="`cows` for opioids (0-48), `ciwa_ar` for alcohol (0-67), `not_applicable` when neither fits."
    )
    total: Annotated[int, Field(strict=True, ge=0, le=67)] | None = Field(
        None, description="The total, higher is worse; null when not applicable."
    )

    @model_validator(mode="after")
    def _has_its_total(self) -> "WithdrawalScore":
        most = {"cows": 48, "ciwa_ar": 67, "not_applicable": -1}[self.scale]
        if (self.total is None) != (self.scale == "not_applicable") or (self.total or 0) > max(most, 0):
            raise ValueError("a scale has a total within its range")
        return self


class SuicideRisk(Incoming):
    """Somebody looked at the C-SSRS, or at item 9 of the PHQ-9, since the last session, and decided."""

    reviewed: Literal["cssrs", "phq9_item9"] = Field(description="What was looked at.")
    decision: Literal["go_on", "hold"] = Field(description="What the clinician decided.")


class InductionReview(Incoming):
    """The documented review after the sessions of the induction; it counts for later sessions as well."""

    reviewed_on: Day = Field(description="When.")
    note: Note | None = Field(None, description="What came of it. Encrypted at rest.")


class Checklist(Incoming):
    """The checklist before a dose. Send all of it each time; what is left out is null: nobody looked."""

    planned_substance: Literal[Substance.KETAMINE, Substance.ESKETAMINE] | None = Field(
        None, description="What is to be given."
    )
    planned_route: DoseRoute | None = Field(None, description="How it is to be given: fasting depends on it.")
    identity_two_factors: Yes | None = Field(None, description="Whether two things showed who the patient is.")
    weight_kg: Annotated[float, Field(strict=True, ge=30, le=300, allow_inf_nan=False)] | None = Field(
        None, description="Body weight in kg, 30-300.", examples=[80]
    )
    weighed_on: Day | None = Field(None, description="When the patient was weighed.")
    solids_hours: Hours | None = Field(None, description="Hours since the last food.")
    clear_fluids_hours: Hours | None = Field(None, description="Hours since the last drink of anything.")
    nasal_steroid: SubstanceUse | None = Field(
        None, description="A steroid or decongestant spray; asked before a spray."
    )
    escort: ChecklistEscort | None = Field(None, description="Who takes the patient home.")
    no_self_drive: Yes | None = Field(None, description="Whether the patient will not drive today.")
    pregnancy_test: PregnancyTest | None = Field(None, description="Needed from everybody; `na` is an answer.")
    urine_drug_screen: UrineDrugScreen | None = Field(None, description="Null when none was due.")
    breath_alcohol: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="Breath alcohol, g/dL, 0-1; higher is worse.", examples=[0.0]
    )
    alcohol: SubstanceUse | None = Field(None, description="The last alcoholic drink.")
    sedatives: SubstanceUse | None = Field(None, description="Benzodiazepines, sleeping pills and other sedatives.")
    opioids: SubstanceUse | None = Field(None, description="Opioids, prescribed ones too.")
    stimulants: SubstanceUse | None = Field(None, description="Psychostimulants, prescribed ones too.")
    maoi: SubstanceUse | None = Field(None, description="Inhibitors of monoamine oxidase.")
    withdrawal: WithdrawalScore | None = Field(None, description="The withdrawal score of today.")
    psychosis: Yes | None = Field(None, description="Whether the screen for psychosis is positive.")
    mania: Yes | None = Field(None, description="Whether the screen for mania is positive.")
    delirium: Yes | None = Field(None, description="Whether the screen for delirium is positive.")
    suicide_risk: SuicideRisk | None = Field(None, description="C-SSRS or PHQ-9 item 9 since the last session.")
    capacity_confirmed: Yes | None = Field(
        None, description="Whether the patient is not intoxicated and can say what is going to happen."
    )
    contraindications: list[Contraindication] | None = Field(
        None, max_length=len(Contraindication), description="Those that the patient has; empty when asked and none."
    )
    conditions: list[ToReview] | None = Field(
        None, max_length=len(ToReview), description="Those that the patient has; empty when asked and none."
    )
    induction_review: InductionReview | None = Field(None, description="The documented review after the induction.")
    note: Note | None = Field(None, description="Anything else. Encrypted at rest.")

    @model_validator(mode="after")
    def _agrees(self) -> "Checklist":
        if (self.weight_kg is None) != (self.weighed_on is None):
            raise ValueError("a weight has a day")
        if self.planned_route is DoseRoute.IN_ESKETAMINE and self.planned_substance is Substance.KETAMINE:
            raise ValueError("the nasal spray contains esketamine")
        return self


class Takes(StrEnum):
    """What a check takes before the dose may be given.

    `ok`: nothing. `missing`: it has to be looked at. `review`: a prescriber's reason. `stop`: a contraindication, and a
    prescriber's reason. `blocked`: no reason helps.
    """

    OK = "ok"
    MISSING = "missing"
    REVIEW = "review"
    STOP = "stop"
    BLOCKED = "blocked"


class CheckFinding(Outgoing):
    """One check: what it looked at, which figure it held it against, and what it takes."""

    code: str = Field(description="Name of the check; overrides name it.", examples=["blood_pressure"])
    takes: Takes = Field(description="What it takes before the dose may be given.")
    inputs: dict[str, Any] = Field(description="What was looked at; null is not known.", examples=[{"systolic": 152}])
    limit: dict[str, Any] = Field(description="The clinic's figures for it.", examples=[{"systolic_above": 140}])
    source: str = Field(description="What the check rests on.")
    detail: str = Field(description="The check in words.")


class ClearedFinding(CheckFinding):
    """One check as it was when a prescriber cleared the session."""

    reason: str | None = Field(description="Why the prescriber went on all the same; null where nothing was needed.")


class ChecklistVersion(Outgoing):
    """One time that the checklist was written down."""

    version: int = Field(description="Counts them.", examples=[1])
    recorded_at: Moment = Field(description="When.")
    recorded_by: UUID = Field(description="Member of staff who did.")


class PreDoseVitals(Outgoing):
    """The newest vital signs before the dose, each with its age at most that of the clinic's figure."""

    systolic: int | None = Field(description="Upper blood pressure, mm[Hg]; null when not measured lately.")
    diastolic: int | None = Field(description="Lower blood pressure, mm[Hg].")
    heart_rate: int | None = Field(description="Heart rate, /min.")
    spo2: int | None = Field(description="Oxygen saturation, %.")
    respiratory_rate: int | None = Field(description="Breaths, /min.")
    temperature: float | None = Field(description="Temperature, Cel.")
    taken_at: Moment | None = Field(description="When the newest reading was taken; null when there is none.")


class ClearanceOverrideWrite(Incoming):
    """A prescriber goes on in spite of a check."""

    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")] = Field(
        examples=["blood_pressure"], description="The check."
    )
    reason: Reason


class ClearanceWrite(Incoming):
    """A clearance."""

    checklist_version: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        None, description="The version of the checklist that you read; null for the newest."
    )
    overrides: list[ClearanceOverrideWrite] = Field(
        default=[], max_length=60, description="Where you go on in spite of a check."
    )


class ClearanceInBrief(Outgoing):
    """A prescriber's word that the dose may be given."""

    cleared_at: Moment = Field(description="When.")
    cleared_by: UUID = Field(description="The prescriber.")
    checklist_version: int = Field(description="On which version of the checklist.")
    valid_until: Moment = Field(description="A dose that begins later needs another clearance.")


class SessionClearance(ClearanceInBrief):
    """A clearance with what was found then."""

    findings: list[ClearedFinding] = Field(description="Every check as it was then, with the reasons given.")


class ChecklistRecord(Outgoing):
    """The checklist as it stands, with every check."""

    session_id: UUID = Field(description="Of which session.")
    session_version: int = Field(description="Version of the session, for `If-Match`; the `ETag`.")
    status: SessionStage = Field(description="How far the session has come.")
    version: int | None = Field(description="Version of the checklist; null before the first.")
    content: Checklist | None = Field(description="What was written down last; null before the first.")
    versions: list[ChecklistVersion] = Field(description="Every time it was written down, oldest first; all are kept.")
    vital_signs: PreDoseVitals = Field(description="The newest readings before the dose.")
    findings: list[CheckFinding] = Field(description="Every check, by the figures of now.")
    missing: list[str] = Field(description="Checks that nobody can pass over: to be looked at, or blocked.")
    needs_reason: list[str] = Field(description="Checks that a prescriber may pass over with a reason.")
    clearances: list[SessionClearance] = Field(description="Every clearance of this session, oldest first.")
