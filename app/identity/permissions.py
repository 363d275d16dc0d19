"""Who may do what, as one table. Read a row as: this permission is held by these roles, as far as they reach.

`OWN` reaches the caller's own record, `CARE_TEAM` the patients whom they look after, `CLINIC` everyone of the clinic.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a caller is. `patient` is a person in treatment, `service` an API client; the rest are staff."""

    PRESCRIBER = "prescriber"
    NURSE = "nurse"
    THERAPIST = "therapist"
    COORDINATOR = "coordinator"
    CLINIC_ADMIN = "clinic_admin"
    RESEARCHER = "researcher"
    PRIVACY_OFFICER = "privacy_officer"
    PATIENT = "patient"
    SERVICE = "service"


class Reach(StrEnum):
    """Whose records a permission opens."""

    OWN = "own"
    CARE_TEAM = "care_team"
    CLINIC = "clinic"


class Permission(StrEnum):
    """What can be done. What comes after the colon tells reading from writing."""

    PROFILE_READ = "profile:read"
    DEVICES_READ = "devices:read"
    DEVICES_END = "devices:end"
    CHECK_INS_READ = "check_ins:read"
    CHECK_INS_WRITE = "check_ins:write"
    CHECK_INS_LINK = "check_ins:link"
    QUARANTINE_READ = "quarantine:read"
    TRENDS_READ = "trends:read"
    INSTRUMENTS_READ = "instruments:read"
    INSTRUMENTS_WRITE = "instruments:write"
    DOSING_READ = "dosing:read"
    DOSING_SCHEDULE = "dosing:schedule"
    DOSING_ARRIVE = "dosing:arrive"
    DOSING_CLEAR = "dosing:clear"
    DOSING_ADMINISTER = "dosing:administer"
    DOSING_CLOSE = "dosing:close"
    DOSING_CANCEL = "dosing:cancel"
    DOSING_CHECK = "dosing:check"
    DOSING_HOLD = "dosing:hold"
    DOSING_STOP = "dosing:stop"
    DOSING_DISCHARGE = "dosing:discharge"
    READINGS_READ = "readings:read"
    READINGS_WRITE = "readings:write"
    EXPOSURE_READ = "exposure:read"
    EXTRA_SESSIONS_READ = "extra_sessions:read"
    EXTRA_SESSIONS_WRITE = "extra_sessions:write"
    ADVERSE_EVENTS_READ = "adverse_events:read"
    ADVERSE_EVENTS_WRITE = "adverse_events:write"
    REMS_READ = "rems:read"
    REMS_WRITE = "rems:write"
    DUE_CHECK_INS_READ = "due_check_ins:read"
    DUE_CHECK_INS_REPORT = "due_check_ins:report"
    CHECK_IN_PLAN_READ = "check_in_plan:read"
    CHECK_IN_PLAN_WRITE = "check_in_plan:write"
    CHECK_IN_TEMPLATES_READ = "check_in_templates:read"
    CHECK_IN_TEMPLATES_PUBLISH = "check_in_templates:publish"
    TIME_ZONE_WRITE = "time_zone:write"
    CHANGES_READ = "changes:read"
    BOOTSTRAP_READ = "bootstrap:read"
    CARE_PLAN_READ = "care_plan:read"
    CARE_PLAN_WRITE = "care_plan:write"
    PRACTICE_READ = "practice:read"
    PRACTICE_WRITE = "practice:write"
    SAFETY_PLAN_READ = "safety_plan:read"
    SAFETY_PLAN_WRITE = "safety_plan:write"
    SAFETY_PLAN_SIGN = "safety_plan:sign"
    CONTINGENCY_READ = "contingency:read"
    CONTINGENCY_WRITE = "contingency:write"
    JOURNAL_READ = "journal:read"
    JOURNAL_WRITE = "journal:write"
    INTEGRATION_READ = "integration:read"
    ALERTS_READ = "alerts:read"
    ALERTS_ANSWER = "alerts:answer"
    HELP_REQUEST = "help:request"
    SAFETY_NOTICE_READ = "safety_notice:read"
    ROSTER_READ = "roster:read"
    ROSTER_WRITE = "roster:write"
    PATIENT_DETAILS_READ = "patient_details:read"
    PATIENT_DETAILS_WRITE = "patient_details:write"
    APPOINTMENTS_READ = "appointments:read"
    APPOINTMENTS_WRITE = "appointments:write"
    APPOINTMENTS_CANCEL = "appointments:cancel"
    AVAILABILITY_READ = "availability:read"
    ROOMS_READ = "rooms:read"
    ROOMS_WRITE = "rooms:write"
    WORKING_HOURS_READ = "working_hours:read"
    WORKING_HOURS_WRITE = "working_hours:write"
    GROUPS_READ = "groups:read"
    GROUPS_WRITE = "groups:write"
    GROUP_MEMBERS_READ = "group_members:read"
    GROUP_MEMBERS_WRITE = "group_members:write"
    CALENDAR_READ = "calendar:read"
    CALENDAR_WRITE = "calendar:write"
    PATIENTS_READ = "patients:read"
    PATIENTS_ENROL = "patients:enrol"
    CARE_TEAM_WRITE = "care_team:write"
    STAFF_READ = "staff:read"
    STAFF_INVITE = "staff:invite"
    PROTOCOL_READ = "protocol:read"
    PROTOCOL_SIGN = "protocol:sign"
    CREDENTIALS_READ = "credentials:read"
    CREDENTIALS_WRITE = "credentials:write"
    ACCOUNTS_RECOVER = "accounts:recover"
    STAFF_RECOVER = "staff:recover"
    PATIENT_DEVICES_READ = "patient_devices:read"
    PATIENT_DEVICES_END = "patient_devices:end"
    API_CLIENTS_READ = "api_clients:read"
    API_CLIENTS_WRITE = "api_clients:write"
    EXTERNAL_IDENTITIES_READ = "external_identities:read"
    EXTERNAL_IDENTITIES_WRITE = "external_identities:write"
    CONSENTS_READ = "consents:read"
    CONSENTS_SIGN = "consents:sign"
    CONSENTS_WITHDRAW = "consents:withdraw"
    CONSENT_DOCUMENTS_READ = "consent_documents:read"
    CONSENT_DOCUMENTS_PUBLISH = "consent_documents:publish"
    DISCLOSURES_READ = "disclosures:read"
    RECORD_ACCESSES_READ = "record_accesses:read"
    EXPORT_READ = "export:read"
    PANEL_READ = "panel:read"
    CLINIC_VIEW_READ = "clinic_view:read"
    AUDIT_READ = "audit:read"
    EMERGENCY_ACCESS_OPEN = "emergency_access:open"
    EMERGENCY_ACCESS_READ = "emergency_access:read"
    EMERGENCY_ACCESS_REVIEW = "emergency_access:review"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    WEBHOOK_SECRETS_READ = "webhook_secrets:read"

    @property
    def writes(self) -> bool:
        """Whether it changes anything, so that the patient's record is locked while it is used."""
        return not self.value.endswith(":read")


