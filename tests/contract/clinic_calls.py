"""Calls about the clinic, check-ins and papers, which `test_events_recorded.py` makes."""

from app.core import clock
from tests.consents.papers import a_document, a_signature
from tests.contract.caller import Caller, calls
from tests.factories import a_report, an_id
from tests.instruments.test_routes import a_wording
from tests.webhooks.world import an_endpoint


@calls("activate", "enrol_patient", "set_care_team", "end_staff_membership", "sign_protocol")
async def clinic(caller: Caller) -> None:
    record, address = f"/v1/patients/{caller.cast.patient_id}", "kim@example.org"
    kim = await caller.do("coordinator", "POST", "/v1/patients", {"display_name": "Kim L."}, again={"patient.enrolled"})
    for path, who, email in (
        (f"/v1/patients/{kim['id']}/invitations", "coordinator", address),
        (f"/v1/patients/{kim['id']}/account-recovery", "coordinator", address),
        (
            f"/v1/staff/{caller.people['therapist'].membership.id}/account-recovery",
            "admin",
            caller.people["therapist"].email,
        ),
    ):
        form = {"email": email, "password": "quiet-harbour-lantern-42", "device_label": "a phone"}
        await caller.do("anybody", "POST", "/v1/activations", form | {"invitation_code": await caller.code(who, path)})
    members = [{"staff_id": str(caller.people["nurse"].membership.id), "responsible": True}]
    version = int((await caller.clients["coordinator"].get(record)).json()["version"])
    await caller.do("coordinator", "PUT", f"{record}/care-team", {"members": members}, version=version)
    await caller.do("admin", "DELETE", f"/v1/staff/{members[0]['staff_id']}")
    figures = (await caller.clients["prescriber"].get("/v1/protocol")).json()["figures"]
    await caller.do("prescriber", "PUT", "/v1/protocol", {"figures": figures, "reason": "Reviewed."}, version=1)


@calls("submit_check_in", "submit_check_in_batch", "record_patient_check_in", "correct_check_in_link")
async def check_ins(caller: Caller) -> None:
    own, batched = str(an_id()), str(an_id())
    of_patient = f"/v1/patients/{caller.cast.patient_id}/check-ins"
    by_staff = f"{of_patient}/{an_id()}"
    now = clock.now()
    await caller.do("patient", "PUT", f"/v1/me/check-ins/{own}", a_report(now))
    await caller.do("patient", "PUT", f"/v1/me/check-ins/{own}", a_report(now, note="later"), version=1)
    await caller.do("nurse", "PUT", by_staff, a_report(now))
    await caller.do("nurse", "PUT", by_staff, a_report(now, note="later"), version=1)
    batch = "/v1/me/check-ins/batch"
    await caller.do("patient", "POST", batch, {"check_ins": [{"id": batched} | a_report(now)]})
    corrected = {"id": batched, "base_version": 1} | a_report(now, note="later")
    await caller.do("patient", "POST", batch, {"check_ins": [corrected]})
    nothing = {"dosing_session_id": None, "appointment_id": None}
    await caller.do("nurse", "PUT", f"{of_patient}/{own}/link", nothing, version=2, again={"check_in.relinked"})


@calls("add_instrument_wording", "publish_consent_document", "sign_consent", "withdraw_consent")
async def papers(caller: Caller) -> None:
    await caller.do("prescriber", "POST", "/v1/instruments", a_wording())
    document = await caller.do("admin", "POST", "/v1/consent-documents", a_document())
    consent = await caller.do("patient", "POST", "/v1/me/consents", a_signature(document))
    await caller.do("patient", "POST", f"/v1/me/consents/{consent['id']}/withdrawal")


@calls("open_emergency_access", "disable_webhook_endpoint")
async def oversight(caller: Caller) -> None:
    why = {"reason_code": "medical_emergency", "reason": "Fell in the corridor."}
    record = f"/v1/patients/{caller.cast.other_patient_id}"
    await caller.do("on_call", "POST", f"{record}/emergency-access", why)
    endpoint = await an_endpoint(caller.db, caller.cast, "https://ehr.example/hook")
    await caller.do("admin", "POST", f"/v1/webhook-endpoints/{endpoint.id}/disabling")


AREAS = (clinic, check_ins, papers, oversight)
