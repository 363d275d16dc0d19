"""Who is let in where, written down once more, by hand, beside the permission table.

The table in `app/identity/permissions.py` says which role holds which permission; the routes say which permission they
ask for. This page says what should come of it, operation by operation, so that a wrong word in either is seen. An
operation that is not declared here fails the matrix (`tests/contract/test_access_matrix.py`).

`own`: patients reach their own record. `team`: these roles reach patients whom they look after. `clinic`: these roles
reach all of the clinic. `unproven`: staff may do it before they have a second factor. `recent`: it needs a recent proof
of identity. `service`: an API client of the clinic's own systems may have it.
"""

from dataclasses import dataclass

CLINICAL = "prescriber nurse therapist"
STAFF = "prescriber nurse therapist coordinator clinic_admin researcher privacy_officer"


@dataclass(frozen=True, slots=True)
class Expected:
    """Who is let in."""

    own: bool = False
    team: str = ""
    clinic: str = ""
    public: bool = False
    unproven: bool = False
    recent: bool = False
    service: bool = False


PUBLIC = Expected(public=True)
OWN = Expected(own=True)
OWN_DEVICE = Expected(own=True, clinic=STAFF, unproven=True)
OWN_CREDENTIAL = Expected(own=True, clinic=STAFF, unproven=True, recent=True)
CLINICAL_TEAM = Expected(team=CLINICAL, service=True)
DOSING_READERS = Expected(team=CLINICAL, clinic="coordinator", service=True)
SCHEDULERS = Expected(team="prescriber nurse", clinic="coordinator")
CONSENT_READERS = Expected(team=CLINICAL, clinic="coordinator privacy_officer")
ADMINISTRATORS = Expected(clinic="coordinator clinic_admin")
WEBHOOK_READERS = Expected(clinic="clinic_admin privacy_officer", service=True)
WEBHOOK_MANAGERS = Expected(clinic="clinic_admin", service=True)
WEBHOOK_MAKERS = Expected(clinic="clinic_admin", service=True, recent=True)

