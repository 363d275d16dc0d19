"""What can go wrong with a check-in."""

from app.core.errors import Problem


class CheckInConflict(Problem):
    """The id already belongs to a check-in with other answers; the first one stands.

    To correct it, send `If-Match` with the version you read. To report another moment, use a new id.
    """

    status = 409
    code = "check_in_conflict"
    title = "This id was used before for a different check-in."


class CheckInInvalid(Problem):
    """The answers break a rule of the instrument, or name something that is not there. `errors` points at each."""

    status = 422
    code = "check_in_invalid"
    title = "The answers do not fit."
