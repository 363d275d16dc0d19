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
    APPOINTMENTS_READ = "appointments:read"
    APPOINTMENTS_WRITE = "appointments:write"
    PATIENTS_READ = "patients:read"
    PATIENTS_ENROL = "patients:enrol"
    CARE_TEAM_WRITE = "care_team:write"
    STAFF_READ = "staff:read"
    STAFF_INVITE = "staff:invite"
    PROTOCOL_READ = "protocol:read"
    PROTOCOL_SIGN = "protocol:sign"

    @property
    def writes(self) -> bool:
        """Whether it changes anything, so that the patient's record is locked while it is used."""
        return not self.value.endswith(":read")


_CLINICAL = dict.fromkeys((Role.PRESCRIBER, Role.NURSE, Role.THERAPIST), Reach.CARE_TEAM)
_SCHEDULERS = {Role.COORDINATOR: Reach.CLINIC, Role.PRESCRIBER: Reach.CARE_TEAM, Role.NURSE: Reach.CARE_TEAM}
_OWN = {Role.PATIENT: Reach.OWN}
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
    Permission.CHECK_INS_READ: _OWN | _CLINICAL,
    Permission.CHECK_INS_WRITE: _OWN | _CLINICAL,
    Permission.CHECK_INS_LINK: _CLINICAL,
    Permission.QUARANTINE_READ: _CLINICAL,
    Permission.TRENDS_READ: _OWN | _CLINICAL,
    Permission.INSTRUMENTS_READ: _OWN | _ALL_STAFF,
    Permission.INSTRUMENTS_WRITE: {Role.PRESCRIBER: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.DOSING_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.DOSING_SCHEDULE: _SCHEDULERS,
    Permission.DOSING_ARRIVE: _SCHEDULERS,
    Permission.DOSING_CLEAR: {Role.PRESCRIBER: Reach.CARE_TEAM},
    Permission.DOSING_ADMINISTER: {Role.PRESCRIBER: Reach.CARE_TEAM, Role.NURSE: Reach.CARE_TEAM},
    Permission.DOSING_CLOSE: {Role.PRESCRIBER: Reach.CARE_TEAM, Role.NURSE: Reach.CARE_TEAM},
    Permission.DOSING_CANCEL: _SCHEDULERS,
    Permission.APPOINTMENTS_READ: _OWN | _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.APPOINTMENTS_WRITE: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC},
    Permission.PATIENTS_READ: _CLINICAL | {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.PATIENTS_ENROL: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.CARE_TEAM_WRITE: {Role.COORDINATOR: Reach.CLINIC, Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.STAFF_READ: _ALL_STAFF,
    Permission.STAFF_INVITE: {Role.CLINIC_ADMIN: Reach.CLINIC},
    Permission.PROTOCOL_READ: _ALL_STAFF,
    Permission.PROTOCOL_SIGN: {Role.PRESCRIBER: Reach.CLINIC},
}


def reach(permission: Permission, role: Role) -> Reach | None:
    """How far this role reaches with this permission; None when it does not hold it."""
    return HELD_BY[permission].get(role)
