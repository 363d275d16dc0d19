"""Clients that may send people to our sign-in page: our own docs page, and those that a clinic registered."""

from dataclasses import dataclass
from uuid import UUID

from app.api_clients.service import registered_app
from app.core.db import Database
from app.core.settings import Settings

DOCS = "docs"
DOCS_REDIRECT_PATH = "/docs/oauth2-redirect.html"
LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


@dataclass(frozen=True, slots=True)
class PublicClient:
    """A client without a secret. It proves by PKCE that whoever brings a code is who asked for it.

    `clinic_id` is the one clinic whose people it may sign in, None for every clinic; `scopes` the permissions that it
    may ask for at most, None for all that its user has.
    """

    client_id: str
    name: str
    redirect_uris: frozenset[str]
    clinic_id: UUID | None = None
    scopes: frozenset[str] | None = None

    def may_redirect_to(self, redirect_uri: str) -> bool:
        """Whether this exact address is registered."""
        return redirect_uri in self.redirect_uris


@dataclass(frozen=True, slots=True)
class _DocsOnThisMachine(PublicClient):
    """The docs page of a server on a developer's own machine, which is opened by any of that machine's names."""

    def may_redirect_to(self, redirect_uri: str) -> bool:
        """The registered address, or the same page on any port of the loopback interface (RFC 8252, section 7.3)."""
        origin = redirect_uri.removesuffix(DOCS_REDIRECT_PATH)
        host, _, port = origin.rpartition(":")
        on_this_machine = origin != redirect_uri and (
            origin in LOOPBACK or (host in LOOPBACK and port.isascii() and port.isdigit())
        )
        return on_this_machine or redirect_uri in self.redirect_uris


async def find(db: Database, settings: Settings, client_id: str) -> PublicClient | None:
    """The client of this id, if there is one that uses the sign-in page."""
    if client_id == DOCS:
        kind = _DocsOnThisMachine if settings.is_development else PublicClient
        return kind(DOCS, "The docs page of Afterglow", frozenset({settings.public_url + DOCS_REDIRECT_PATH}))
    found = await registered_app(db, client_id)
    if found is None:
        return None
    return PublicClient(str(found.client_id), found.name, found.redirect_uris, found.clinic_id, found.scopes)
