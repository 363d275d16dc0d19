"""The patient's day: its part of the copy. Plans, what was due, practice, rewards, groups, and the journal."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.check_in_plans.rules import DueState
from app.core.fields import Moment
from app.core.schemas import Outgoing
from app.exports.care_schemas import SomeWho, Version, When, Who, Words, Written

Zone = Annotated[str, Field(description="IANA name of a time zone.", examples=["Europe/Berlin"])]
WallTime = Annotated[str, Field(description="Day and time by the clock of `time_zone`.", examples=["2026-11-23T14:00"])]
Rule = Annotated[str, Field(description="How it repeats (RRULE of RFC 5545).", examples=["FREQ=WEEKLY;BYDAY=MO"])]


class CopiedDueCheckIn(Outgoing):
    """A check-in that the patient was asked for."""

    id: UUID = Field(description="Its id.")
    dosing_session_id: UUID | None = Field(description="The session that it belongs to, if any.")
    time_point: str = Field(description="Which one of the plan.", examples=["plus_24h"])
    minutes_from_dose: int | None = Field(description="When it is wanted, in minutes from a dose; null for any other.")
    opens_at: Moment = Field(description="From when.")
    due_at: When
    closes_at: Moment = Field(description="Until when.")
    local_day: date | None = Field(description="The day by the clock of `time_zone`; null for one of before.")
    local_time: str | None = Field(description="The time of day that was planned.", examples=["09:00"])
    time_zone: str | None = Field(description="IANA name of the zone in which it was planned.")
    shifted: bool | None = Field(description="Whether that day had no such time, since clocks were put forward.")
    reminders: list[int] | None = Field(description="When to remind, in minutes from `due_at`, negative before it.")
    instruments: list[str] = Field(description="What it asks.", examples=[["craving_nrs", "mood_nrs"]])
    instrument_versions: dict[str, str] | None = Field(description="In which version each of them is asked.")
    plan_version: int | None = Field(description="Version of the patient's own plan that asks for it, if any.")
    template_version: int | None = Field(description="Version of the clinic's plan that asks for it, if any.")
    state: DueState = Field(description="What became of it, as it was when this copy was made.")
    check_in_id: UUID | None = Field(description="The check-in that answers it; null when none does.")
    answered_at: Moment | None = Field(description="When it was answered; null when it was not.")
    delivered_at: Moment | None = Field(description="When the phone planned the reminder; null when it did not say.")
    shown_at: Moment | None = Field(description="When the phone showed the reminder; null when it did not say.")


class CopiedPracticeLog(Outgoing):
    """That the patient practised."""

    id: UUID = Field(description="Its id.")
    assignment_id: UUID | None = Field(description="The assignment of the care plan that it belongs to, if any.")
    modality: str = Field(description="What was practised.", examples=["mindfulness"])
    done_at: When
    time_zone: Zone
    minutes: int | None = Field(description="How long; null when that was not said.")
    helpfulness: int | None = Field(description="How much it helped, as the patient said; null when they did not.")
    note: Words
    private: bool = Field(description="Whether the note is the patient's alone.")
    version: Version
    received_at: Moment = Field(description="When it reached the service.")


class CopiedJournalEntry(Outgoing):
    """One entry of the patient's own story."""

    id: UUID = Field(description="Its id.")
    text: str = Field(description="What the patient wrote.")
    written_at: When
    time_zone: Zone
    shared_at: Moment | None = Field(description="Since when the care team may read it; null while it is private.")
    version: Version
    received_at: Moment = Field(description="When it reached the service.")


class CopiedCheckInPlan(Outgoing):
    """What the patient is asked for, in one version."""

    version: Version
    template_key: str | None = Field(description="The plan of the clinic that it follows; null for one of its own.")
    content: dict[str, Any] | None = Field(description="The plan; null where the clinic's is followed.")
    reason: Words
    made_at: When
    made_by: SomeWho


class CopiedTimeZoneChange(Outgoing):
    """The patient moved to another time zone, and their plan with them."""

    at: When
    from_zone: Zone
    to_zone: Zone
    changed_by: SomeWho


