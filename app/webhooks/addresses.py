"""Where webhooks may go: which addresses of the net, and which URLs. Pure; nothing is looked up here.

`is_global` of Python is not enough: it holds for multicast, for 6to4 and NAT64 forms of 127.0.0.1, and more. In IPv6
the rule is therefore the other way round: only 2000::/3, which is all that was ever given out, without the parts of it
that carry an IPv4 address inside or belong to protocols and documentation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from app.core.settings import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL: Final = 2000
HTTPS_PORT: Final = 443
LOWEST_FREE_PORT: Final = 1024
_REFUSED_IPV4: Final = tuple(
    IPv4Network(each)
    for each in (
        "192.0.0.0/24",  # protocols
        "192.88.99.0/24",  # relays of 6to4
    )
)
_GIVEN_OUT_IPV6: Final = IPv6Network("2000::/3")
_REFUSED_IPV6: Final = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocols, among them Teredo, which carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3ffe::/16",  # given back
        "3fff::/20",  # documentation
    )
)
_PRINTABLE: Final = re.compile(r"[!-\[\]-~]+")  # ASCII without spaces, and without the backslash, which some read as /
_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_NUMBER: Final = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: `host` is a name in lower case or an address without brackets, `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_plain(self) -> bool:
        """Whether it goes without TLS."""
        return self.scheme == "http"

    @property
    def host_header(self) -> str:
        """What the request names as its host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _port_of(self.scheme) else f"{host}:{self.port}"


class UrlError(ValueError):
    """A URL that nothing may be sent to; the message says why, in words that follow "the url"."""


def networks(settings: Settings) -> tuple[Network, ...]:
    """The networks that an operator allows beside public addresses."""
    return tuple(ip_network(each) for each in settings.webhook_allowed_networks)


def is_allowed(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address is public, or in one of the `allowed` networks."""
    return is_in(address, allowed) or _is_public(_unwrapped(address))


def is_in(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether an address is in one of these networks, as it is written: a disguise of it is not."""
    return any(address in network for network in allowed)


def taken_apart(url: str, settings: Settings) -> Target:
    """The parts of a URL. Raises `UrlError` for one that nothing may be sent to.

    Names are not looked up; that is done when a connection is made, each time anew (`network.GuardedBackend`).
    """
    if not 0 < len(url) <= LONGEST_URL:
        raise UrlError(f"must have 1 to {LONGEST_URL} characters")
    if _PRINTABLE.fullmatch(url) is None:
        raise UrlError("must be plain ASCII without spaces and backslashes; write a host of other letters as xn--")
    if "#" in url:
        raise UrlError("must have no fragment")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlError("is none") from None
    if "@" in parts.netloc:
        raise UrlError("must have no user name or password")
    plain_networks = networks(settings) if settings.is_development else ()
    _check_scheme(parts.scheme, may_be_plain=bool(plain_networks))
    literal = _check_host(host)
    port = _port_of(parts.scheme) if port is None else port
    if port != _port_of(parts.scheme) and port < LOWEST_FREE_PORT:
        raise UrlError(f"must have port {HTTPS_PORT}, or one from {LOWEST_FREE_PORT} on")
    is_plain = parts.scheme == "http"
    if literal is not None and not (
        is_in(literal, plain_networks) if is_plain else is_allowed(literal, networks(settings))
    ):
        raise UrlError("must not lead to this address")
    return Target(parts.scheme, host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def fault(url: str, settings: Settings) -> str | None:
    """What is wrong with a URL, in words that follow "the url"; None if webhooks may be sent there."""
    try:
        taken_apart(url, settings)
    except UrlError as error:
        return str(error)
    return None


def literal(host: str) -> Address | None:
    """The address that a host is, if it is one and no name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _port_of(scheme: str) -> int:
    return HTTPS_PORT if scheme == "https" else 80


def _check_scheme(scheme: str, *, may_be_plain: bool) -> None:
    if scheme != "https" and not (may_be_plain and scheme == "http"):
        raise UrlError("must start with https://")


def _check_host(host: str) -> Address | None:
    """The address that the host is, if it is one. Raises `UrlError` for what is neither an address nor a name."""
    address = literal(host)
    if address is not None and "%" not in host:
        return address
    if _NAME.fullmatch(host) is None:
        raise UrlError("must have the name of a host")
    if _NUMBER.fullmatch(host) is not None:  # 127.1, 2130706433 and 0x7f000001 are all 127.0.0.1
        raise UrlError("must have an address as four numbers, if it has one")
    return None


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside ::ffff:0:0/96, which a socket treats as just that."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_public(address: Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    return address in _GIVEN_OUT_IPV6 and not any(address in network for network in _REFUSED_IPV6)
