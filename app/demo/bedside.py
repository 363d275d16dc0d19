"""Five sessions as the people of a clinic run them over HTTP, request by request.

The demo plays them while it is filled, so that a clinician finds them, and the tests play the same ones. Every number
is made up to show what the service does with it. None says what ketamine does.
"""

from typing import Any, Final

from app.demo.play import Request, Script

SESSION: Final = "/v1/dosing-sessions/{session}"
CALM: Final = {"systolic": 124, "diastolic": 78, "heart_rate": 70, "spo2": 98, "respiratory_rate": 14}
WELL: Final = dict.fromkeys(("activity", "respiration", "circulation", "consciousness", "oxygen"), 2)
NOT_TAKEN: Final = {"used": False}
READY: Final = {"walks_unaided": True, "no_new_suicidal_ideation": True, "tolerates_fluids": True}
LEAVING: Final = {
    "escort": {"name": "Mika Sommer", "phone": "+49 30 5550188"},
    "instructions_given": True,
    "instructions_version": "2026-01",
    "crisis_card_given": True,
}
CHECKLIST: Final[dict[str, Any]] = {
    "planned_substance": "ketamine",
    "planned_route": "IV",
    "identity_two_factors": True,
    "weight_kg": 80,
    "weighed_on": "{day}",
    "solids_hours": 9,
    "clear_fluids_hours": 3,
    "escort": {"name": "Mika Sommer", "phone": "+49 30 5550188"},
    "no_self_drive": True,
    "pregnancy_test": {"result": "na"},
    "breath_alcohol": 0,
    "alcohol": {"used": True, "hours_ago": 90},
    **dict.fromkeys(("sedatives", "opioids", "stimulants", "maoi"), NOT_TAKEN),
    "withdrawal": {"scale": "not_applicable"},
    **dict.fromkeys(("psychosis", "mania", "delirium"), False),
    "suicide_risk": {"reviewed": "cssrs", "decision": "go_on"},
    "capacity_confirmed": True,
    "contraindications": [],
    "conditions": [],
    "induction_review": {"reviewed_on": "{day}", "note": "Goes on as planned."},
}


