"""A patient's day through HTTP, request by request: what is due, answers without a network, two devices, the journal.

The demo plays it while it is filled, so that everybody finds it, and the tests play the same one. The minutes count
from half past seven in the morning. Between the first look and the batch the phone sends nothing: it has no network.
"""

from typing import Any, Final

from app.demo.play import Request, Script

PLAYED_BY: Final = ("juri", 7.5)
"""Whose day it is at the demo clinic, and at what hour of the day before it was filled it began."""
ABOUT: Final = "a day by the phone: asked, answered on a train, seen on a tablet, a journal"

_RECORD: Final = "/v1/patients/{patient}"
_CHANGES: Final = "/v1/me/changes?cursor={cursor}"
_STORY: Final = "/journal-entries/{id story}"
_REGRETTED: Final = "/journal-entries/{id regretted}"
PLAN: Final[dict[str, Any]] = {
    "content": {
        "items": [
            {
                "key": "breakfast", "kind": "fixed", "instruments": ["craving_nrs", "mood_nrs"],
                "local_times": ["08:00"], "opens_minutes_before": 15, "closes_minutes_after": 120,
            },
            {
                "key": "midday", "kind": "fixed", "instruments": ["craving_nrs", "mood_nrs"],
                "local_times": ["12:30"], "opens_minutes_before": 15, "closes_minutes_after": 90,
            },
            {"key": "any_time", "kind": "on_demand", "instruments": ["craving_nrs"]},
        ],
    },
    "reason": "Mornings and lunch are the hard hours.",
}  # fmt: skip


def answer(minute: int, due: str, now: int, note: str | None = None) -> dict[str, Any]:
    """A check-in that the phone keeps until it can send it."""
    craving = {"instrument": "craving_nrs", "version": "1", "substance": "stimulant", "answers": {"now": now}}
    mood = {"instrument": "mood_nrs", "version": "1", "answers": {"now": 6}}
    return {
        "id": f"{{id {due} answer}}",
        "due_check_in_id": f"{{{due}}}",
        "recorded_at": f"{{{minute:+d}}}",
        "time_zone": "Europe/Berlin",
        "responses": [craving, mood],
        "note": note,
    }


def sent(minute: int, outcome: str) -> Request:
    """Everything that was answered without a network, in one batch."""
    items = [answer(36, "breakfast", 4), answer(311, "midday", 6, "in the train, no network")]
    shows = {f"/results/{number}/outcome": outcome for number in range(len(items))}
    path = "/v1/me/check-ins/batch"
    return Request(minute=minute, who="patient", method="POST", path=path, body={"check_ins": items}, shows=shows)


def seen(minute: int, **shows: Any) -> Request:  # noqa: ANN401  JSON
    """The tablet asks what changed since it last asked, and is told all of it."""
    wanted = {f"/items/?{where}": value for where, value in shows.pop("items", {}).items()} | {"/has_more": False}
    keeps = {"cursor": "/next_cursor"}
    return Request(minute=minute, who="tablet", method="GET", path=_CHANGES, shows=wanted | shows, keeps=keeps)


def wrote(minute: int, path: str, text: str, **but: Any) -> Request:  # noqa: ANN401  fields of a request
    """An entry of the journal."""
    body = {"text": text, "written_at": f"{{{minute:+d}}}", "time_zone": "Europe/Berlin"}
    return Request(minute=minute, who="patient", method="PUT", path=f"/v1/me{path}", body=body, expects=201, **but)


DAY: Final[Script] = (
    Request(
        minute=0, who="therapist", method="PUT", path=f"{_RECORD}/check-in-plan", body=PLAN, expects=201,
        shows={"/version": 1, "/source": "own"},
    ),
    Request(
        minute=5, who="tablet", method="GET", path="/v1/me/bootstrap", keeps={"cursor": "/sync_cursor"},
    ),
    Request(
        minute=6, who="patient", method="GET", path="/v1/me/due-check-ins?days=14",
        keeps={"breakfast": "/items/?time_point=breakfast/id", "midday": "/items/?time_point=midday/id"},
        shows={"/items/?time_point=breakfast/state": "expected", "/items/?time_point=midday/state": "expected"},
    ),
    Request(
        minute=7, who="patient", method="POST", path="/v1/me/due-check-ins/receipts",
        body={"receipts": [{"due_check_in_id": "{breakfast}", "delivered_at": "{+6}"}]},
        shows={"/results/0/outcome": "recorded"},
    ),
    sent(330, "created"),
    sent(331, "unchanged"),
    Request(
        minute=332, who="patient", method="POST", path="/v1/me/due-check-ins/receipts",
        body={"receipts": [{"due_check_in_id": "{midday}", "delivered_at": "{+6}", "shown_at": "{+300}"}]},
        shows={"/results/0/outcome": "recorded"},
    ),
    seen(
        340,
        items={
            "type=check_in/data/time_zone": "Europe/Berlin",
            "type=due_check_in/data/state": "answered",
        },
    ),
    Request(
        minute=345, who="coordinator", method="PUT", path=f"{_RECORD}/appointments/{{id therapy}}", expects=201,
        body={
            "kind": "cbt",
            "scheduled_at": "{+2190}",
            "ends_at": "{+2240}",
            "participants": [
                {"role": "patient", "status": "accepted"},
                {"role": "staff", "staff_id": "{therapist}", "status": "accepted"},
            ],
        },
        shows={"/status": "booked"},
    ),
    Request(minute=350, who="patient", method="GET", path="/v1/me/calendar", keeps={"feed": "/address"}),
    Request(
        minute=351, who="anybody", method="GET", path="{feed}",
        says=("BEGIN:VTIMEZONE", "SUMMARY:Appointment", "{id therapy}"),
    ),
    seen(355, items={"type=appointment/data/status": "booked"}),
    wrote(680, _STORY, "Two hours on the train, and I did not once think of it.", keeps={"entry": "/version"}),
    wrote(681, _REGRETTED, "And this is nobody's business.", shows={"/shared_at": None}),
    Request(minute=682, who="therapist", method="GET", path=f"{_RECORD}{_STORY}", expects=404),
    seen(683, items={"type=journal_entry/deleted": False}),
    Request(
        minute=685, who="patient", method="POST", path=f"/v1/me{_STORY}/sharing", body={"shared": True},
        if_match="entry", shows={"/version": 2},
    ),
    Request(
        minute=686, who="therapist", method="GET", path=f"{_RECORD}{_STORY}",
        shows={"/text": "Two hours on the train, and I did not once think of it."},
    ),
    Request(minute=687, who="patient", method="DELETE", path=f"/v1/me{_REGRETTED}", expects=204),
    seen(690, items={"type=journal_entry/data/version": 2, "deleted=True/type": "journal_entry"}),
    seen(691, **{"/items": []}),
)  # fmt: skip
"""One day of one patient."""
