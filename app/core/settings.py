"""Settings, read once from `AFTERGLOW_*` variables (or the files that `AFTERGLOW_*_FILE` name).

Outside `development` the process refuses to start with a missing, short or sample secret, or with a public
address that is not https.
"""

import base64
import os
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.app_versions import AppVersions, parts

SAMPLE_SECRET = "development-only-secret-do-not-use-in-production"  # noqa: S105  a sample that production refuses
MIN_SECRET_CHARACTERS = 32
Limit = Annotated[str, Field(pattern=r"^0*[1-9]\d{0,6}/0*[1-9]\d{0,5}(/0*[1-9]\d{0,6})?$", max_length=24)]


AndroidApp = Annotated[str, Field(pattern=r"^[A-Za-z][\w.]*=([0-9A-F]{2}:){31}[0-9A-F]{2}$")]
Origin = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://[a-z0-9.-]+(:[0-9]+)?$")]
IosApp = Annotated[str, Field(pattern=r"^[A-Z0-9]{10}\.[\w.-]+$")]


class Environment(StrEnum):
    """Where the process runs; only `development` forgives a missing secret."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class AuditReads(StrEnum):
    """How durable the record of a *read* is; records of writes are always as durable as the write."""

    RELAXED = "relaxed"
    DURABLE = "durable"


class WorkerPlace(StrEnum):
    """Where the worker runs."""

    INSIDE = "inside"
    APART = "apart"


def _a_network(value: str) -> str:
    ip_network(value)
    return value


def _a_proxy(value: str) -> str:
    """One or some addresses, but not everybody's."""
    if ip_network(value).prefixlen == 0:
        msg = "a network of everybody is not one of proxies"
        raise ValueError(msg)
    return value


