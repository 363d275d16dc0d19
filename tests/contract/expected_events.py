"""What each thing that can be done tells the outside world, written down once more, by hand, beside the code.

An operation that changes something and is not declared here fails `tests/contract/test_events.py`, and so does a
function that records an event. Whoever adds one decides: which event it is, or why there is none to tell.
"""

_JUDGED = "alert.raised alert.repeated care_team.changed"
"""What the safety rules may tell of what was written; care teams change when whoever is on call is let in."""

TOLD: dict[str, str] = {
    # signing in
    "activate": "patient.activated patient_account.recovered staff_account.recovered",
    # the clinic
    "enrol_patient": "patient.enrolled",
    "set_care_team": "care_team.changed",
    "set_patient_details": "patient.details_changed",
    "end_staff_membership": "staff.left care_team.changed",
    "sign_protocol": "protocol.changed",
    # check-ins
    "submit_check_in": "check_in.recorded check_in.corrected alert.raised alert.repeated care_team.changed",
    "submit_check_in_batch": "check_in.recorded check_in.corrected alert.raised alert.repeated care_team.changed",
    "record_patient_check_in": "check_in.recorded check_in.corrected alert.raised alert.repeated care_team.changed",
    "correct_check_in_link": "check_in.relinked",
    # dosing sessions
    "schedule_dosing_session": "dosing_session.scheduled dosing_session.moved",
    "record_dosing_arrival": "dosing_session.arrived",
    "write_pre_dose_checklist": f"dosing_session.checked dosing_session.held {_JUDGED}",
    "clear_dosing_session": f"dosing_session.cleared {_JUDGED}",
    "hold_dosing_session": "dosing_session.held",
    "start_dose": "dosing_session.started",
    "pause_dose": "dosing_session.paused",
    "resume_dose": "dosing_session.resumed",
    "correct_dose": "dosing_session.corrected dosing_session.assessed due_check_in.changed",
    "abort_dose": "dosing_session.aborted",
    "transfer_patient": "dosing_session.transferred",
    "record_extra_session_request": f"extra_session.requested {_JUDGED}",
    "end_dose": "dosing_session.ended",
    "assess_readiness": "dosing_session.assessed",
    "discharge_patient": "dosing_session.discharged due_check_in.changed",
    "record_readings": "dosing_session.readings_recorded dosing_session.held dosing_session.assessed " + _JUDGED,
    "close_dosing_session": "dosing_session.closed",
    "cancel_dosing_session": f"dosing_session.cancelled {_JUDGED}",
    "record_adverse_event": f"adverse_event.recorded adverse_event.corrected {_JUDGED}",
    "change_rems_report": "rems_report.changed",
    "submit_rems_report": "rems_report.submitted",
    # appointments
    "book_appointment": "appointment.booked appointment.moved",
    "record_appointment_arrival": "appointment.arrived",
    "record_attendance": "appointment.attended",
    "cancel_appointment": "appointment.cancelled",
    # care plans
    "write_care_plan": "care_plan.changed",
    "log_practice": "practice.logged",
    "write_safety_plan": "safety_plan.changed",
    "co_sign_safety_plan": "safety_plan.changed",
    "write_contingency_plan": "contingency.changed",
    "record_contingency_result": "contingency.recorded",
    # safety
    "request_help": "alert.raised alert.repeated care_team.changed",
    "acknowledge_alert": "alert.acknowledged",
    "hand_over_alert": "alert.reassigned care_team.changed",
    "resolve_alert": "alert.resolved",
    "set_on_call_roster": "on_call_roster.changed",
    # instruments, consent, oversight
    "add_instrument_wording": "instrument.wording_added",
    "publish_consent_document": "consent_document.published",
    "sign_consent": "consent.signed",
    "withdraw_consent": "consent.withdrawn",
    "open_emergency_access": "emergency_access.opened",
    # webhooks
    "disable_webhook_endpoint": "endpoint.disabled",
}
"""The events of each operation that has any."""

