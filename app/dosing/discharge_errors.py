"""What can stand in the way of going home."""

from app.core.errors import Problem


class PrescriberNeeded(Problem):
    """Something stands in the way that only a prescriber may set aside, by name and with a reason. Nothing was changed.

    A nurse tells the prescriber, who sends the same with their own sign-in.
    """

    status = 403
    code = "prescriber_needed"
    title = "Only a prescriber may set this aside."


class NotReadyToLeave(Problem):
    """A criterion for going home is not met, or not known, and nobody overrode it. Nothing was changed.

    `criteria` lists those in the way: `code`, `met` (false, or null where nothing recent enough was measured or said),
    the `inputs` that were looked at and the `limit` that they were held against. Measure again, or let a prescriber
    override each of them with a reason.
    """

    status = 409
    code = "not_ready_to_leave"
    title = "The patient cannot leave yet."
