"""Every router, in the order of the docs page: a clinic's day, from signing in to looking back.

The hot ones are registered first, since matching an address is linear in the number of routes before it.
"""

from fastapi import APIRouter, FastAPI

from app.adverse_events.routes import router as adverse_events
from app.api_clients.routes import router as api_clients
from app.appointments.routes import router as appointments
from app.appointments.series_routes import router as appointment_series
from app.bookings.routes import router as bookings
from app.calendars.routes import router as calendars
from app.care_plans.contingency_routes import router as contingency_plans
from app.care_plans.practice_routes import router as practice
from app.care_plans.routes import router as care_plans
from app.care_plans.safety_plan_routes import router as safety_plans
from app.check_in_plans.plan_routes import router as check_in_plans
from app.check_in_plans.routes import figures as adherence
from app.check_in_plans.routes import reports as due_check_in_reports
from app.check_in_plans.routes import router as due_check_ins
from app.check_ins.routes import router as check_ins
from app.clinic_view.routes import router as clinic_view
from app.clinics.routes import router as clinics
from app.consents.routes import router as consents
from app.core import routing
from app.core.health import router as health
from app.core.problem_pages import router as problem_pages
from app.core.scraping import router as scraping
from app.credentials.routes import router as credentials
from app.dosing.before_routes import router as before_doses
from app.dosing.discharge_routes import router as discharge
from app.dosing.dose_routes import router as doses
from app.dosing.extra_request_routes import router as extra_session_requests
from app.dosing.observation_routes import router as observation
from app.dosing.reading_routes import router as readings
from app.dosing.routes import router as dosing_sessions
from app.exports.routes import router as own_record
from app.exposures.routes import router as exposures
from app.external_identities.routes import router as external_identities
from app.groups.routes import router as groups
from app.identity.routes import router as identity
from app.instruments.routes import router as instruments
from app.integration.routes import router as integration
from app.journals.routes import router as journals
from app.oauth.metadata import router as oauth_metadata
from app.oauth.pages import router as sign_in_page
from app.oauth.routes import router as oauth
from app.oversight.routes import router as oversight
from app.panel.routes import router as panel
from app.rems.routes import router as rems_reports
from app.safety.patient_routes import router as own_safety
from app.safety.roster_routes import router as rosters
from app.safety.routes import router as alerts
from app.sign_ins.app_links import router as app_links
from app.sign_ins.routes import router as sign_ins
from app.sync.routes import router as changes
from app.trends.chart_routes import router as trend_charts
from app.trends.comparison_routes import router as trend_comparisons
from app.trends.course_routes import router as course_charts
from app.trends.routes import router as trends
from app.webhooks.feed_routes import router as event_feed
from app.webhooks.routes import router as webhooks

ROUTERS: tuple[APIRouter, ...] = (
    check_ins,
    due_check_ins,
    changes,
    readings,
    trends,
    trend_comparisons,
    trend_charts,
    course_charts,
    panel,
    sign_ins,
    credentials,
    oauth,
    sign_in_page,
    app_links,
    oauth_metadata,
    identity,
    clinics,
    dosing_sessions,
    observation,
    before_doses,
    doses,
    extra_session_requests,
    exposures,
    discharge,
    integration,
    adverse_events,
    rems_reports,
    due_check_in_reports,
    check_in_plans,
    adherence,
    alerts,
    own_safety,
    rosters,
    appointments,
    appointment_series,
    groups,
    bookings,
    calendars,
    care_plans,
    practice,
    safety_plans,
    contingency_plans,
    journals,
    consents,
    instruments,
    own_record,
    oversight,
    clinic_view,
    api_clients,
    external_identities,
    webhooks,
    event_feed,
    health,
    scraping,
    problem_pages,
)

TAGS = [
    {"name": "signing-in", "description": "Use an invitation, sign in and out, see where you are signed in."},
    {"name": "clinic", "description": "Patients, staff, who looks after whom, and the figures the clinic signs off."},
    {
        "name": "appointments",
        "description": "Therapy: CBT, mindfulness, integration, groups; who came and who did not.",
    },
    {
        "name": "care-plan",
        "description": "Phase, goals and practice; the patient's own plan for a crisis; what they are rewarded for.",
    },
    {
        "name": "dosing-sessions",
        "description": "Supervised dosing sessions: schedule, arrival, clearance, dose, closure.",
    },
    {
        "name": "adverse-events",
        "description": "What happened that should not have: how severe, how serious, and by when to report it.",
    },
    {
        "name": "rems-reports",
        "description": "What the programme for esketamine asks of each session, filled in. We send nothing to anybody.",
    },
    {"name": "check-ins", "description": "How a patient is: craving, mood, session effects, withdrawal and more."},
    {
        "name": "sync",
        "description": "What a phone needs to be up to date, after it was offline too: what changed, and what to know.",
    },
    {
        "name": "panel",
        "description": "Who of the patients that one looks after needs attention now, and what matters at a glance.",
    },
    {
        "name": "trends",
        "description": "What can honestly be said over time, by the calendar and by hours since a dose.",
    },
    {
        "name": "safety",
        "description": "Alerts and who answers them, who is on call, whom to call in a crisis. Nobody watches live.",
    },
    {
        "name": "consents",
        "description": "What a patient agreed to, in which words, and what left the clinic on the strength of it.",
    },
    {"name": "journal", "description": "A patient's own story: private, shared entry by entry, gone when deleted."},
    {"name": "instruments", "description": "The questionnaires, how they are scored, and what may be shown of them."},
    {"name": "my-record", "description": "A patient's own copy of their whole record, to keep, read or print."},
    {
        "name": "oversight",
        "description": "Who used whose record, whether the audit is intact, records opened in an emergency; the clinic "
        "in counts.",
    },
    {"name": "integrations", "description": "Programs that a clinic lets in, and staff who sign in somewhere else."},
    {
        "name": "webhooks",
        "description": "Other systems that are told what happens. Your first event in five minutes: register an "
        "address (`createWebhookEndpoint`) and keep the `secret` of the answer; run a receiver of `examples/`, which "
        "verifies signatures, answers the ping, and counts each message once; then send a check-in. All else is told "
        "in `docs/webhooks.md`.",
    },
    {"name": "running", "description": "Whether the service is alive and ready, and what its errors mean."},
]


def include_all(app: FastAPI) -> None:
    """Put every router into the application."""
    routing.include(app, ROUTERS)