_SIGN_IN = "Whoever signs in, and with what, is between them and us: it is in the audit, and nobody else follows it."
_CODE = "A code is not a fact yet. Using it is one, and is told."
_PROGRAM = "Who is let in as a program is the administrator's own act; it is in the audit."
_ENDPOINT = "Endpoints are set up by whoever would be told. What others must know is that one stopped: told."
_AGAIN = "It sends what was told already, or a sample; nothing happened."
_JOURNAL = "What a patient writes for themselves is told to nobody, and neither is that they wrote."
_RESTRICTION = "It takes effect where things leave. Telling those it is about would tell them what they may not have."
_CALENDAR = "Where somebody reads their own appointments is theirs; a feed tells nothing that is not told already."

SILENT: dict[str, str] = {
    "sign_in": _SIGN_IN,
    "begin_activation_with_passkey": _SIGN_IN,
    "begin_sign_in_with_passkey": _SIGN_IN,
    "sign_in_with_passkey": _SIGN_IN,
    "answer_sign_in_page": _SIGN_IN,
    "request_tokens": _SIGN_IN,
    "revoke_tokens": _SIGN_IN,
    "confirm_identity": _SIGN_IN,
    "begin_confirmation_with_passkey": _SIGN_IN,
    "confirm_identity_with_passkey": _SIGN_IN,
    "begin_second_factor": _SIGN_IN,
    "confirm_second_factor": _SIGN_IN,
    "remove_second_factor": _SIGN_IN,
    "begin_passkey": _SIGN_IN,
    "add_passkey": _SIGN_IN,
    "remove_passkey": _SIGN_IN,
    "end_my_device": _SIGN_IN,
    "end_patient_device": _SIGN_IN,
    "invite_patient": _CODE,
    "invite_staff": _CODE,
    "recover_patient_account": _CODE,
    "recover_staff_account": _CODE,
    "write_journal_entry": _JOURNAL,
    "share_journal_entry": _JOURNAL,
    "delete_journal_entry": _JOURNAL,
    "report_due_check_in_receipts": "When a phone had something is of no use to other programs; the clinic can read it.",
    "set_my_calendar": _CALENDAR,
    "revoke_my_calendar": _CALENDAR,
    "set_staff_calendar": _CALENDAR,
    "revoke_staff_calendar": _CALENDAR,
    "restrict_disclosure": _RESTRICTION,
    "lift_disclosure_restriction": _RESTRICTION,
    "review_emergency_access": "What the privacy officer thinks of it stays with them; that it was opened is told.",
    "create_api_client": _PROGRAM,
    "change_api_client": _PROGRAM,
    "end_api_client": _PROGRAM,
    "rotate_api_client_secret": _PROGRAM,
    "end_api_client_secret": _PROGRAM,
    "link_external_identity": _SIGN_IN,
    "unlink_external_identity": _SIGN_IN,
    "create_webhook_endpoint": _ENDPOINT,
    "change_webhook_endpoint": _ENDPOINT,
    "end_webhook_endpoint": _ENDPOINT,
    "enable_webhook_endpoint": _ENDPOINT,
    "rotate_webhook_secret": _ENDPOINT,
    "ping_webhook_endpoint": _AGAIN,
    "send_test_event": _AGAIN,
    "replay_webhooks": _AGAIN,
    "redeliver_webhook": _AGAIN,
}
"""Why the other operations that change something have none."""