_CLINICAL = dict.fromkeys((Role.PRESCRIBER, Role.NURSE, Role.THERAPIST), Reach.CARE_TEAM)
_CLINIC_WIDE = dict.fromkeys((Role.PRESCRIBER, Role.NURSE, Role.THERAPIST), Reach.CLINIC)
_AT_THE_BEDSIDE = dict.fromkeys((Role.PRESCRIBER, Role.NURSE), Reach.CARE_TEAM)
_SCHEDULERS = {Role.COORDINATOR: Reach.CLINIC, Role.PRESCRIBER: Reach.CARE_TEAM, Role.NURSE: Reach.CARE_TEAM}
_OWN = {Role.PATIENT: Reach.OWN}
# A program of the clinic reads what belongs into the clinic's other systems, and keeps therapy appointments in step
# with them. What is a clinical act (a report, a session's plan, clearance, dose or closure), an admission, a consent,
# an invitation or anybody's access stays with people; so does what is kept for the privacy officer.
_SERVICE = {Role.SERVICE: Reach.CLINIC}
_ALL_STAFF = dict.fromkeys(
    (
        Role.PRESCRIBER,
        Role.NURSE,
        Role.THERAPIST,
        Role.COORDINATOR,
        Role.CLINIC_ADMIN,
        Role.PRIVACY_OFFICER,
        Role.RESEARCHER,
    ),
    Reach.CLINIC,
)

