"""What can go wrong in a clinic's administration."""

from app.core.errors import Problem


class AlreadyActive(Problem):
    """The patient has used an invitation already and signs in with their own password."""

    status = 409
    code = "already_active"
    title = "This patient has an account already."


class UnknownStaff(Problem):
    """A care team can only hold staff of the same clinic who still work there."""

    status = 422
    code = "unknown_staff"
    title = "Somebody named does not work here."
