"""What changed, and what a phone should know when it starts, on the wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from app.appointments.schemas import OwnAppointment
from app.care_plans.contingency_schemas import ContingencyPlan
from app.care_plans.practice_schemas import OwnPracticeLog
from app.care_plans.safety_plan_schemas import SafetyPlan
from app.care_plans.schemas import CarePlan
from app.check_in_plans.plan_items import OnDemandItem
from app.check_in_plans.plan_schemas import CheckInPlanVersion
from app.check_in_plans.schemas import DueCheckIn
from app.check_ins.schemas import CheckIn
from app.core.fields import Moment, TimeZoneName
from app.core.schemas import Outgoing
from app.dosing.schemas import OwnDosingSession
from app.journals.schemas import JournalEntry
from app.safety.schemas import CrisisCard, MyAlert

_KIND = "What kind of thing it is."
_THING = "As its own address shows it; null when it is no longer there."


class _Change(Outgoing):
    """One thing that changed."""

    id: Annotated[UUID, Field(description="Its id.")]
    version: Annotated[
        int | None,
        Field(
            description="Its version, where it counts them. Take over what is here whatever it says: what we derive "
            "changes too.",
            examples=[1],
        ),
    ]
    deleted: Annotated[bool, Field(description="Whether it is no longer there. Forget it; make no other of its id.")]


class ChangedAlert(_Change):
    """Something that the team was asked to look at, or has looked at."""

    type: Annotated[Literal["alert"], Field(description=_KIND)]
    data: Annotated[MyAlert | None, Field(description=_THING)]


class ChangedAppointment(_Change):
    """An appointment."""

    type: Annotated[Literal["appointment"], Field(description=_KIND)]
    data: Annotated[OwnAppointment | None, Field(description=_THING)]


class ChangedCarePlan(_Change):
    """The newest version of the care plan; its id is the patient's own, and names of people are left out."""

    type: Annotated[Literal["care_plan"], Field(description=_KIND)]
    data: Annotated[CarePlan | None, Field(description=_THING)]


class ChangedCheckInPlan(_Change):
    """The newest version of the patient's own plan of check-ins; its id is the patient's own."""

    type: Annotated[Literal["check_in_plan"], Field(description=_KIND)]
    data: Annotated[CheckInPlanVersion | None, Field(description=_THING)]


class ChangedCheckIn(_Change):
    """A check-in, or what it belongs to."""

    type: Annotated[Literal["check_in"], Field(description=_KIND)]
    data: Annotated[CheckIn | None, Field(description=_THING)]


class ChangedContingencyPlan(_Change):
    """The newest version of the plan of rewards, or a new result of it, which its own address shows."""

    type: Annotated[Literal["contingency_plan"], Field(description=_KIND)]
    data: Annotated[ContingencyPlan | None, Field(description=_THING)]


class ChangedDosingSession(_Change):
    """A dosing session."""

    type: Annotated[Literal["dosing_session"], Field(description=_KIND)]
    data: Annotated[OwnDosingSession | None, Field(description=_THING)]


class ChangedDueCheckIn(_Change):
    """A check-in that is asked for, or what became of that."""

    type: Annotated[Literal["due_check_in"], Field(description=_KIND)]
    data: Annotated[DueCheckIn | None, Field(description=_THING)]


class ChangedJournalEntry(_Change):
    """An entry of the patient's journal."""

    type: Annotated[Literal["journal_entry"], Field(description=_KIND)]
    data: Annotated[JournalEntry | None, Field(description=_THING)]


class ChangedPracticeLog(_Change):
    """That the patient practised."""

    type: Annotated[Literal["practice_log"], Field(description=_KIND)]
    data: Annotated[OwnPracticeLog | None, Field(description=_THING)]


class ChangedSafetyPlan(_Change):
    """The newest version of the patient's plan for a crisis; its id is the patient's own."""

    type: Annotated[Literal["safety_plan"], Field(description=_KIND)]
    data: Annotated[SafetyPlan | None, Field(description=_THING)]


Change = Annotated[
    ChangedAlert
    | ChangedAppointment
    | ChangedCarePlan
    | ChangedCheckIn
    | ChangedCheckInPlan
    | ChangedContingencyPlan
    | ChangedDosingSession
    | ChangedDueCheckIn
    | ChangedJournalEntry
    | ChangedPracticeLog
    | ChangedSafetyPlan,
    Field(discriminator="type"),
]


class ChangePage(Outgoing):
    """What changed, in the order in which it changed; each thing as it is now."""

    items: Annotated[list[Change], Field(description="What changed, the oldest change first.")]
    next_cursor: Annotated[
        str, Field(description="Keep it, once what is here is stored: with it you are told what changes after this.")
    ]
    has_more: Annotated[bool, Field(description="Whether there is more to fetch at once.")]


class AppVersions(Outgoing):
    """A version of the app for each platform; null where the operator named none."""

    ios: Annotated[str | None, Field(description="On iOS.", examples=["3.4.1"])]
    android: Annotated[str | None, Field(description="On Android.", examples=["3.4.1"])]


class BootstrapInstrument(Outgoing):
    """A questionnaire, in brief; `url` has its items, scoring and the wording that may be shown."""

    key: Annotated[str, Field(description="Name of the instrument.", examples=["craving_nrs"])]
    version: Annotated[str, Field(description="Version of the definition.", examples=["1"])]
    title: Annotated[str, Field(description="Its full name.", examples=["Craving now (0-10)"])]
    completed_by: Annotated[
        str, Field(description="Who answers: `patient`, `clinician` or `patient_or_interviewer`.", examples=["patient"])
    ]
    restricted: Annotated[
        bool, Field(description="Whether only the structure is here, and the wording needs a licence of the clinic's.")
    ]
    content_hash: Annotated[str, Field(description="SHA-256 of the definition: fetch it again when this changes.")]
    url: Annotated[str, Field(description="Where all of it is.", examples=["/v1/instruments/craving_nrs?version=1"])]


class Bootstrap(Outgoing):
    """What a phone should know when it starts, to be kept for when there is no network."""

    server_time: Annotated[
        Moment,
        Field(description="What time it is here, to see whether the clock of the phone is wrong. Not in the `ETag`."),
    ]
    min_app_version: Annotated[
        AppVersions, Field(description="The oldest app that is still served; an older one gets 426.")
    ]
    latest_app_version: Annotated[AppVersions, Field(description="The newest app.")]
    feature_flags: Annotated[
        dict[str, bool],
        Field(description="What the operator turned on or off. Take one that is missing as off.", examples=[{}]),
    ]
    time_zone: Annotated[TimeZoneName, Field(description="The zone in which the patient's days are counted.")]
    instruments: Annotated[list[BootstrapInstrument], Field(description="Every questionnaire in its current version.")]
    on_demand: Annotated[
        list[OnDemandItem],
        Field(description="What the patient can answer at any time, by their plan. It is never due.", examples=[[]]),
    ]
    crisis_card: Annotated[
        CrisisCard, Field(description="Whom to call now, with the clinic's own number. Show it without a network too.")
    ]
    safety_plan: Annotated[
        SafetyPlan | None, Field(description="The patient's own plan for a crisis, to be at hand without a network.")
    ]
    sync_cursor: Annotated[
        str,
        Field(
            description="Where the record stands now. With it `GET /v1/me/changes` tells what changes from now on; "
            "for the record itself begin without a cursor."
        ),
    ]


ANSWERED: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged."}}
