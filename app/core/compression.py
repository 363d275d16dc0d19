"""Which answers are compressed: those that are read, not those in which something secret is handed over.

Codes, tokens and secrets are made by a POST and shown in its answer, beside words that a caller chose. Squeezed
together, the length of the two would tell of the secret (BREACH). So are secrets that are asked for once more.
"""

from starlette.types import Receive, Scope, Send
from starlette_compress import CompressMiddleware

UPLOADS = frozenset({"/v1/me/check-ins/batch"})
"""The one POST with a long answer, in which nothing is secret that was not sent."""
SECRETS = "/secrets"
"""How addresses end at which secrets are read."""


class Compressed(CompressMiddleware):
    """Compresses the answers to everything but POST, and but secrets."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] == "http" and _hands_over(scope):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _hands_over(scope: Scope) -> bool:
    """Whether there may be something secret in the answer."""
    path: str = scope["path"]
    return path.endswith(SECRETS) or (scope["method"] == "POST" and path not in UPLOADS)
