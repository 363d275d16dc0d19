"""What must go on working for somebody when other things may not: by its permission, for the guard.

Both tables are for the same people: a patient with something to send or in need of help, and whoever must act for them
at once.
"""

from app.core.limits import Limit
from app.identity.permissions import Permission

# What has a quota of its own, so that nothing else a device does can use it up. All of them are known before the first
# statement, by the device that the signed token names.
LIMITED_BY = {
    Permission.CHECK_INS_WRITE: Limit.UPLOAD,
    Permission.DEVICES_END: Limit.ESSENTIAL,
    Permission.PATIENT_DEVICES_END: Limit.ESSENTIAL,
    Permission.CONSENTS_WITHDRAW: Limit.ESSENTIAL,
    Permission.EMERGENCY_ACCESS_OPEN: Limit.ESSENTIAL,
    Permission.HELP_REQUEST: Limit.ESSENTIAL,
    Permission.SAFETY_NOTICE_READ: Limit.ESSENTIAL,
    Permission.READINGS_WRITE: Limit.UPLOAD,
}


# What an app that is too old (426) may still do, since a patient would lose something if it could not: send what is
# stored on the phone, get help, and leave.
FOR_OLD_APPS_TOO = frozenset(
    {
        Permission.CHECK_INS_WRITE,
        Permission.PRACTICE_WRITE,
        Permission.JOURNAL_WRITE,
        Permission.SAFETY_PLAN_WRITE,
        Permission.DUE_CHECK_INS_REPORT,
        Permission.READINGS_WRITE,
        Permission.HELP_REQUEST,
        Permission.SAFETY_NOTICE_READ,
        Permission.SAFETY_PLAN_READ,
        Permission.EMERGENCY_ACCESS_OPEN,
        Permission.DEVICES_END,
        Permission.PATIENT_DEVICES_END,
        Permission.CONSENTS_WITHDRAW,
    }
)
