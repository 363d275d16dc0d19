"""What can be wrong with a credential."""

from app.core.errors import Problem


class WeakPassword(Problem):
    """The password is too easy to guess. It needs 15 characters or more that are not just a common word repeated."""

    status = 422
    code = "weak_password"
    title = "This password is too easy to guess."
