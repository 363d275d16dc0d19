"""What can go wrong in a clinic's administration."""

from app.core.errors import Problem


class AlreadyActive(Problem):
    """The patient has used an invitation already and signs in with their own password."""

    status = 409
    code = "already_active"
    title = "This patient has an account already."


class CannotRecover(Problem):
    """The clinic cannot give this account back.

    Either there is none yet, and an invitation is what the person needs; or it serves for more than this one clinic's
    record, so that one clinic alone may not hand it over. Then only who runs the service can help.
    """

    status = 409
    code = "cannot_recover"
    title = "The clinic cannot give this account back."


class CannotEndYourself(Problem):
    """Nobody ends their own membership: another admin does. So there is always one left."""

    status = 409
    code = "cannot_end_yourself"
    title = "Somebody else has to do that."


class UnknownStaff(Problem):
    """A care team can only hold staff of the same clinic who still work there."""

    status = 422
    code = "unknown_staff"
    title = "Somebody named does not work here."
