"""What can go wrong with appointments."""

from app.core.errors import Problem


class TooLateToCancel(Problem):
    """It is too late to cancel this in the app: call the clinic, which can. Nothing was changed.

    `until` is the moment until which it could be cancelled here.
    """

    status = 409
    code = "too_late_to_cancel"
    title = "It is too late to cancel this in the app. Please call the clinic."
