"""What can stand in the way of a session."""

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


class NotCleared(Problem):
    """The session cannot be cleared as it stands. Nothing was changed.

    `missing` names the checks that nobody can pass over: what has to be looked at, and what blocks. `needs_reason`
    names those that a prescriber may pass over: send the clearance again with an entry in `overrides` for each.
    `findings` are these checks with what they looked at. Read the checklist for all of them.
    """

    status = 409
    code = "not_cleared"
    title = "Something is missing or needs a reason before the dose may be given."


class ClearanceExpired(Problem):
    """The clearance does not hold for this dose. Clear the session again.

    `reason` is `too_long_ago` (it is good for as long as the clinic's protocol says), `dosed_since` (the patient was
    given another dose after it) or `too_soon` (by the begin that you say, less than the least interval after the last).
    """

    status = 409
    code = "clearance_expired"
    title = "The session has to be cleared again."


class DoseNeedsConfirmation(Problem):
    """What was sent is outside of the clinic's ranges. Nothing was stored.

    `warnings` names each with the numbers it looked at. If it is meant so, a prescriber sends the same again with an
    entry in `confirmations` for each, and why. Nothing here says which dose is right.
    """

    status = 409
    code = "dose_needs_confirmation"
    title = "Say that this is meant so, and why."


class PauseMismatch(Problem):
    """An infusion can only be paused while it runs, and only go on while it stands still."""

    status = 409
    code = "pause_mismatch"
    title = "The infusion does not stand as you think."


class NoDose(Problem):
    """Nothing was given in this session, or it was entered as history, so that there is no record of a dose."""

    status = 409
    code = "no_dose"
    title = "There is no record of a dose."
