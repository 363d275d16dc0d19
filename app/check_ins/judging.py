"""Putting a check-in before the safety rules, in the transaction that stores it.

Most check-ins cost nothing here. Where a rule needs earlier numbers, they come with what is read anyway.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from app.care_plans import service as care_plans
from app.check_ins import danger_signs as signs
from app.check_ins.past import Past
from app.check_ins.reports import NOTHING_SHOWN, PatientAlert, Report, Shown
from app.check_ins.rules import Scored, local_time
from app.core.db import Database
from app.identity.access import ClinicView, PatientView
from app.protocols.rules import Protocol
from app.safety import crisis, rules
from app.safety.alerts import RaisedAlert, raise_alerts
from app.safety.findings import Finding, Notify, Severity, Subject, SubjectKind
from app.timeline.rules import Anchor

SCREENER = "cssrs_screener"


def wanted(reports: Sequence[Report], protocol: Protocol, now: datetime) -> list[signs.Wanted]:
    """Which earlier numbers the rules will need to judge these reports."""
    return signs.widest(
        each
        for report in reports
        for each in signs.wanted(report.content.responses, min(report.content.recorded_at, now), protocol)
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An accepted report: its scores, its moment with its link, and the version that it corrects, if any."""

    report: Report
    scored: Sequence[Scored]
    stored: Mapping[str, Any]
    corrects: Mapping[str, Any] | None

    @property
    def responses(self) -> list[dict[str, Any]]:
        """The answers."""
        return [found.response for found in self.scored]