class CopiedAppointmentSeries(Outgoing):
    """Appointments that repeat by a rule. Each of them is among `appointments`, by `series_id`."""

    id: UUID = Field(description="Its id.")
    rule: Rule
    first_at: WallTime
    time_zone: Zone
    minutes: int = Field(description="How long each of them takes.", examples=[50])
    left_out: list[str] = Field(description="Those that do not take place, by the clock of `time_zone`.")
    content: Written
    version: Version
    planned_until: Moment | None = Field(description="How far the appointments are made; null when none is yet.")
    ended_at: Moment | None = Field(description="When it was ended; null while it goes on.")


class CopiedGroupMembership(Outgoing):
    """A group that the patient belongs to, or did. Nobody else of it is named here, nor what staff call it."""

    group_id: UUID = Field(description="Its id.")
    kind: str = Field(description="What it is for.", examples=["mbrp"])
    joined_at: When
    left_at: Moment | None = Field(description="Until when; null while it lasts.")


class CopiedCarePlan(Outgoing):
    """The care plan, in one version."""

    version: Version
    phase: str = Field(description="The phase of the treatment.", examples=["induction"])
    abstinence_is_the_goal: bool = Field(description="Whether one of the goals is abstinence.")
    content: Written
    reason: Words
    made_at: When
    made_by: SomeWho


class CopiedSafetyPlan(Outgoing):
    """The plan that the patient made for a crisis, in one version."""

    version: Version
    content: Written
    made_at: When
    co_signed_at: Moment | None = Field(description="When the clinic signed it as well; null when it did not.")
    co_signed_by: SomeWho


class CopiedContingencyPlan(Outgoing):
    """What the patient is rewarded for, in one version."""

    version: Version
    content: Written
    reason: Words
    made_at: When
    made_by: SomeWho
    ended_at: Moment | None = Field(description="When it was ended; null while it goes on.")


class CopiedContingencyResult(Outgoing):
    """Whether a target was met once, and what was given for it."""

    id: UUID = Field(description="Its id.")
    plan_version: int = Field(description="Version of the plan that it belongs to.", examples=[1])
    at: When
    outcome: str = Field(description="`met`, `not_met` or `excused`.", examples=["met"])
    amount_cents: int = Field(description="What was given, in hundredths of the currency of the plan.", examples=[500])
    corrects: UUID | None = Field(description="The result that it takes the place of, if any.")
    note: Words
    recorded_by: Who


class CopiedCalendarFeed(Outgoing):
    """How the patient's calendar feed is set up. Its address is a secret, and not here."""

    enabled: bool = Field(description="Whether there is a feed.")
    titles: str = Field(description="`neutral`, or `plain` for titles that say what an appointment is for.")
    version: Version
    changed_at: When


class CopiedDay(Outgoing):
    """What there is of the patient's day, but for the lists that can be long."""

    check_in_plans: list[CopiedCheckInPlan] = Field(description="Every version, oldest first.")
    time_zone_changes: list[CopiedTimeZoneChange] = Field(description="Oldest first.")
    appointment_series: list[CopiedAppointmentSeries] = Field(description="In the order of their first appointment.")
    groups: list[CopiedGroupMembership] = Field(description="Oldest first.")
    care_plans: list[CopiedCarePlan] = Field(description="Every version, oldest first.")
    safety_plans: list[CopiedSafetyPlan] = Field(description="Every version, oldest first.")
    contingency_plans: list[CopiedContingencyPlan] = Field(description="Every version, oldest first.")
    contingency_results: list[CopiedContingencyResult] = Field(description="Oldest first.")
    calendar_feed: CopiedCalendarFeed | None = Field(description="Null when nothing was changed about it.")


class CopiedLongLists(Outgoing):
    """The lists of the patient's day that can be long."""

    journal_entries: list[CopiedJournalEntry] = Field(description="The last written first.")
    practice_logs: list[CopiedPracticeLog] = Field(description="The latest first.")
    due_check_ins: list[CopiedDueCheckIn] = Field(description="What was asked for and what will be, the latest first.")