HELD_BY: dict[Permission, dict[Role, Reach]] = {
    Permission.PROFILE_READ: _OWN | _ALL_STAFF,
    Permission.DEVICES_READ: _OWN | _ALL_STAFF,
    Permission.DEVICES_END: _OWN | _ALL_STAFF,
    Permission.CHECK_INS_READ: _OWN | _CLINICAL | _SERVICE,
    Permission.CHECK_INS_WRITE: _OWN | _CLINICAL,
    Permission.CHECK_INS_LINK: _CLINICAL,
    Permission.QUARANTINE_READ: _CLINICAL,
    Permission.TRENDS_READ: _OWN | _CLINICAL | _SERVICE,
    Permission.INSTRUMENTS_READ: _OWN | _ALL_STAFF | _SERVICE,
    Permission.INSTRUMENTS_WRITE: {Role.PRESCRIBER: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.DOSING_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC} | _SERVICE,
    Permission.DOSING_SCHEDULE: _SCHEDULERS,
    Permission.DOSING_ARRIVE: _SCHEDULERS,
    Permission.DOSING_CLEAR: {Role.PRESCRIBER: Reach.CARE_TEAM},
    Permission.DOSING_ADMINISTER: _AT_THE_BEDSIDE,
    Permission.DOSING_CLOSE: _AT_THE_BEDSIDE,
    Permission.DOSING_CANCEL: _SCHEDULERS,
    Permission.DOSING_CHECK: _AT_THE_BEDSIDE,
    Permission.DOSING_HOLD: _AT_THE_BEDSIDE,
    Permission.DOSING_STOP: _CLINICAL,
    Permission.DOSING_DISCHARGE: _AT_THE_BEDSIDE,
    Permission.READINGS_READ: _CLINICAL,
    Permission.READINGS_WRITE: _CLINICAL,
    Permission.EXPOSURE_READ: _CLINICAL,
    Permission.EXTRA_SESSIONS_READ: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.EXTRA_SESSIONS_WRITE: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.ADVERSE_EVENTS_READ: _CLINICAL,
    Permission.ADVERSE_EVENTS_WRITE: _CLINICAL,
    Permission.REMS_READ: _AT_THE_BEDSIDE | {Role.COORDINATOR: Reach.CLINIC},
    Permission.REMS_WRITE: _AT_THE_BEDSIDE | {Role.COORDINATOR: Reach.CLINIC},
    Permission.DUE_CHECK_INS_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.DUE_CHECK_INS_REPORT: _OWN,
    Permission.CHECK_IN_PLAN_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.CHECK_IN_PLAN_WRITE: _CLINICAL,
    Permission.CHECK_IN_TEMPLATES_READ: _ALL_STAFF,
    Permission.CHECK_IN_TEMPLATES_PUBLISH: {Role.PRESCRIBER: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.TIME_ZONE_WRITE: _OWN | {Role.COORDINATOR: Reach.CLINIC},
    Permission.CHANGES_READ: _OWN,
    Permission.BOOTSTRAP_READ: _OWN,
    Permission.CARE_PLAN_READ: _OWN | _CLINICAL,
    Permission.CARE_PLAN_WRITE: _CLINICAL,
    Permission.PRACTICE_READ: _OWN | _CLINICAL,
    Permission.PRACTICE_WRITE: _OWN,
    Permission.SAFETY_PLAN_READ: _OWN | _CLINICAL,
    Permission.SAFETY_PLAN_WRITE: _OWN,
    Permission.SAFETY_PLAN_SIGN: _CLINICAL,
    Permission.CONTINGENCY_READ: _OWN | _CLINICAL,
    Permission.CONTINGENCY_WRITE: _CLINICAL,
    Permission.JOURNAL_READ: _OWN | _CLINICAL,
    Permission.JOURNAL_WRITE: _OWN,
    Permission.INTEGRATION_READ: _OWN | _CLINICAL,
    Permission.ALERTS_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.ALERTS_ANSWER: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.HELP_REQUEST: _OWN,
    Permission.SAFETY_NOTICE_READ: _OWN,
    Permission.ROSTER_READ: _ALL_STAFF,
    Permission.ROSTER_WRITE: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.PATIENT_DETAILS_READ: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.PATIENT_DETAILS_WRITE: _AT_THE_BEDSIDE | {Role.COORDINATOR: Reach.CLINIC},
    Permission.APPOINTMENTS_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC} | _SERVICE,
    Permission.APPOINTMENTS_WRITE: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC} | _SERVICE,
    Permission.APPOINTMENTS_CANCEL: _OWN,
    Permission.AVAILABILITY_READ: {**_CLINIC_WIDE, Role.COORDINATOR: Reach.CLINIC} | _SERVICE,
    Permission.ROOMS_READ: _ALL_STAFF | _SERVICE,
    Permission.ROOMS_WRITE: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.WORKING_HOURS_READ: _ALL_STAFF | _SERVICE,
    Permission.WORKING_HOURS_WRITE: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.GROUPS_READ: {**_CLINIC_WIDE, Role.COORDINATOR: Reach.CLINIC},
    Permission.GROUPS_WRITE: {**_CLINIC_WIDE, Role.COORDINATOR: Reach.CLINIC},
    Permission.GROUP_MEMBERS_READ: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.GROUP_MEMBERS_WRITE: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.CALENDAR_READ: _OWN | {**_CLINIC_WIDE, Role.COORDINATOR: Reach.CLINIC},
    Permission.CALENDAR_WRITE: _OWN | {**_CLINIC_WIDE, Role.COORDINATOR: Reach.CLINIC},
    Permission.PATIENTS_READ: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC} | _SERVICE,
    Permission.PATIENTS_ENROL: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.CARE_TEAM_WRITE: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.STAFF_READ: _ALL_STAFF | _SERVICE,
    Permission.STAFF_INVITE: {Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.PROTOCOL_READ: _ALL_STAFF | _SERVICE,
    Permission.PROTOCOL_SIGN: {Role.PRESCRIBER: Reach.CLINIC},
    Permission.CREDENTIALS_READ: _OWN | _ALL_STAFF,
    Permission.CREDENTIALS_WRITE: _OWN | _ALL_STAFF,
    Permission.ACCOUNTS_RECOVER: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.STAFF_RECOVER: {Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.PATIENT_DEVICES_READ: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.PATIENT_DEVICES_END: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.API_CLIENTS_READ: {Role.CLINIC_ADMIN: Reach.CLINIC, Role.PRIVACY_OFFICER: Reach.CLINIC},
    Permission.API_CLIENTS_WRITE: {Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.EXTERNAL_IDENTITIES_READ: {Role.CLINIC_ADMIN: Reach.CLINIC, Role.PRIVACY_OFFICER: Reach.CLINIC},
    Permission.EXTERNAL_IDENTITIES_WRITE: {Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.CONSENTS_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC, Role.PRIVACY_OFFICER: Reach.CLINIC},
    Permission.CONSENTS_SIGN: _OWN,
    Permission.CONSENTS_WITHDRAW: _OWN,
    Permission.CONSENT_DOCUMENTS_READ: _OWN | _ALL_STAFF,
    Permission.CONSENT_DOCUMENTS_PUBLISH: {Role.PRESCRIBER: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.DISCLOSURES_READ: _OWN | {Role.PRIVACY_OFFICER: Reach.CLINIC},
    Permission.RECORD_ACCESSES_READ: _OWN,
    Permission.EXPORT_READ: _OWN,
    Permission.PANEL_READ: _CLINICAL,
    Permission.CLINIC_VIEW_READ: {
        Role.PRESCRIBER: Reach.CLINIC,
        Role.CLINIC_ADMIN: Reach.CLINIC,
        Role.PRIVACY_OFFICER: Reach.CLINIC,
    },
    Permission.AUDIT_READ: {Role.PRIVACY_OFFICER: Reach.CLINIC},
    Permission.EMERGENCY_ACCESS_OPEN: dict.fromkeys((Role.PRESCRIBER, Role.NURSE, Role.THERAPIST), Reach.CLINIC),
    Permission.EMERGENCY_ACCESS_READ: {Role.PRIVACY_OFFICER: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.EMERGENCY_ACCESS_REVIEW: {Role.PRIVACY_OFFICER: Reach.CLINIC},
    Permission.EVENTS_READ: {Role.CLINIC_ADMIN: Reach.CLINIC} | _SERVICE,
    Permission.WEBHOOKS_READ: {Role.CLINIC_ADMIN: Reach.CLINIC, Role.PRIVACY_OFFICER: Reach.CLINIC} | _SERVICE,
    Permission.WEBHOOKS_MANAGE: {Role.CLINIC_ADMIN: Reach.CLINIC} | _SERVICE,
    Permission.WEBHOOK_SECRETS_READ: {Role.CLINIC_ADMIN: Reach.CLINIC} | _SERVICE,
}


SECOND_FACTORS = frozenset({"otp", "passkey", "issuer"})
"""Ways of signing in that prove more than knowing a password; `issuer` is an outside one that the clinic trusts."""

ONE_FACTOR_DOES = frozenset({Role.PATIENT, Role.SERVICE})
"""Who needs no second factor: patients, and programs, which have a secret."""

WITHOUT_SECOND_FACTOR = frozenset(
    {
        Permission.PROFILE_READ,
        Permission.CREDENTIALS_READ,
        Permission.CREDENTIALS_WRITE,
        Permission.DEVICES_READ,
        Permission.DEVICES_END,
    }
)
"""What a member of staff may do before they have a second factor: get one."""


def lacks_second_factor(permission: Permission, role: Role, methods: str) -> bool:
    """Whether staff who signed in by these methods (`password otp`) must prove more before they may do this."""
    if role in ONE_FACTOR_DOES or permission in WITHOUT_SECOND_FACTOR:
        return False
    return SECOND_FACTORS.isdisjoint(methods.split())


def reach(permission: Permission, role: Role) -> Reach | None:
    """How far this role reaches with this permission; None when it does not hold it."""
    return HELD_BY[permission].get(role)