def felt(total: int, distress: int = 0) -> dict[str, int]:
    """Answers to the four questions about dissociation that add up to a total."""
    rest, found = total - distress, {}
    for left, name in enumerate(("unreal", "detached", "time")):
        found[name] = min(4, -(-rest // (3 - left)))
        rest -= found[name]
    return {**found, "distress": distress}


def reading(minute: int, pressure: str = "124/78", **values: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    """A reading of a minute, calm where nothing else is said."""
    upper, lower = map(int, pressure.split("/"))
    named = {"id": f"{{id reading {minute}}}", "taken_at": f"{{{minute:+d}}}"}
    return named | CALM | {"systolic": upper, "diastolic": lower, "moaas": 5} | values


def step(minute: int, who: str, action: str, body: Any = None, **but: Any) -> Request:  # noqa: ANN401  JSON
    """One action on the session, on the version last seen."""
    return Request(
        minute=minute,
        who=who,
        method="POST",
        path=f"{SESSION}/{action}",
        body=body,
        if_match="version",
        **{"keeps": {"version": "/version"}} | but,
    )


def refused(minute: int, who: str, action: str, body: Any, status: int, code: str) -> Request:  # noqa: ANN401  JSON
    """An action that the service refuses; nothing changes."""
    return step(minute, who, action, body, expects=status, shows={"/code": code}, keeps={})


def measured(minute: int, *readings: dict[str, Any], **but: Any) -> Request:  # noqa: ANN401  JSON
    """Readings from the tablet, in one batch."""
    shows = {f"/results/{number}/outcome": "created" for number in range(len(readings))} | but.pop("shows", {})
    keeps = {"version": "/session_version"} | but.pop("keeps", {})
    sent = {"device_time": f"{{{minute:+d}}}", "readings": list(readings)}
    path = f"{SESSION}/readings"
    return Request(minute=minute, who="nurse", method="POST", path=path, body=sent, shows=shows, keeps=keeps, **but)


def read(minute: int, who: str, path: str, **but: Any) -> Request:  # noqa: ANN401  fields of a request
    """Look at something."""
    return Request(minute=minute, who=who, method="GET", path=path, **but)


def answered(minute: int, who: str, action: str, body: Any = None, **but: Any) -> Request:  # noqa: ANN401  JSON
    """Somebody does something with the alert at hand."""
    path, keeps = f"/v1/alerts/{{alert}}/{action}", {"seen": "/version"}
    return Request(minute=minute, who=who, method="POST", path=path, body=body, if_match="seen", keeps=keeps, **but)


def begun(dose: dict[str, Any] | None = None, before: str = "124/78", **checklist: Any) -> Script:  # noqa: ANN401  JSON
    """From the plan until the dose."""
    plan = "/v1/patients/{patient}/dosing-sessions/{session}"
    listed = CHECKLIST | checklist
    first = reading(-30, before, temperature=36.6, dissociation=felt(0), aldrete=WELL)
    return (
        Request(
            minute=-75, who="coordinator", method="PUT", path=plan, body={"scheduled_at": "{-15}"}, expects=201,
            keeps={"version": "/version"}, shows={"/status": "scheduled"},
        ),
        step(-38, "coordinator", "arrival", shows={"/status": "checked_in"}),
        refused(-36, "prescriber", "clearance", None, 409, "not_cleared"),
        measured(-30, first),
        Request(
            minute=-26, who="nurse", method="PUT", path=f"{SESSION}/checklist", body=listed, if_match="version",
            keeps={"version": "/session_version"}, shows={"/missing": [], "/needs_reason": []},
        ),
        refused(-20, "nurse", "dose", dose or INFUSION, 409, "illegal_move"),
        step(-12, "prescriber", "clearance", shows={"/status": "cleared"}),
        step(0, "nurse", "dose", dose or INFUSION, shows={"/status": "dosing"}),
    )  # fmt: skip


def home(ready: int, **last: Any) -> Script:  # noqa: ANN401  values of a reading
    """From the last reading until the record is closed."""
    return (
        measured(ready - 4, reading(ready - 5, **{"dissociation": felt(0), "aldrete": WELL} | last)),
        step(ready, "nurse", "readiness", READY, shows={"/status": "discharge_ready"}),
        step(ready + 8, "nurse", "discharge", LEAVING, shows={"/status": "discharged"}),
        step(ready + 20, "nurse", "closure", shows={"/status": "closed"}),
    )


INFUSION: Final = {"substance": "ketamine", "route": "IV", "dose_mg": 40, "lot": "K-2417"}
SPRAY: Final = {
    "substance": "esketamine", "route": "IN_esketamine", "dose_mg": 56, "devices": 2, "lot": "E-0931",
}  # fmt: skip

UNEVENTFUL: Final[Script] = (
    *begun(),
    step(
        40, "nurse", "dose-end", {"wasted_mg": 10, "waste_witnessed_by": "{prescriber}"},
        shows={"/status": "monitoring"},
    ),
    measured(
        124,
        *(reading(minute, pressure) for minute, pressure in ((10, "128/80"), (20, "132/84"), (30, "136/86"))),
        reading(41, "138/86", dissociation=felt(6)),
        *(reading(minute, pressure) for minute, pressure in ((55, "132/82"), (70, "128/80"), (85, "126/80"))),
        reading(100, "124/78", dissociation=felt(1)),
        reading(120, "122/78", dissociation=felt(0), aldrete=WELL),
        shows={"/results/8/alerts": []},
    ),
    *home(165),
    read(240, "patient", "/v1/me/due-check-ins", keeps={"due": "/items/?time_point=plus_4h/id"}),
    Request(
        minute=241, who="patient", method="PUT", path="/v1/me/check-ins/{id afterwards}", expects=201,
        body={
            "recorded_at": "{+241}",
            "time_zone": "Europe/Berlin",
            "due_check_in_id": "{due}",
            "responses": [
                {"instrument": "mood_nrs", "version": "1", "answers": {"now": 6}},
                {"instrument": "dissociation_brief", "version": "1", "answers": felt(0)},
            ],
        },
    ),
)  # fmt: skip
"""Everything as planned: one offline batch of readings, home after the time to be watched, a check-in four hours on."""

HYPERTENSIVE: Final[Script] = (
    *begun(before="128/80"),
    measured(11, reading(10, "136/84")),
    measured(31, reading(30, "158/94")),
    step(40, "nurse", "dose-end", shows={"/status": "monitoring"}),
    measured(
        41,
        reading(40, "186/108", dissociation=felt(5)),
        shows={"/results/0/alerts/0/rule": "BP-2", "/results/0/alerts/0/severity": "urgent"},
        keeps={"first": "/results/0/alerts/0/id"},
    ),
    measured(
        47,
        reading(46, "188/112"),
        shows={"/results/0/alerts/0/rule": "BP-2", "/results/0/alerts/0/severity": "critical"},
        keeps={"alert": "/results/0/alerts/0/id"},
    ),
    read(48, "prescriber", "/v1/alerts/{alert}", keeps={"seen": "/version"}, shows={"/status": "open"}),
    answered(48, "prescriber", "acknowledgement", {"note": "With the patient."}, shows={"/status": "acknowledged"}),
    measured(61, reading(60, "160/96"), shows={"/results/0/alerts": []}),
    refused(70, "nurse", "readiness", READY, 409, "not_ready_to_leave"),
    measured(91, reading(90, "146/88", dissociation=felt(1))),
    measured(121, reading(120, "136/84", dissociation=felt(0), aldrete=WELL)),
    answered(
        125, "prescriber", "resolution",
        {"outcome": "care_arranged", "note": "Came down by itself within 80 minutes."}, shows={"/status": "resolved"},
    ),
    read(126, "prescriber", "/v1/alerts/{first}", keeps={"alert": "/id", "seen": "/version"}),
    answered(126, "prescriber", "resolution", {"outcome": "care_arranged"}, shows={"/status": "resolved"}),
    *home(170, pressure="132/82"),
)  # fmt: skip
"""A pressure that is far up at 40 minutes, and again five minutes later: BP-2 is critical then; home much later."""

DISSOCIATED: Final[Script] = (
    *begun(),
    measured(31, reading(30, "134/84", dissociation=felt(9, 1))),
    step(40, "nurse", "dose-end", shows={"/status": "monitoring"}),
    measured(41, reading(40, "136/86", dissociation=felt(12, 2))),
    measured(81, reading(80, "130/82", dissociation=felt(10, 1))),
    measured(
        126,
        reading(125, "126/80", dissociation=felt(8, 1), aldrete=WELL),
        shows={"/results/0/alerts/0/rule": "DIS-1", "/results/0/alerts/0/severity": "urgent"},
        keeps={"alert": "/results/0/alerts/0/id"},
    ),
    measured(146, reading(145, "124/78", dissociation=felt(7)), shows={"/results/0/alerts/0/is_new": False}),
    measured(164, reading(163, "124/78", dissociation=felt(6), aldrete=WELL)),
    refused(165, "nurse", "readiness", READY, 409, "not_ready_to_leave"),
    refused(
        166, "nurse", "readiness",
        {**READY, "overrides": [{"code": "dissociation", "reason": "Says that it is nearly over"}]},
        403, "prescriber_needed",
    ),
    read(170, "prescriber", "/v1/alerts/{alert}", keeps={"seen": "/version"}),
    answered(170, "prescriber", "acknowledgement", shows={"/status": "acknowledged"}),
    *home(225, dissociation=felt(2)),
    answered(
        250, "prescriber", "resolution", {"outcome": "safe_now", "note": "Over after three and a half hours."},
        shows={"/status": "resolved"},
    ),
)  # fmt: skip
"""Effects that last: DIS-1 stands in the way of going home, a nurse cannot set it aside, and then it has passed."""

EVENT: Final[dict[str, Any]] = {
    "session_id": "{session}",
    "onset_at": "{+17}",
    "term": "Anxiety",
    "description": "Frightened, wants it to stop. Calmed by talking and touch of the hand.",
    "grade": 2,
    "serious": False,
    "relatedness": "probable",
    "expected": True,
    "action": "stopped",
    "outcome": "recovering",
    "reporter": "patient",
}
_EVENT_PATH: Final = "/v1/patients/{patient}/adverse-events/{id event}"

ABORTED: Final[Script] = (
    *begun(),
    measured(11, reading(10, "130/82", dissociation=felt(5, 1))),
    measured(
        19,
        reading(18, "142/88", heart_rate=104, dissociation=felt(11, 4)),
        shows={"/results/0/alerts/0/rule": "DIS-2"},
        keeps={"alert": "/results/0/alerts/0/id"},
    ),
    step(20, "nurse", "abort", {"reason": "The patient is afraid and asks to stop"}, shows={"/status": "aborted"}),
    Request(
        minute=28, who="nurse", method="PUT", path=_EVENT_PATH, body=EVENT, expects=201,
        keeps={"event_version": "/version"}, shows={"/onset_minutes_from_dose": 17, "/reporting": None},
    ),
    read(30, "nurse", "/v1/alerts/{alert}", keeps={"seen": "/version"}),
    answered(30, "nurse", "acknowledgement"),
    measured(
        142,
        reading(35, "136/84", heart_rate=92, dissociation=felt(7, 2)),
        reading(50, "130/82", dissociation=felt(4, 1)),
        reading(80, "126/80", dissociation=felt(1)),
        reading(110, "124/78", dissociation=felt(0)),
    ),
    Request(
        minute=144, who="nurse", method="PUT", path=_EVENT_PATH, if_match="event_version",
        body=EVENT | {"outcome": "recovered", "resolved_at": "{+80}"}, shows={"/version": 2, "/outcome": "recovered"},
    ),
    answered(
        146, "nurse", "hand-over", {"to_staff_id": "{therapist}", "note": "Please talk about it tomorrow."}
    ),
    *home(150),
)  # fmt: skip
"""A difficult experience: the dose is stopped, an adverse event written down, the patient watched and taken home.

The alert is acknowledged and handed to the therapist, who has it still.
"""

ESKETAMINE: Final[Script] = (
    *begun(
        SPRAY, planned_substance="esketamine", planned_route="IN_esketamine", solids_hours=3,
        nasal_steroid=NOT_TAKEN,
    ),
    step(5, "nurse", "dose-end", {"dose_ended_at": "{+5}"}, shows={"/status": "monitoring"}),
    measured(41, reading(40, "138/86", dissociation=felt(7, 1)), shows={"/results/0/alerts": []}),
    measured(61, reading(60, "132/84", dissociation=felt(4))),
    refused(90, "nurse", "readiness", READY, 409, "not_ready_to_leave"),
    measured(91, reading(90, "128/80", dissociation=felt(2))),
    *home(127),
    read(
        160, "prescriber", f"{SESSION}/rems-report", keeps={"report": "/version"},
        shows={"/version": 0, "/status": "not_started", "/overdue": False},
    ),
    Request(
        minute=165, who="prescriber", method="PUT", path=f"{SESSION}/rems-report", if_match="report",
        body={
            "patient_name": "As the programme knows it", "enrolled": True, "first_treatment": True,
            "clinician_phone": "+49 30 5550100", "clinician_email": "nurse@example.org",
            "respiratory_depression_risk": False,
        },
        keeps={"report": "/version"}, shows={"/status": "draft"},
    ),
    read(166, "prescriber", f"{SESSION}/rems-report/pdf"),
    Request(
        minute=170, who="prescriber", method="POST", path=f"{SESSION}/rems-report/submission", if_match="report",
        body={"reference": "RM-0117-2026"}, shows={"/status": "submitted", "/reference": "RM-0117-2026"},
    ),
)  # fmt: skip
"""The nasal spray: two hours from the last device, then the report to the REMS."""

SCRIPTS: Final[dict[str, Script]] = {
    "uneventful": UNEVENTFUL,
    "hypertensive": HYPERTENSIVE,
    "dissociated": DISSOCIATED,
    "aborted": ABORTED,
    "esketamine": ESKETAMINE,
}
ABOUT: Final[dict[str, str]] = {
    "uneventful": "an infusion as planned",
    "hypertensive": "blood pressure far up at 40 minutes",
    "dissociated": "effects that lasted, and kept the patient here",
    "aborted": "stopped: a difficult experience, with an adverse event",
    "esketamine": "the nasal spray, with its report",
}
PLAYED: Final[dict[str, tuple[str, float]]] = {
    "uneventful": ("tomasz", 9.0),
    "hypertensive": ("viktor", 9.5),
    "dissociated": ("pavel", 10.0),
    "aborted": ("hanna", 11.0),
    "esketamine": ("selin", 13.0),
}
"""Whose session each is at the demo clinic, and at what hour of the day before it was filled its dose began."""