FUNCTIONS: dict[str, str] = {
    "adverse_events.service.put": "adverse_event.recorded adverse_event.corrected",
    "appointments.service.book": "appointment.booked appointment.moved",
    "appointments.service.add": "appointment.booked",
    "appointments.service.add_all": "appointment.booked",
    "appointments.service.replan": "appointment.moved",
    "appointments.service.call_off": "appointment.cancelled",
    "appointments.service.arrive": "appointment.arrived",
    "appointments.service.attend": "appointment.attended",
    "appointments.service.cancel": "appointment.cancelled",
    "appointments.history.import_appointment": "appointment.booked",
    "appointments.history.import_appointments": "appointment.booked",
    "check_in_plans.due.plan_after_dose": "due_check_in.changed",
    "check_in_plans.due.move_with_dose": "due_check_in.changed",
    "check_in_plans.due.cancel_for_session": "due_check_in.changed",
    "check_in_plans.due.miss": "due_check_in.changed",
    "care_plans.service.put": "care_plan.changed",
    "care_plans.practice.put": "practice.logged",
    "care_plans.safety_plans.put": "safety_plan.changed",
    "care_plans.safety_plans.co_sign": "safety_plan.changed",
    "care_plans.contingency.put": "contingency.changed",
    "care_plans.contingency.put_result": "contingency.recorded",
    "check_ins.service.submit": "check_in.recorded check_in.corrected",
    "check_ins.service.correct_link": "check_in.relinked",
    "clinics.memberships.end_staff": "staff.left",
    "clinics.details.put": "patient.details_changed",
    "clinics.service.enrol": "patient.enrolled",
    "clinics.service.put_care_team": "care_team.changed",
    "clinics.service.set_care_team": "care_team.changed",
    "clinics.service.sign_protocol": "protocol.changed",
    "consents.documents.publish": "consent_document.published",
    "consents.service.sign": "consent.signed",
    "consents.service.withdraw": "consent.withdrawn",
    "dosing.recording.record": "dosing_session.readings_recorded",
    "dosing.steps.fall_back": "dosing_session.held dosing_session.assessed",
    "dosing.steps.hold_back": "dosing_session.held",
    "dosing.steps.watch_again": "dosing_session.assessed",
    "dosing.service.schedule": "dosing_session.scheduled dosing_session.moved",
    "dosing.service.arrive": "dosing_session.arrived",
    "dosing.checklists.put": "dosing_session.checked",
    "dosing.clearances.clear": "dosing_session.cleared",
    "dosing.doses.start": "dosing_session.started",
    "dosing.doses.end": "dosing_session.ended",
    "dosing.doses.correct": "dosing_session.corrected",
    "dosing.discharge.assess": "dosing_session.assessed",
    "dosing.discharge.discharge": "dosing_session.discharged",
    "dosing.extra_requests.record": "extra_session.requested",
    "dosing.pauses.pause": "dosing_session.paused",
    "dosing.pauses.resume": "dosing_session.resumed",
    "dosing.service.hold": "dosing_session.held",
    "dosing.service.abort": "dosing_session.aborted",
    "dosing.service.transfer": "dosing_session.transferred",
    "dosing.service.close": "dosing_session.closed",
    "dosing.service.cancel": "dosing_session.cancelled",
    "dosing.service.import_session": "dosing_session.closed",
    "dosing.service.import_sessions": "dosing_session.closed",
    "identity.service.add_membership": "patient.activated",
    "instruments.service.add_wording": "instrument.wording_added",
    "oversight.service.open_emergency": "emergency_access.opened",
    "safety.alerts.raise_alerts": "alert.raised alert.repeated",
    "safety.escalation.escalate": "alert.escalated",
    "safety.rosters.put": "on_call_roster.changed",
    "safety.service.acknowledge": "alert.acknowledged",
    "safety.service.hand_over": "alert.reassigned",
    "safety.service.resolve": "alert.resolved",
    "safety.telling.tell": "care_team.changed",
    "rems.service.put": "rems_report.changed",
    "rems.service.submit": "rems_report.submitted",
    "sign_ins.activations.activate": "patient_account.recovered staff_account.recovered",
    "webhooks.states.disable": "endpoint.disabled",
}
"""Every function of a service that records events itself, or through helpers in its own file: with what it records."""

NEVER_RECORDED: dict[str, str] = {
    "endpoint.ping": "It is sent to one endpoint, as a delivery of its own; nobody else is told.",
}
"""Events of the catalogue that never stand in the outbox, or that come with what is built later."""
