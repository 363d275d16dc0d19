"""What can stand in the way of a dose."""

from app.core.errors import Problem


class NotCleared(Problem):
    """A check before the dose is neither passed nor passed over with a reason. Nothing was changed.

    `missing` names the checks that nobody has answered, `needs_reason` those that a prescriber may pass over with a
    reason, and `findings` shows each of them with its inputs and the figure that they were held against.
    """

    status = 409
    code = "not_cleared"
    title = "The checklist does not allow the dose yet."


class ClearanceExpired(Problem):
    """The clearance does not cover this dose: clear the session again. Nothing was changed.

    `reason` is `too_long_ago` (a clearance is good for `valid_minutes`) or `dosed_since` (the patient was given a dose
    in another session meanwhile, and nobody looked at the interval to it).
    """

    status = 409
    code = "clearance_expired"
    title = "The clearance does not cover this dose."
