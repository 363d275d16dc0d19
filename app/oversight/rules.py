"""What an access was, in plain words for the patient whose record it was."""

from typing import Final

from app.identity.permissions import Permission

IN_WORDS: Final[dict[str, str]] = {
    Permission.CHECK_INS_READ: "Read your check-ins",
    Permission.CHECK_INS_WRITE: "Recorded a check-in with you",
    Permission.CHECK_INS_LINK: "Said which session or appointment a check-in belongs to",
    Permission.QUARANTINE_READ: "Looked at a check-in that could not be read",
    Permission.TRENDS_READ: "Looked at your trends",
    Permission.DOSING_READ: "Read about a dosing session of yours",
    Permission.DOSING_SCHEDULE: "Planned a dosing session of yours",
    Permission.DOSING_ARRIVE: "Noted that you came for a dosing session",
    Permission.DOSING_CLEAR: "Cleared a dosing session of yours",
    Permission.DOSING_ADMINISTER: "Recorded what happened in a dosing session",
    Permission.DOSING_CLOSE: "Closed the record of a dosing session",
    Permission.DOSING_CANCEL: "Cancelled a dosing session of yours",
    Permission.DOSING_CHECK: "Went through the checklist before a dose",
    Permission.DOSING_HOLD: "Held a dosing session of yours",
    Permission.DOSING_STOP: "Stopped a dose of yours, or had you transferred",
    Permission.DOSING_DISCHARGE: "Looked whether you could go home, and let you go",
    Permission.READINGS_READ: "Looked at readings of a dosing session",
    Permission.READINGS_WRITE: "Wrote down readings in a dosing session",
    Permission.EXPOSURE_READ: "Looked at how much you were given so far",
    Permission.EXTRA_SESSIONS_READ: "Looked at whether you asked for sessions beside the plan",
    Permission.EXTRA_SESSIONS_WRITE: "Noted that you asked for a session beside the plan",
    Permission.ADVERSE_EVENTS_READ: "Read about an adverse event",
    Permission.ADVERSE_EVENTS_WRITE: "Wrote down an adverse event",
    Permission.REMS_READ: "Read the report of a session to the safety programme",
    Permission.REMS_WRITE: "Prepared the report of a session to the safety programme",
    Permission.DUE_CHECK_INS_READ: "Looked at which check-ins are due",
    Permission.CHECK_IN_PLAN_READ: "Looked at what you are asked for",
    Permission.CHECK_IN_PLAN_WRITE: "Changed what you are asked for",
    Permission.TIME_ZONE_WRITE: "Changed the time zone that your plan follows",
    Permission.CARE_PLAN_READ: "Read your care plan",
    Permission.CARE_PLAN_WRITE: "Changed your care plan",
    Permission.PRACTICE_READ: "Looked at what you practised",
    Permission.SAFETY_PLAN_READ: "Read your safety plan",
    Permission.SAFETY_PLAN_SIGN: "Signed your safety plan with you",
    Permission.CONTINGENCY_READ: "Looked at your plan of rewards",
    Permission.CONTINGENCY_WRITE: "Changed your plan of rewards, or noted a result",
    Permission.JOURNAL_READ: "Read entries of your journal that you share",
    Permission.INTEGRATION_READ: "Looked at which therapy followed a dose",
    Permission.GROUP_MEMBERS_READ: "Looked at which group you are in",
    Permission.GROUP_MEMBERS_WRITE: "Changed which group you are in",
    Permission.ALERTS_READ: "Looked at an alert about you",
    Permission.ALERTS_ANSWER: "Answered an alert about you",
    Permission.PATIENT_DETAILS_READ: "Read your day of birth and your sex",
    Permission.PATIENT_DETAILS_WRITE: "Changed your day of birth or your sex",
    Permission.APPOINTMENTS_READ: "Read about an appointment of yours",
    Permission.APPOINTMENTS_WRITE: "Changed an appointment of yours",
    Permission.PATIENTS_READ: "Opened your file",
    Permission.PANEL_READ: "Looked at the overview of all patients",
    Permission.PATIENTS_ENROL: "Invited you to the app",
    Permission.CARE_TEAM_WRITE: "Changed who looks after you",
    Permission.ACCOUNTS_RECOVER: "Helped you back into your account",
    Permission.PATIENT_DEVICES_READ: "Looked at where you are signed in",
    Permission.PATIENT_DEVICES_END: "Signed a device of yours out",
    Permission.CONSENTS_READ: "Read what you agreed to",
    Permission.DISCLOSURES_READ: "Read what was passed on about you",
    Permission.EMERGENCY_ACCESS_OPEN: "Opened your record in an emergency",
    Permission.EMERGENCY_ACCESS_READ: "Looked at an emergency access to your record",
    Permission.EMERGENCY_ACCESS_REVIEW: "Reviewed an emergency access to your record",
    "command": "Brought in records that were made elsewhere",
}
"""By permission; `tests/oversight` checks that none by which staff reach a patient's record is missing."""


def in_words(permission: str) -> str:
    """What somebody did who used this permission."""
    return IN_WORDS.get(permission, "Worked with your record")


def wrote(permission: str) -> bool:
    """Whether using this permission may change something."""
    return not permission.endswith(":read")
