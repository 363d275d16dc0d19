"""What can go wrong with rosters and alerts."""

from app.core.errors import Problem


class CannotBeOnCall(Problem):
    """The roster names somebody who does not work here, or whose role may not open a patient's record.

    Prescribers, nurses and therapists can be on call, and can be the lead. `errors` points at each of the others.
    """

    status = 422
    code = "cannot_be_on_call"
    title = "Not everybody in this roster can be on call."


class CannotTakeOver(Problem):
    """The alert cannot be handed to them: they do not work here, or may not open it."""

    status = 422
    code = "cannot_take_over"
    title = "They cannot take this alert over."
