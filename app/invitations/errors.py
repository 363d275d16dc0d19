"""What can be wrong with an invitation."""

from app.core.errors import Problem


class InvitationRefused(Problem):
    """The invitation code is wrong, used, withdrawn or older than 7 days, or was guessed at too often (5 times).

    All of these give the same answer; the clinic can make a new code at any time.
    """

    status = 422
    code = "invitation_refused"
    title = "This invitation code cannot be used."