class Settings(BaseSettings):
    """Every setting of the service. `afterglow settings` prints this list."""

    model_config = SettingsConfigDict(env_prefix="AFTERGLOW_", extra="ignore", frozen=True)

    environment: Environment = Field(
        Environment.DEVELOPMENT, description="development, staging or production; the last two refuse weak secrets."
    )
    database_url: str = Field(
        "sqlite:///var/afterglow.db",
        repr=False,  # there may be a password in it
        description="sqlite:///PATH for one process on one machine, postgresql://USER@HOST/NAME for everything else.",
    )
    read_database_url: str | None = Field(
        None,
        repr=False,
        description="A streaming replica of a PostgreSQL database_url, for the reads that take longest; see "
        "docs/scaling.md.",
    )
    migration_database_url: str | None = Field(
        None,
        repr=False,
        description="The same database as the owner of its tables, for `afterglow migrate`; the other is for a member "
        "of afterglow_app, whom row-level security binds.",
    )
    secret_keys: list[SecretStr] = Field(
        default_factory=lambda: [SecretStr(SAMPLE_SECRET)],
        description="JSON list of secrets of 32 characters or more; the first seals and signs, all open and verify.",
    )
    public_url: str = Field("http://127.0.0.1:8000", description="The address callers use; https outside development.")
    android_apps: list[AndroidApp] = Field(
        default_factory=list,
        description="JSON list of Android apps that may use passkeys and open invitations: "
        "package=SHA-256 fingerprint of the signing certificate, in hex with colons.",
    )
    ios_apps: list[IosApp] = Field(
        default_factory=list, description="JSON list of iOS apps that may do the same: TEAMID.bundle.identifier."
    )
    trusted_proxies: list[Annotated[str, AfterValidator(_a_proxy)]] = Field(
        [],
        description="JSON list of addresses or networks of proxies that end TLS in front of us; from nobody else are "
        "X-Forwarded-For and X-Forwarded-Proto believed.",
    )
    cors_origins: list[Origin] = Field(
        [],
        description="JSON list of origins whose browser apps may call, such as https://app.clinic.example; none else.",
    )
    body_seconds: float = Field(10, gt=0, le=600, description="How long a body may take to arrive.")
    pool_size: int = Field(8, ge=1, le=100, description="PostgreSQL connections per worker.")
    pool_timeout_seconds: float = Field(5, gt=0, le=60, description="How long a request waits for a connection.")
    statement_timeout_seconds: float = Field(5, gt=0, le=600, description="PostgreSQL ends a statement after this.")
    audit_reads: AuditReads = Field(
        AuditReads.RELAXED,
        description="relaxed: the record of a read may lag a crash by under a second; durable: it never does.",
    )
    audit_seal_seconds: float = Field(
        1,
        ge=0,
        le=3600,
        description="How often the worker chains new audit entries; 0 leaves that to `afterglow audit seal`.",
    )
    emergency_access_minutes: int = Field(
        60, ge=5, le=24 * 60, description="How long a record stays open to who opened it in an emergency."
    )
    oidc_issuer: str | None = Field(
        None,
        max_length=500,
        description="An outside issuer whose word signs linked staff in: the exact `iss` of its tokens. Needs the two "
        "settings below.",
    )
    oidc_audience: str | None = Field(None, max_length=500, description="What its tokens for us name as `aud`.")
    oidc_jwks_url: str | None = Field(
        None, description="Where its public keys are; https outside development, asked for every ten minutes at most."
    )
    crisis_resources_file: Path | None = Field(
        None,
        description="JSON file with the operator's own crisis numbers and words, in place of ours for the same country "
        "or language; see docs/safety.md.",
    )
    worker: WorkerPlace = Field(
        WorkerPlace.INSIDE,
        description="inside: the server itself passes events on; apart: `afterglow worker` processes do.",
    )
    leave_seconds: float = Field(
        1,
        gt=0,
        le=10,
        description="How soon what a consent allows to leave must be on its way. A withdrawal is acknowledged when "
        "this time is over, since nothing more can leave then.",
    )
    webhook_allowed_networks: list[Annotated[str, AfterValidator(_a_network)]] = Field(
        [],
        description="JSON list of networks, beside public addresses, that webhooks may go to; in development, by http "
        "too.",
    )
    webhook_ca_file: Path | None = Field(
        None, description="PEM file of certificates to trust, beside the system's, when webhooks are sent."
    )
    webhook_connections: int = Field(
        256, ge=8, le=10_000, description="Webhooks that one worker has under way at a time, of all endpoints together."
    )
    event_retention_days: int = Field(
        30, ge=7, le=365, description="How long events, deliveries and their attempts can be read."
    )
    tombstone_days: int = Field(
        90,
        ge=31,
        le=3650,
        description="How long a phone that was away is told what was removed meanwhile; after that it reads all anew.",
    )
    min_app_versions: AppVersions = Field(
        {},
        description='JSON object of the oldest apps that are served, such as {"ios": "3.2", "android": "3.1.4"}; older '
        "ones can only upload, get help and sign out.",
    )
    latest_app_versions: AppVersions = Field({}, description="The same of the newest apps, for phones to know.")
    feature_flags: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")], bool] = Field(
        {}, description='JSON object of what apps show or leave out, such as {"journal": true}.'
    )
    metrics_token: SecretStr | None = Field(
        None,
        min_length=24,
        description="What Prometheus sends as its bearer token to /metrics; without one there is no such page.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="smtps://USER:PASSWORD@HOST:PORT, or smtp:// for STARTTLS: the server that sends our mail. Without "
        "one, nobody is told of alerts, nor owners of endpoints that were given up.",
    )
    mail_from: str | None = Field(
        None, pattern=r"^[^@\s<>,;:\"()]+@[A-Za-z0-9.-]+$", max_length=254, description="The address that mail is from."
    )
    access_token_minutes: int = Field(10, ge=1, le=24 * 60, description="Life of an access token.")
    step_up_minutes: int = Field(
        10, ge=1, le=60, description="How recent proof of identity must be for what is sensitive."
    )
    password_hash_memory_kib: int = Field(19456, ge=8, description="argon2id memory per hash, in KiB.")
    password_hash_rounds: int = Field(2, ge=1, description="argon2id passes per hash.")
    password_hashes_at_once: int = Field(2, ge=1, le=32, description="Hashes computed at the same time.")
    password_hashes_waiting: int = Field(
        64, ge=1, le=10_000, description="Hashes that may wait for their turn; whoever comes then is told to come back."
    )
    limit_default: Limit = Field(
        "600/60",
        description="requests/seconds of one signed-in device. All limits are written so; 600/60/50 is a burst of 50.",
    )
    limit_upload: Limit = Field("1200/60", description="Requests of one device that send check-ins.")
    limit_essential: Limit = Field(
        "1200/60", description="Requests of one device that must not fail for others: signing out, withdrawing, crisis."
    )
    limit_calendar: Limit = Field(
        "60/600", description="Requests for one calendar feed, and of one address for feeds that do not exist."
    )
    limit_token: Limit = Field("60/300", description="New access tokens of one device or API client.")
    limit_token_address: Limit = Field("60/300", description="Failed requests for tokens from one address.")
    limit_sign_in_account: Limit = Field("10/300", description="Attempts to sign in to one account.")
    limit_sign_in_address: Limit = Field(
        "30/300", description="Failed attempts to sign in from one address, behind which a whole clinic may be."
    )
    limit_sign_in_site: Limit = Field("1000/300", description="Failed attempts to sign in, of everybody together.")
    limit_second_factor: Limit = Field("5/300", description="One-time codes tried for one account, in minutes,")
    limit_second_factor_hour: Limit = Field("20/3600", description="in an hour,")
    limit_second_factor_day: Limit = Field("50/86400", description="and in a day.")
    log_format: str = Field("json", pattern="^(json|console)$", description="json for machines, console for people.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe line written.")
    drain_seconds: float = Field(
        0,
        ge=0,
        le=60,
        description="How long /readyz fails before the port closes, so that a load balancer can look elsewhere first.",
    )
    graceful_shutdown_seconds: int = Field(20, ge=1, le=300, description="Time that running requests get at the end.")

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: dict[str, object]) -> dict[str, object]:
        for name in (
            "database_url",
            "read_database_url",
            "migration_database_url",
            "secret_keys",
            "metrics_token",
            "smtp_url",
        ):
            path = os.environ.get(f"AFTERGLOW_{name.upper()}_FILE")
            if path and name not in values:
                text = Path(path).read_text(encoding="utf-8").strip()
                values[name] = text.splitlines() if name == "secret_keys" else text
        return values

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("oidc_jwks_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not (value.startswith(("https://", "http://")) and urlsplit(value).hostname):
            raise ValueError("must be an address that starts with https://")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _names_a_mail_server(value.get_secret_value()):
            raise ValueError("must be smtps://USER:PASSWORD@HOST:PORT or the same with smtp://")
        return value

    @model_validator(mode="after")
    def _mail_as_a_whole(self) -> Self:
        if (self.smtp_url is None) is not (self.mail_from is None):
            raise ValueError("AFTERGLOW_SMTP_URL and AFTERGLOW_MAIL_FROM belong together: set both or none")
        return self

    @model_validator(mode="after")
    def _a_replica_of_postgresql(self) -> Self:
        if self.read_database_url is not None and (
            self.is_sqlite or not self.read_database_url.startswith(("postgresql://", "postgres://"))
        ):
            raise ValueError("AFTERGLOW_READ_DATABASE_URL is for a replica of PostgreSQL: both start postgresql://")
        return self

    @model_validator(mode="after")
    def _apps_that_exist(self) -> Self:
        for platform, least in self.min_app_versions.items():
            newest = self.latest_app_versions.get(platform)
            if newest is not None and parts(newest) < parts(least):
                raise ValueError("AFTERGLOW_MIN_APP_VERSIONS asks for an app newer than AFTERGLOW_LATEST_APP_VERSIONS")
        return self

    @model_validator(mode="after")
    def _an_issuer_as_a_whole(self) -> Self:
        if len({setting is None for setting in (self.oidc_issuer, self.oidc_audience, self.oidc_jwks_url)}) > 1:
            raise ValueError("AFTERGLOW_OIDC_ISSUER, _AUDIENCE and _JWKS_URL belong together: set all or none")
        return self

    @model_validator(mode="after")
    def _fit_for_the_environment(self) -> Self:
        if not self.secret_keys:
            msg = "AFTERGLOW_SECRET_KEYS needs at least one secret"
            raise ValueError(msg)
        if self.environment is Environment.DEVELOPMENT:
            return self
        for secret in self.secret_keys:
            value = secret.get_secret_value()
            if (
                value == SAMPLE_SECRET
                or len(value) < MIN_SECRET_CHARACTERS
                or len(set(value)) < MIN_SECRET_CHARACTERS // 4
            ):
                msg = (
                    f"AFTERGLOW_SECRET_KEYS must be set outside development, each secret random and of "
                    f"{MIN_SECRET_CHARACTERS} characters or more"
                )
                raise ValueError(msg)
        if not self.public_url.startswith("https://"):
            msg = "AFTERGLOW_PUBLIC_URL must start with https:// outside development"
            raise ValueError(msg)
        if (self.oidc_jwks_url or "https://").startswith("http://"):
            msg = "AFTERGLOW_OIDC_JWKS_URL must start with https:// outside development"
            raise ValueError(msg)
        if any(origin.startswith("http://") and origin != "http://localhost" for origin in self.cors_origins):
            msg = "AFTERGLOW_CORS_ORIGINS must start with https:// outside development (apps in a shell: http://localhost)"
            raise ValueError(msg)
        return self

    @property
    def as_owner(self) -> Self:
        """The same settings with the address of the owner of the tables, where one is set."""
        if self.migration_database_url is None:
            return self
        return self.model_copy(update={"database_url": self.migration_database_url})

    @property
    def as_reader(self) -> Self | None:
        """The same settings with the address of the replica, where one is set."""
        if self.read_database_url is None:
            return None
        return self.model_copy(update={"database_url": self.read_database_url})

    @property
    def is_development(self) -> bool:
        """Whether shortcuts for a developer's machine are allowed."""
        return self.environment is Environment.DEVELOPMENT

    @property
    def passkey_domain(self) -> str:
        """The domain that passkeys belong to. Numeric addresses have none; a developer's own machine is `localhost`."""
        host = urlsplit(self.public_url).hostname or ""
        return "localhost" if self.is_development and host == "127.0.0.1" else host

    @property
    def passkey_origins(self) -> list[str]:
        """Where passkeys may be used: our own pages, and the clinic's Android apps. iOS apps are told by the domain."""
        address = urlsplit(self.public_url)
        port = f":{address.port}" if address.port else ""
        web = f"{address.scheme}://{self.passkey_domain}{port}"
        return [web, *(f"android:apk-key-hash:{_key_hash(app)}" for app in self.android_apps)]

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded database is used: one process, one connection."""
        return self.database_url.startswith("sqlite")

    @property
    def async_database_url(self) -> str:
        """The address with the driver that this service uses."""
        scheme, _, rest = self.database_url.partition("://")
        driver = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
        return f"{driver.get(scheme, scheme)}://{rest}"


def _names_a_mail_server(address: str) -> bool:
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        return False
    return named and parts.scheme in {"smtp", "smtps"} and not (parts.path.strip("/") or parts.query or parts.fragment)


def _key_hash(app: str) -> str:
    """How Android names the certificate of an app."""
    fingerprint = bytes.fromhex(app.partition("=")[2].replace(":", ""))
    return base64.urlsafe_b64encode(fingerprint).rstrip(b"=").decode()


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
