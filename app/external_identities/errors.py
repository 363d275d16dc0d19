"""What can go wrong when staff are linked to an outside issuer."""

from app.core.errors import Problem


class NoOutsideIssuer(Problem):
    """This server trusts no outside issuer. Its operator can name one (`AFTERGLOW_OIDC_ISSUER`)."""

    status = 409
    code = "no_outside_issuer"
    title = "No outside issuer is set up here."


class AlreadyLinked(Problem):
    """Somebody else is this subject, or this member of staff is another one. Unlink first."""

    status = 409
    code = "already_linked"
    title = "The two are linked to others."
