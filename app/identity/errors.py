"""What the guard may ask for beside a token."""

from app.core.errors import Problem


class SecondFactorNeeded(Problem):
    """Staff need a second factor, and this device was signed in without one.

    Set one up (`POST /v1/me/second-factors`), or sign in again with the one you have.
    """

    status = 403
    code = "second_factor_needed"
    title = "Staff need a second factor for this."


class RecentSignInRequired(Problem):
    """This needs proof of who is asking that is less than 10 minutes old (RFC 9470).

    Prove it again (`POST /v1/me/confirmations`) or sign in again, then send the same request.
    """

    status = 401
    code = "recent_sign_in_required"
    title = "Prove again that it is you."
