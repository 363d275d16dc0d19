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


class EmailTaken(Problem):
    """There is an account with this address already. Sign in with it, or ask the clinic."""

    status = 409
    code = "email_taken"
    title = "This address belongs to an account already."
