"""What can go wrong with a client's registration."""

from app.core.errors import Problem


class ApiClientEnded(Problem):
    """The client was ended. It stays on record, since it acted, but cannot be changed or used again."""

    status = 409
    code = "api_client_ended"
    title = "This client was ended."


class NoSecret(Problem):
    """The client does not prove itself with a secret, so that there is none to rotate."""

    status = 409
    code = "no_secret"
    title = "This client has no secret."


class TwoSecretsLive(Problem):
    """The client has two secrets that count. End one of them first, or rotate with `keep_old_hours` 0 to end both."""

    status = 409
    code = "two_secrets_live"
    title = "This client has two secrets already."


class TooManyApiClients(Problem):
    """The clinic has as many clients as it may. End one that is not used any more."""

    status = 409
    code = "too_many_api_clients"
    title = "The clinic has too many clients."