class Judge:
    """Judges the reports of one request, one after another."""

    def __init__(
        self,
        db: Database,
        clinic: ClinicView,
        patient: PatientView,
        protocol: Protocol,
        now: datetime,
        anchors: Sequence[Anchor],
        seen: signs.Seen,
    ) -> None:
        self._db = db
        self._clinic = clinic
        self._patient = patient
        self._protocol = protocol
        self._now = now
        self._anchors = anchors
        self._past = Past(db, patient, seen)
        self._planned: care_plans.GoalAndPhase | None = None

    def _at(self, recorded_at: datetime) -> datetime:
        """When it was answered; when it came, if the device's clock says a moment that has not come."""
        return min(recorded_at, self._now)

    async def judge(self, told: Told) -> Shown:
        """Raise what the rules find in an accepted report; what the patient is shown of it."""
        report, suspect = told.report, told.stored["clock_suspect"]
        at = self._at(report.content.recorded_at)
        day = local_time(at, report.content.time_zone).day
        if told.corrects is not None:
            self._past.forget(report.id)
        findings = rules.judge_answers(await self._inputs(told, at, day), self._protocol.safety)
        if not suspect:
            for found in told.scored:
                self._past.add(found.measures, found.substance, at, report.id, day)
            self._past.add_responses(told.responses, at, report.id)
        if findings:
            subject = await self._subject(told, at, findings)
            await raise_alerts(self._db, self._clinic, self._patient, self._protocol, findings, subject)
        if not findings and told.corrects is None:
            return NOTHING_SHOWN
        return (await self.shown([report.id])).get(report.id, NOTHING_SHOWN)

    async def shown(self, ids: Sequence[UUID]) -> dict[UUID, Shown]:
        """What the patient is shown of the alerts that these check-ins raised, now or when they were first sent.

        Whoever takes an answer back is shown it once more: the alert stands, and so does the offer of help.
        """
        found: dict[UUID, Shown] = {}
        for check_in_id, rows in (await self._past.raised(ids)).items():
            raised = [_raised(row) for row in rows]
            alerts = [
                PatientAlert(row.id, each.patient_text, row.raised_at)
                for row, each in zip(rows, raised, strict=True)
                if each.patient_text is not None
            ]
            notice = await crisis.notice_after(self._db, self._clinic, raised, self._now)
            found[check_in_id] = Shown(tuple(alerts), notice)
        return found

    async def _inputs(self, told: Told, at: datetime, day: date) -> rules.AnswerInputs:
        figures, responses, past = self._protocol.safety, told.responses, self._past
        measures = {name: int(value) for found in told.scored for name, value in found.measures.items()}
        phq9 = signs.answers_of(responses, "phq9")
        urine = signs.answers_of(responses, "urinary_check")
        uses = signs.uses_of(responses)
        used = [
            (substance, on, value)
            for substance in past.substances(signs.USED)
            for _, _, on, value in past.values(signs.USED, substance, before=at)
        ]
        before = told.corrects
        return rules.AnswerInputs(
            self_harm=phq9.get(signs.ITEM_9),
            self_harm_before=await past.item_9_before(at, told.report.id)
            if signs.needs_earlier_item_9(phq9, figures)
            else None,
            cssrs=signs.answers_of(responses, SCREENER),
            minutes_from_dose=told.stored["minutes_from_dose"],
            dissociation=measures.get("dissociation"),
            distress=signs.answers_of(responses, "dissociation_brief").get("distress"),
            dissociation_before_dose=await self._before_dose(told, measures.get("dissociation")),
            cravings=self._cravings(responses, at, day),
            uses=uses,
            use_days=frozenset((day - on).days for _, on, value in used if value and on <= day),
            opioid_abstinent_days=signs.abstinent_days(
                [(on, value) for substance, on, value in used if substance in rules.OPIOIDS], day
            ),
            sex=await past.sex() if signs.needs_sex(uses, figures) else None,
            ciwa=measures.get("ciwa_ar_total"),
            cows=measures.get("cows_total"),
            withdrawal=measures.get("withdrawal"),
            last_drink_hours=signs.last_drink_hours(responses),
            urinary_blood=urine.get("blood"),
            urinary_total=measures.get("urinary_check_total"),
            urinary_before=[value for _, _, _, value in past.values("urinary_check_total", "", before=at)],
            phq9_total=measures.get("phq9_total"),
            phq9_first=next((value for _, _, _, value in past.values("phq9_total", "", before=at)), None),
            taken_back=signs.taken_back(before["responses"], responses) if before else (),
            minutes_since_said=(self._now - before["received_at"]) / timedelta(minutes=1) if before else None,
            abstinence_is_the_goal=await self._goal() if any(use.is_use for use in uses) else None,
        )

    async def _goal(self) -> bool | None:
        """Whether abstinence is the goal, by the care plan; asked for only when use is reported, once a request."""
        if self._planned is None:
            self._planned = await care_plans.goal_and_phase(self._db, self._patient)
        return self._planned.abstinence_is_the_goal

    def _cravings(self, responses: Sequence[Mapping[str, Any]], at: datetime, day: date) -> list[rules.CravingInputs]:
        figures = self._protocol.safety
        days = max(figures.crv1_days, figures.crv2_days)
        found = []
        for response in responses:
            if response["instrument"] in signs.CRAVING_TOPS:
                measure = signs.CRAVING_TOPS[response["instrument"]][0]
                earlier = self._past.values(
                    measure, response["substance"] or "", before=at, since=at - timedelta(days=days)
                )
                found.append(signs.craving(response, earlier, at, day, figures.crv1_days))
        return [each for each in found if each is not None]

    async def _before_dose(self, told: Told, total: int | None) -> int | None:
        """Dissociation before the dose that this check-in follows; asked for only where it can matter."""
        figures, minutes = self._protocol.safety, told.stored["minutes_from_dose"]
        if total is None or total < figures.dis1_rise or minutes is None or minutes < figures.dis1_after_minutes:
            return None
        session_id = told.stored["dosing_session_id"]
        started_at = next((anchor.started_at for anchor in self._anchors if anchor.id == session_id), None)
        if started_at is None:
            return None
        found = await self._past.before_dose(session_id, started_at, self._protocol.trends.dose_baseline_hours)
        return None if found is None else int(found)

    async def _subject(self, told: Told, at: datetime, findings: Sequence[Finding]) -> Subject:
        session_id = told.stored["dosing_session_id"]
        for_session = any(Notify.SESSION_CLINICIAN in rules.RULES[finding.rule].notify for finding in findings)
        clinician_id = await self._past.clinician_of(session_id) if for_session and session_id else None
        return Subject(SubjectKind.CHECK_IN, told.report.id, at, session_id, clinician_id)


def _raised(row: Any) -> RaisedAlert:  # noqa: ANN401  a row
    """An alert that a check-in raised, or added to."""
    rule = rules.RULES[row.rule]
    return RaisedAlert(
        row.id,
        rule.id,
        Severity(row.severity),
        is_new=False,
        patient_text=rule.patient_text,
        shows_crisis_card=rule.shows_crisis_card,
    )