EXPECTED: dict[str, Expected] = {
    # signing in
    "activate": PUBLIC,
    "sign_in": PUBLIC,
    "request_tokens": PUBLIC,
    "read_oauth_metadata": PUBLIC,
    "revoke_tokens": PUBLIC,
    "read_profile": OWN_DEVICE,
    "list_my_devices": OWN_DEVICE,
    "end_my_device": OWN_DEVICE,
    "confirm_identity": OWN_DEVICE,
    "list_second_factors": OWN_DEVICE,
    "begin_second_factor": OWN_CREDENTIAL,
    "confirm_second_factor": OWN_DEVICE,
    "remove_second_factor": OWN_CREDENTIAL,
    "begin_activation_with_passkey": PUBLIC,
    "begin_sign_in_with_passkey": PUBLIC,
    "sign_in_with_passkey": PUBLIC,
    "begin_confirmation_with_passkey": OWN_DEVICE,
    "confirm_identity_with_passkey": OWN_DEVICE,
    "list_passkeys": OWN_DEVICE,
    "begin_passkey": OWN_CREDENTIAL,
    "add_passkey": OWN_CREDENTIAL,
    "remove_passkey": OWN_CREDENTIAL,
    "show_sign_in_page": PUBLIC,
    "show_invitation_page": PUBLIC,
    "read_android_apps": PUBLIC,
    "read_ios_apps": PUBLIC,
    "answer_sign_in_page": PUBLIC,
    # the clinic
    "list_patient_devices": ADMINISTRATORS,
    "end_patient_device": ADMINISTRATORS,
    "enrol_patient": ADMINISTRATORS,
    "list_patients": Expected(team=CLINICAL, clinic="coordinator clinic_admin", service=True),
    "read_patient": Expected(team=CLINICAL, clinic="coordinator clinic_admin", service=True),
    "invite_patient": ADMINISTRATORS,
    "recover_patient_account": ADMINISTRATORS,
    "set_care_team": ADMINISTRATORS,
    "read_patient_details": Expected(team=CLINICAL, clinic="coordinator"),
    "set_patient_details": SCHEDULERS,
    "list_staff": Expected(clinic=STAFF, service=True),
    "invite_staff": Expected(clinic="clinic_admin"),
    "recover_staff_account": Expected(clinic="clinic_admin", recent=True),
    "end_staff_membership": Expected(clinic="clinic_admin", recent=True),
    "read_protocol": Expected(clinic=STAFF, service=True),
    "sign_protocol": Expected(clinic="prescriber"),
    # check-ins
    "submit_check_in": OWN,
    "submit_check_in_batch": OWN,
    "list_my_check_ins": OWN,
    "read_my_check_in": OWN,
    "list_my_check_in_versions": OWN,
    "record_patient_check_in": Expected(team=CLINICAL),
    "list_patient_check_ins": CLINICAL_TEAM,
    "read_patient_check_in": CLINICAL_TEAM,
    "list_patient_check_in_versions": CLINICAL_TEAM,
    "correct_check_in_link": Expected(team=CLINICAL),
    "list_quarantined_check_ins": Expected(team=CLINICAL),
    "list_my_due_check_ins": OWN,
    "list_my_changes": OWN,
    "list_patient_due_check_ins": Expected(team=CLINICAL, clinic="coordinator"),
    "report_due_check_in_receipts": OWN,
    "read_my_adherence": OWN,
    "read_patient_adherence": Expected(team=CLINICAL, clinic="coordinator"),
    # journals
    "write_journal_entry": OWN,
    "list_my_journal_entries": OWN,
    "read_my_journal_entry": OWN,
    "share_journal_entry": OWN,
    "delete_journal_entry": OWN,
    "list_patient_journal_entries": Expected(team=CLINICAL),
    "read_patient_journal_entry": Expected(team=CLINICAL),
    # safety
    "list_alerts": Expected(team=CLINICAL, clinic="coordinator"),
    "read_alert": Expected(team=CLINICAL, clinic="coordinator"),
    "acknowledge_alert": Expected(team=CLINICAL, clinic="coordinator"),
    "hand_over_alert": Expected(team=CLINICAL, clinic="coordinator"),
    "resolve_alert": Expected(team=CLINICAL, clinic="coordinator"),
    "list_alert_rules": Expected(clinic=STAFF, service=True),
    "read_on_call_roster": Expected(clinic=STAFF),
    "set_on_call_roster": ADMINISTRATORS,
    "read_crisis_resources": PUBLIC,
    "read_my_safety_notice": OWN,
    "request_help": OWN,
    "list_my_alerts": OWN,
    # trends
    "read_my_trend": OWN,
    "read_my_dose_aligned_trend": OWN,
    "draw_my_trend_as_svg": OWN,
    "draw_my_trend_as_png": OWN,
    "draw_my_dose_aligned_trend_as_svg": OWN,
    "draw_my_dose_aligned_trend_as_png": OWN,
    "read_patient_trend": CLINICAL_TEAM,
    "read_patient_dose_aligned_trend": CLINICAL_TEAM,
    "draw_patient_trend_as_svg": CLINICAL_TEAM,
    "draw_patient_trend_as_png": CLINICAL_TEAM,
    "draw_patient_dose_aligned_trend_as_svg": CLINICAL_TEAM,
    "draw_patient_dose_aligned_trend_as_png": CLINICAL_TEAM,
    # dosing sessions
    "list_my_dosing_sessions": OWN,
    "read_my_dosing_session": OWN,
    "list_dosing_sessions": DOSING_READERS,
    "read_dosing_session": DOSING_READERS,
    "schedule_dosing_session": SCHEDULERS,
    "record_dosing_arrival": SCHEDULERS,
    "read_pre_dose_checklist": Expected(team=CLINICAL),
    "write_pre_dose_checklist": Expected(team="prescriber nurse"),
    "clear_dosing_session": Expected(team="prescriber"),
    "hold_dosing_session": Expected(team="prescriber nurse"),
    "start_dose": Expected(team="prescriber nurse"),
    "read_dose": Expected(team=CLINICAL),
    "correct_dose": Expected(team="prescriber nurse"),
    "pause_dose": Expected(team="prescriber nurse"),
    "resume_dose": Expected(team="prescriber nurse"),
    "end_dose": Expected(team="prescriber nurse"),
    "abort_dose": Expected(team=CLINICAL),
    "transfer_patient": Expected(team=CLINICAL),
    "record_extra_session_request": Expected(team=CLINICAL, clinic="coordinator"),
    "list_extra_session_requests": Expected(team=CLINICAL, clinic="coordinator"),
    "read_patient_exposure": Expected(team=CLINICAL),
    "read_discharge_criteria": Expected(team=CLINICAL),
    "assess_readiness": Expected(team="prescriber nurse"),
    "discharge_patient": Expected(team="prescriber nurse"),
    "close_dosing_session": Expected(team="prescriber nurse"),
    "record_readings": Expected(team=CLINICAL),
    "list_readings": Expected(team=CLINICAL),
    "list_reading_versions": Expected(team=CLINICAL),
    "read_observation_plan": Expected(team=CLINICAL),
    "draw_dosing_session_as_svg": Expected(team=CLINICAL),
    "draw_dosing_session_as_png": Expected(team=CLINICAL),
    "cancel_dosing_session": SCHEDULERS,
    "record_adverse_event": Expected(team=CLINICAL),
    "read_adverse_event": Expected(team=CLINICAL),
    "list_patient_adverse_events": Expected(team=CLINICAL),
    "list_session_adverse_events": Expected(team=CLINICAL),
    "list_rems_reports": SCHEDULERS,
    "read_rems_report": SCHEDULERS,
    "read_rems_report_page": SCHEDULERS,
    "read_rems_report_document": SCHEDULERS,
    "change_rems_report": SCHEDULERS,
    "submit_rems_report": SCHEDULERS,
    # appointments
    "list_my_appointments": OWN,
    "list_appointments": DOSING_READERS,
    "read_appointment": DOSING_READERS,
    "book_appointment": Expected(team=CLINICAL, clinic="coordinator", service=True),
    "record_appointment_arrival": Expected(team=CLINICAL, clinic="coordinator", service=True),
    "record_attendance": Expected(team=CLINICAL, clinic="coordinator", service=True),
    "cancel_appointment": Expected(team=CLINICAL, clinic="coordinator", service=True),
    "cancel_my_appointment": OWN,
    "list_rooms": Expected(clinic=STAFF, service=True),
    "read_room": Expected(clinic=STAFF, service=True),
    "put_room": ADMINISTRATORS,
    "read_working_hours": Expected(clinic=STAFF, service=True),
    "put_working_hours": ADMINISTRATORS,
    "find_free_times": Expected(clinic=f"{CLINICAL} coordinator", service=True),
    "plan_appointment_series": Expected(team=CLINICAL, clinic="coordinator", service=True),
    "list_appointment_series": DOSING_READERS,
    "read_appointment_series": DOSING_READERS,
    "cancel_appointment_series": Expected(team=CLINICAL, clinic="coordinator", service=True),
    # therapy after a dose
    "read_integration_window": Expected(team=CLINICAL),
    "read_session_summary": Expected(team=CLINICAL),
    "list_patient_integration_windows": Expected(team=CLINICAL),
    "list_my_integration_windows": OWN,
    # calendar feeds
    "read_my_calendar": OWN,
    "set_my_calendar": OWN,
    "revoke_my_calendar": OWN,
    "read_staff_calendar": Expected(clinic=f"{CLINICAL} coordinator"),
    "set_staff_calendar": Expected(clinic=f"{CLINICAL} coordinator"),
    "revoke_staff_calendar": Expected(clinic=f"{CLINICAL} coordinator"),
    "read_calendar_feed": PUBLIC,
    # care plans
    "write_care_plan": Expected(team=CLINICAL),
    "read_care_plan": Expected(team=CLINICAL),
    "list_care_plan_versions": Expected(team=CLINICAL),
    "read_my_care_plan": OWN,
    "log_practice": OWN,
    "list_my_practice_logs": OWN,
    "read_my_practice_adherence": OWN,
    "list_patient_practice_logs": Expected(team=CLINICAL),
    "read_patient_practice_adherence": Expected(team=CLINICAL),
    "write_safety_plan": OWN,
    "read_my_safety_plan": OWN,
    "list_my_safety_plan_versions": OWN,
    "read_safety_plan": Expected(team=CLINICAL),
    "co_sign_safety_plan": Expected(team=CLINICAL),
    "write_contingency_plan": Expected(team=CLINICAL),
    "read_contingency_plan": Expected(team=CLINICAL),
    "list_contingency_plan_versions": Expected(team=CLINICAL),
    "record_contingency_result": Expected(team=CLINICAL),
    "read_my_contingency_plan": OWN,
    # instruments
    "list_instruments": Expected(own=True, clinic=STAFF, service=True),
    "read_instrument": Expected(own=True, clinic=STAFF, service=True),
    "add_instrument_wording": Expected(clinic="prescriber clinic_admin"),
    # consent
    "list_consent_documents": Expected(own=True, clinic=STAFF),
    "read_consent_document": Expected(own=True, clinic=STAFF),
    "publish_consent_document": Expected(clinic="prescriber clinic_admin"),
    "list_my_consents": OWN,
    "sign_consent": OWN,
    "read_my_consent": OWN,
    "read_my_consent_copy": OWN,
    "withdraw_consent": OWN,
    "list_my_disclosures": OWN,
    "list_my_disclosure_restrictions": OWN,
    "restrict_disclosure": OWN,
    "lift_disclosure_restriction": OWN,
    "list_patient_consents": CONSENT_READERS,
    "read_patient_consent": CONSENT_READERS,
    "read_patient_consent_copy": CONSENT_READERS,
    "list_patient_disclosure_restrictions": CONSENT_READERS,
    "list_patient_disclosures": Expected(clinic="privacy_officer"),
    # oversight
    "list_audit_entries": Expected(clinic="privacy_officer"),
    "verify_audit_entries": Expected(clinic="privacy_officer"),
    "list_my_record_accesses": OWN,
    "open_emergency_access": Expected(clinic=CLINICAL, recent=True),
    "list_emergency_accesses": Expected(clinic="privacy_officer clinic_admin"),
    "read_emergency_access": Expected(clinic="privacy_officer clinic_admin"),
    "review_emergency_access": Expected(clinic="privacy_officer"),
    # integrations
    "list_api_clients": Expected(clinic="clinic_admin privacy_officer"),
    "read_api_client": Expected(clinic="clinic_admin privacy_officer"),
    "create_api_client": Expected(clinic="clinic_admin", recent=True),
    "change_api_client": Expected(clinic="clinic_admin", recent=True),
    "end_api_client": Expected(clinic="clinic_admin"),
    "rotate_api_client_secret": Expected(clinic="clinic_admin", recent=True),
    "end_api_client_secret": Expected(clinic="clinic_admin"),
    "read_external_identity": Expected(clinic="clinic_admin privacy_officer"),
    "link_external_identity": Expected(clinic="clinic_admin", recent=True),
    "unlink_external_identity": Expected(clinic="clinic_admin"),
    # webhooks
    "list_webhook_endpoints": WEBHOOK_READERS,
    "read_webhook_endpoint": WEBHOOK_READERS,
    "list_webhook_deliveries": WEBHOOK_READERS,
    "read_webhook_delivery": WEBHOOK_READERS,
    "create_webhook_endpoint": WEBHOOK_MAKERS,
    "change_webhook_endpoint": WEBHOOK_MAKERS,
    "rotate_webhook_secret": WEBHOOK_MAKERS,
    "list_webhook_secrets": WEBHOOK_MAKERS,
    "end_webhook_endpoint": WEBHOOK_MANAGERS,
    "ping_webhook_endpoint": WEBHOOK_MANAGERS,
    "send_test_event": WEBHOOK_MANAGERS,
    "disable_webhook_endpoint": WEBHOOK_MANAGERS,
    "enable_webhook_endpoint": WEBHOOK_MANAGERS,
    "replay_webhooks": WEBHOOK_MANAGERS,
    "redeliver_webhook": WEBHOOK_MANAGERS,
    "list_events": Expected(clinic="clinic_admin", service=True),
    # the patient's own copy
    "export_my_record": OWN,
    "export_my_record_as_html": OWN,
    "export_my_record_as_pdf": OWN,
    # running
    "read_health": PUBLIC,
    "read_readiness": PUBLIC,
    "read_metrics": PUBLIC,
    "read_problem": PUBLIC,
}
