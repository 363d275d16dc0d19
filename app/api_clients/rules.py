"""What a client may be registered with, and how much of it a token gets."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any
from urllib.parse import urlsplit

from app.core.errors import FieldError
from app.identity.assertions import NotBelievedError, public_key
from app.identity.permissions import Permission, Role, reach

MOST_LIVE_SECRETS = 2
LONGEST_OVERLAP_HOURS = 7 * 24


class Authentication(StrEnum):
    """How a client proves who it is. `none` is for apps on people's devices, which cannot keep a secret."""

    CLIENT_SECRET = "client_secret"  # noqa: S105  the name of a way
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


class Relationship(StrEnum):
    """Whom a client works for.

    `clinic_system` works for the clinic itself, under its agreement, as its staff do. `outside_recipient` works for
    somebody else, and learns of patients only what is disclosed to it on the strength of a consent.
    """

    CLINIC_SYSTEM = "clinic_system"
    OUTSIDE_RECIPIENT = "outside_recipient"


ABOUT_NO_PATIENT = frozenset({Permission.INSTRUMENTS_READ})
"""What a service may do without learning anything about a patient: understand what was disclosed to it."""


def grantable(authentication: Authentication, relationship: Relationship) -> frozenset[Permission]:
    """The permissions that such a client can be registered with.

    A public client never acts by itself: whoever signs in to it must hold the permission too.
    """
    if authentication is Authentication.NONE:
        return frozenset(Permission)
    held = frozenset(permission for permission in Permission if reach(permission, Role.SERVICE) is not None)
    return held & ABOUT_NO_PATIENT if relationship is Relationship.OUTSIDE_RECIPIENT else held


def faults(
    authentication: Authentication,
    relationship: Relationship,
    scopes: Sequence[Permission],
    redirect_uris: Sequence[str],
    keys: Sequence[Mapping[str, Any]],
) -> list[FieldError]:
    """What is wrong with a registration; nothing if it is in order."""
    allowed = grantable(authentication, relationship)
    found = [
        FieldError(f"/scopes/{number}", "scope_not_grantable", "A client of this kind cannot have this permission.")
        for number, scope in enumerate(scopes)
        if scope not in allowed
    ]
    if len(set(scopes)) < len(scopes):
        found.append(FieldError("/scopes", "repeated", "A permission is named twice."))
    if authentication is Authentication.NONE:
        found += _app_faults(relationship, redirect_uris)
    elif redirect_uris:
        found.append(FieldError("/redirect_uris", "not_used", "Only a public client sends people to sign in."))
    if authentication is Authentication.PRIVATE_KEY_JWT:
        found += _key_faults(keys)
    elif keys:
        found.append(FieldError("/jwks", "not_used", "Only a client that signs assertions has keys."))
    return found


def _app_faults(relationship: Relationship, redirect_uris: Sequence[str]) -> list[FieldError]:
    found = []
    if relationship is Relationship.OUTSIDE_RECIPIENT:
        detail = "An app that people sign in to sees what they see; it must work for the clinic."
        found.append(FieldError("/relationship", "not_for_outsiders", detail))
    if not redirect_uris:
        found.append(FieldError("/redirect_uris", "missing", "Say where the app wants people back."))
    return found + [
        FieldError(f"/redirect_uris/{number}", "redirect_uri", why)
        for number, uri in enumerate(redirect_uris)
        if (why := redirect_fault(uri)) is not None
    ]


def redirect_fault(uri: str) -> str | None:
    """Why nobody may be sent back to this address; None if they may (RFC 8252, section 7)."""
    if not uri.isascii() or not uri.isprintable() or set(uri) & set(' "<>\\^`{|}*'):
        return "This is not an address: it holds a character that none has, or a wildcard."
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "This is not an address."
    if "#" in uri or "@" in parts.netloc:
        return "An address to come back to has no fragment and no user name."
    if (parts.scheme == "https" and host) or (parts.scheme == "http" and _is_loopback(host)) or "." in parts.scheme:
        return None
    return "It must be https, http to a loopback address, or an app's own scheme such as com.example.app:/signed-in."


def _is_loopback(host: str) -> bool:
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(host).is_loopback
        except AddressValueError:
            continue
    return False


def _key_faults(keys: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    if not keys:
        return [FieldError("/jwks/keys", "missing", "Send at least one public key.")]
    found = []
    names = [key.get("kid") for key in keys]
    if len(set(names)) < len(names):
        found.append(FieldError("/jwks/keys", "repeated", "Two keys have the same kid."))
    for number, key in enumerate(keys):
        try:
            public_key(key)
        except NotBelievedError as error:
            found.append(FieldError(f"/jwks/keys/{number}", "public_key", str(error)))
    return found


def granted(registered: str, asked: str | None) -> str | None:
    """The scopes of a token: all that are registered, or those of them that are asked for; None for any other."""
    if asked is None:
        return registered
    wanted = asked.split()
    return " ".join(sorted(set(wanted))) if wanted and set(wanted) <= set(registered.split()) else None
