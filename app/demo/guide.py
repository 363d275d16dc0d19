"""What `afterglow demo` tells: who can sign in, where to look, four things to try."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.demo import trial
from app.demo.bedside import ABOUT as ABOUT_SESSIONS
from app.demo.bedside import PLAYED
from app.demo.day import ABOUT as ABOUT_THE_DAY
from app.demo.day import PLAYED_BY
from app.demo.people import DOMAIN, PASSWORD, PATIENTS
from app.demo.roster import Resident, Roster

ABOUT = {story.key: story.about for story in PATIENTS}
RESPONDER = PATIENTS[0]
READER = "prescriber"
JSON_BODY = "-H 'Content-Type: application/json'"
CODE_OF = ".venv/bin/afterglow demo --code"
STALE_AFTER = timedelta(hours=30)
WHERE = (
    (
        "Staff",
        "GET /v1/availability, /v1/appointment-series/..., /v1/groups (Thursday evening), /v1/check-in-templates",
    ),
    ("Therapist", "GET /v1/patients/{id}/care-plan, practice-adherence, integration-windows, journal-entries (shared)"),
)
"""What else there is to look at, and who may."""
ITS_TOKEN = """| python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""  # noqa: S105  a command


def guide(roster: Roster, base_url: str, now: datetime) -> Iterator[str]:
    """The lines, one after another."""
    yield f"{roster.clinic.name}: invented people, twelve weeks up to {roster.filled_on:%d %B %Y}."
    if now - roster.lived_until > STALE_AFTER:
        yield "Its sessions of `today` were that day's: `make demo FRESH=1` fills it anew, up to now."
    yield ""
    yield f"  docs page    {base_url}/docs"
    yield f"  ready?       {base_url}/readyz"
    yield ""
    yield f"Everybody's password is {PASSWORD}"
    yield "Staff need a one-time code too, each only once. Without an authenticator app, this tells the next one:"
    yield f"  {CODE_OF} {READER}@{DOMAIN}"
    yield ""
    for who in roster.clinicians:
        yield f"  {who.email:<34}{who.role:<17}{who.name}"
    yield ""
    for who in roster.patients:
        yield f"  {who.email:<34}{ABOUT.get(who.key, '')}"
    yield ""
    yield f"Beside it, {roster.real_people} real people in a clinic of their own, {trial.CLINIC}:"
    yield f"{trial.NOTICE}."
    yield f"  {trial.READER.email:<34}looks after all of them"
    yield ""
    yield "Five things to try"
    yield from _chart(roster, base_url)
    yield from _check_in(base_url)
    yield from _docs_page(base_url)
    yield from _sessions(roster, base_url)
    yield from _day(roster, base_url)
    yield ""
    yield "Have a receiver on this machine told what happens, in five minutes: docs/webhooks.md"


def _signed_in(variable: str, email: str, base_url: str, code: str = "") -> str:
    body = f'{{"email": "{email}", "password": "{PASSWORD}", "device_label": "my terminal"{code}}}'
    return f"   {variable}=$(curl -s {base_url}/v1/sign-ins {JSON_BODY} -d '{body}' {ITS_TOKEN})"


def _named(people: list[Resident], key: str) -> Resident:
    return next(who for who in people if who.key == key)


def _chart(roster: Roster, base_url: str) -> Iterator[str]:
    patient = _named(list(roster.patients), RESPONDER.key)
    reader = _named(list(roster.clinicians), READER)
    yield ""
    yield f"1. {patient.name} responds. See how, as the prescriber:"
    yield ""
    yield f"   CODE=$({CODE_OF} {reader.email})"
    yield _signed_in("STAFF", reader.email, base_url, """, "one_time_code": "'$CODE'\"""")
    yield (
        f'   curl -s "{base_url}/v1/patients/{patient.id}/trends/chart.png?measure=craving" '
        '-H "Authorization: Bearer $STAFF" -o craving.png'
    )


def _check_in(base_url: str) -> Iterator[str]:
    answers = '{"now": 3, "peak": 5, "resist": 7}'
    response = f'{{"instrument": "craving_nrs", "version": "1", "substance": "alcohol", "answers": {answers}}}'
    report = f"""{{"recorded_at": "'$(date -u +%FT%TZ)'", "time_zone": "Europe/Berlin", "responses": [{response}]}}"""
    yield ""
    yield "2. Be their phone, and send a check-in. The phone makes the id; sent twice, it is stored once:"
    yield ""
    yield _signed_in("PHONE", RESPONDER.email, base_url)
    yield "   ID=$(python3 -c 'import uuid; print(uuid.uuid4())')"
    yield (
        f'   curl -s -X PUT {base_url}/v1/me/check-ins/$ID -H "Authorization: Bearer $PHONE" {JSON_BODY} '
        f"-d '{report}'"
    )


def _docs_page(base_url: str) -> Iterator[str]:
    yield ""
    yield f"3. Open {base_url}/docs and click Authorize, then Authorize below `sign_in`. Sign in as {READER}@{DOMAIN};"
    yield "   the one-time code comes from:"
    yield ""
    yield f"   {CODE_OF} {READER}@{DOMAIN}"
    yield ""
    yield "   Then execute GET /v1/dosing-sessions: today's sessions, from scheduled to closed."


def _sessions(roster: Roster, base_url: str) -> Iterator[str]:
    yield ""
    yield f"4. Look at yesterday's sessions, and at what waits for somebody, as {READER}@{DOMAIN} ($STAFF of 1):"
    yield ""
    for script, session_id in roster.played.items():
        who = _named(list(roster.patients), PLAYED[script][0])
        yield f"   {who.name:<11}{ABOUT_SESSIONS[script]}"
        yield f"   {'':<11}{base_url}/v1/dosing-sessions/{session_id}/chart.png"
    chosen = roster.played.get("hypertensive")
    yield ""
    bearer = '-H "Authorization: Bearer $STAFF"'
    yield f"   curl -s {base_url}/v1/dosing-sessions/{chosen}/chart.png {bearer} -o session.png"
    yield f"   curl -s {base_url}/v1/alerts {bearer}"


def _day(roster: Roster, base_url: str) -> Iterator[str]:
    bearer = '-H "Authorization: Bearer $PHONE"'
    who = _named(list(roster.patients), PLAYED_BY[0])
    yield ""
    yield f"5. Live a day as {RESPONDER.key}@{DOMAIN} ($PHONE of 2): what is due in the next two weeks, what changed,"
    yield "   the care plan, and the address of a calendar feed:"
    yield ""
    yield f'   curl -s "{base_url}/v1/me/due-check-ins?days=14" {bearer}'
    yield f"   curl -s {base_url}/v1/me/changes {bearer}"
    yield f"   curl -s {base_url}/v1/me/care-plan {bearer}"
    yield f"   curl -s {base_url}/v1/me/calendar {bearer}"
    yield ""
    yield f"   {who.name:<11}yesterday: {ABOUT_THE_DAY}."
    for name, what in WHERE:
        yield f"   {name:<11}{what}"
