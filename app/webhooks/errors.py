"""What can go wrong with endpoints."""

from app.core.errors import Problem


class WebhookNameTaken(Problem):
    """The name was used before, if only by an endpoint that was ended: patients may have agreed to that one.

    A program cannot take a name either that a consent document of the clinic speaks of (`webhook_share:{name}`); that
    is for the clinic to give. Leave the name out to get one of its own.
    """

    status = 409
    code = "webhook_name_taken"
    title = "This name cannot be given to another endpoint."


class TooManyWebhookEndpoints(Problem):
    """The clinic has as many endpoints as it may. End one that is not used any more."""

    status = 409
    code = "too_many_webhook_endpoints"
    title = "The clinic has too many endpoints."


class WebhookEndpointEnded(Problem):
    """The endpoint was ended. It stays on record with what it was sent, but nothing is sent to it again."""

    status = 409
    code = "webhook_endpoint_ended"
    title = "This endpoint was ended."


class TooManyWebhookSecrets(Problem):
    """The endpoint has ten secrets that sign. Wait until one ends, or rotate with `keep_old_hours` 0 to end them."""

    status = 409
    code = "too_many_webhook_secrets"
    title = "This endpoint has too many secrets."
