"""What can go wrong when somebody signs in."""

from app.core.errors import Problem


class SignInRefused(Problem):
    """The address and the password do not belong together. The answer is the same for an address we do not know."""

    status = 401
    code = "sign_in_refused"
    title = "Address or password is wrong."


class SecondFactorRequired(Problem):
    """The account is protected by a second factor: send the one-time code too."""

    status = 401
    code = "second_factor_required"
    title = "A one-time code is needed."


class InvitationRefused(Problem):
    """The invitation code is wrong, used, withdrawn or older than 7 days, or was guessed at too often (5 times).

    All of these give the same answer; the clinic can make a new code at any time.
    """

    status = 422
    code = "invitation_refused"
    title = "This invitation code cannot be used."


class EmailTaken(Problem):
    """There is an account with this address already. Sign in with it, or ask the clinic."""

    status = 409
    code = "email_taken"
    title = "This address belongs to an account already."


class WeakPassword(Problem):
    """The password is too easy to guess. It needs 15 characters or more that are not just a common word repeated."""

    status = 422
    code = "weak_password"
    title = "This password is too easy to guess."
