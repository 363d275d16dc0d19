"""Exchanging the issuer's tokens for ours, and everything that is not exchanged."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
import time_machine

from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import EVERY_CLINIC, Database
from app.core.settings import Settings
from app.identity.models import Device, Membership
from app.identity.permissions import Role
from tests.cast import Cast
from tests.external_identities.fake_issuer import AUDIENCE, SUBJECT, FakeIssuer
from tests.external_identities.test_routes import address, link
from tests.factories import Person, a_clinic, a_member_of_staff, an_id
from tests.signers import a_key, claims_of, in_seconds, signed, unsigned

NewClient = Callable[..., httpx2.AsyncClient]
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ABSENT: Any = None


async def exchange(client: httpx2.AsyncClient, token: str, clinic_id: object) -> httpx2.Response:
    form = {"grant_type": JWT_BEARER, "assertion": token, "clinic_id": str(clinic_id)}
    return await client.post("/oauth/token", data=form)


@pytest.fixture
async def linked(as_admin: httpx2.AsyncClient, cast: Cast, trusted: FakeIssuer) -> Person:
    """A nurse whom the issuer knows."""
    assert (await link(as_admin, cast.nurse)).status_code == 200
    return cast.nurse


class TestExchange:
    async def test_signs_in_who_is_linked(
        self, client: httpx2.AsyncClient, new_client: NewClient, linked: Person, trusted: FakeIssuer, cast: Cast
    ) -> None:
        answer = await exchange(client, trusted.token(), cast.clinic.id)

        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        as_nurse = new_client(answer.json()["access_token"])
        assert (await as_nurse.get("/v1/me")).json()["id"] == str(linked.membership.id)
        assert (await as_nurse.get(f"/v1/patients/{cast.patient_id}")).status_code == 200
        labels = [device["label"] for device in (await as_nurse.get("/v1/me/devices")).json()["items"]]
        assert "Signed in at login.clinic.example" in labels

    @pytest.mark.parametrize(("kind", "algorithm"), [("P-256", "ES256"), ("P-384", "ES384"), ("Ed25519", "EdDSA")])
    async def test_takes_each_kind_of_key(
        self,
        client: httpx2.AsyncClient,
        linked: Person,
        trusted: FakeIssuer,
        cast: Cast,
        kind: str,
        algorithm: str,
    ) -> None:
        trusted.keys = {"new": a_key(kind, 7)}

        answer = await exchange(client, trusted.token("new", algorithm=algorithm), cast.clinic.id)

        assert answer.status_code == 200

    @pytest.mark.parametrize("but", [{"aud": AUDIENCE}, {"typ": "application/at+jwt"}, {"typ": "AT+JWT"}], ids=str)
    async def test_takes_what_rfc_9068_allows(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast, but: dict[str, Any]
    ) -> None:
        assert (await exchange(client, trusted.token(**but), cast.clinic.id)).status_code == 200

    async def test_counts_as_recent_only_if_the_issuer_says_so(
        self,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        as_admin: httpx2.AsyncClient,
        admin: Person,
        trusted: FakeIssuer,
        cast: Cast,
    ) -> None:
        await link(as_admin, admin)
        found = {}
        for name, at in (("now", -60), ("long ago", -3600), ("unsaid", None), ("ahead", 3600)):
            said = None if at is None else in_seconds(at)
            tokens = (await exchange(client, trusted.token(auth_time=said), cast.clinic.id)).json()
            answer = await new_client(tokens["access_token"]).post("/v1/api-clients", json={})
            found[name] = answer.json()["code"]

        assert found == {
            "now": "invalid_request",
            "long ago": "recent_sign_in_required",
            "unsaid": "recent_sign_in_required",
            "ahead": "invalid_request",
        }

    async def test_works_where_one_says_one_works(
        self,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        linked: Person,
        trusted: FakeIssuer,
        cast: Cast,
        db: Database,
        settings: Settings,
    ) -> None:
        """An admin elsewhere who links the same subject does not get this person's sessions."""
        elsewhere = await a_clinic(db, name="Hillside")
        far_admin = await a_member_of_staff(db, settings, elsewhere, Role.CLINIC_ADMIN)
        far_nurse = await a_member_of_staff(db, settings, elsewhere, Role.NURSE)
        await link(new_client(far_admin.token), far_nurse)

        found = []
        for clinic in (cast.clinic, elsewhere):
            tokens = (await exchange(client, trusted.token(), clinic.id)).json()
            found.append((await new_client(tokens["access_token"]).get("/v1/me")).json()["id"])

        assert found == [str(linked.membership.id), str(far_nurse.membership.id)]

    async def test_unlinking_signs_out(
        self,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        as_admin: httpx2.AsyncClient,
        linked: Person,
        trusted: FakeIssuer,
        cast: Cast,
    ) -> None:
        tokens = (await exchange(client, trusted.token(), cast.clinic.id)).json()

        await as_admin.delete(address(linked))

        assert (await new_client(tokens["access_token"]).get("/v1/me")).status_code == 401
        assert (await new_client(linked.token).get("/v1/me")).status_code == 200
        assert (await exchange(client, trusted.token(), cast.clinic.id)).json()["error"] == "invalid_grant"


class TestRefusal:
    async def refused(self, client: httpx2.AsyncClient, token: str, cast: Cast) -> str:
        answer = await exchange(client, token, cast.clinic.id)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        return str(answer.json()["error_description"])

    @pytest.mark.parametrize(
        ("but", "named"),
        [
            ({"iss": "https://login.elsewhere.example"}, "iss"),
            ({"iss": "https://login.clinic.example/"}, "iss"),
            ({"aud": "another"}, "aud"),
            ({"aud": ["another", "account"]}, "aud"),
            ({"aud": None}, "aud"),
            ({"sub": None}, "sub"),
            ({"sub": 7}, "sub"),
            ({"exp": None}, "exp"),
            ({"jti": None}, "jti"),
            ({"typ": "JWT"}, "typ"),
            ({"typ": None}, "typ"),
            ({"auth_time": "now"}, "auth_time"),
        ],
        ids=str,
    )
    async def test_of_a_token_for_or_from_another(
        self,
        client: httpx2.AsyncClient,
        linked: Person,
        trusted: FakeIssuer,
        cast: Cast,
        but: dict[str, Any],
        named: str,
    ) -> None:
        assert named in await self.refused(client, trusted.token(**but), cast)

    @pytest.mark.parametrize(("name", "away"), [("exp", -1), ("exp", 90_000), ("nbf", 60), ("iat", 60)])
    async def test_of_a_token_out_of_its_time(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast, name: str, away: int
    ) -> None:
        but: dict[str, Any] = {name: in_seconds(away)}

        assert name in await self.refused(client, trusted.token(**but), cast)

    async def test_of_a_token_that_was_used(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast
    ) -> None:
        token = trusted.token()

        answers = await asyncio.gather(*(exchange(client, token, cast.clinic.id) for _ in range(5)))

        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 4
        assert "jti" in await self.refused(client, token, cast)

    async def test_of_forgeries(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast
    ) -> None:
        stranger = a_key("RSA", 8)
        header, claims, _ = trusted.token().split(".")
        said = claims_of("x", iss="https://login.clinic.example", sub=SUBJECT, aud=AUDIENCE)
        forged = [
            trusted.token(key=stranger),
            trusted.token("unknown"),
            signed(said, stranger, "RS256", typ="at+jwt", kid=["k1"]),
            signed(said, stranger, "RS256", typ="at+jwt", kid=None),
            unsigned(said, "none", typ="at+jwt"),
            unsigned(said, "HS256", b"x" * 32, typ="at+jwt"),
            f"{header}.{claims}.",
            "x",
            linked.token,
        ]

        for token in forged:
            await self.refused(client, token, cast)

    async def test_of_a_subject_that_is_not_linked(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast, db: Database
    ) -> None:
        """Nobody gets in by what the issuer says alone, and letters count."""
        for subject in (str(an_id()), SUBJECT.upper(), f" {SUBJECT}", linked.email, str(linked.membership.id)):
            assert "linked" in await self.refused(client, trusted.token(sub=subject), cast)
        entries = await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "exchange_outside_token"))
        assert {(entry.outcome, entry.reason) for entry in entries} == {("denied", "not_linked")}

    async def test_at_a_clinic_where_one_does_not_work(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, db: Database
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")

        for clinic_id in (elsewhere.id, an_id(), UUID(int=0)):
            assert (await exchange(client, trusted.token(), clinic_id)).json()["error"] == "invalid_grant"

    async def test_at_every_clinic_at_once(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, db: Database
    ) -> None:
        """The id that commands use to work behind no wall is no clinic."""
        answer = await exchange(client, trusted.token(), EVERY_CLINIC)

        assert answer.json()["error"] == "invalid_grant"
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.reason == "every_clinic"))).one()
        assert entry.outcome == "denied"

    async def test_of_who_left(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast, db: Database
    ) -> None:
        await db.execute(
            sa.update(Membership).where(Membership.id == linked.membership.id).values(ended_at=clock.now())
        )

        assert "linked" in await self.refused(client, trusted.token(), cast)

    @pytest.mark.parametrize("but", [{"assertion": ABSENT}, {"clinic_id": ABSENT}, {"clinic_id": "riverside"}], ids=str)
    async def test_of_a_form_that_is_none(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast, but: dict[str, str | None]
    ) -> None:
        form = {"grant_type": JWT_BEARER, "assertion": trusted.token(), "clinic_id": str(cast.clinic.id), **but}

        answer = await client.post("/oauth/token", data={name: sent for name, sent in form.items() if sent})

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    async def test_where_no_issuer_is_trusted(self, client: httpx2.AsyncClient, issuer: FakeIssuer, cast: Cast) -> None:
        answer = await exchange(client, issuer.token(), cast.clinic.id)

        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
        assert issuer.asked == []

    async def test_while_the_issuer_is_away_is_no_fault_of_the_caller(
        self, client: httpx2.AsyncClient, linked: Person, trusted: FakeIssuer, cast: Cast
    ) -> None:
        trusted.status = 500

        answer = await exchange(client, trusted.token(), cast.clinic.id)

        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0


class TestDevice:
    async def test_is_one_of_staff_with_a_second_factor_that_ends_after_twelve_hours(
        self,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        linked: Person,
        trusted: FakeIssuer,
        cast: Cast,
        db: Database,
    ) -> None:
        tokens = (await exchange(client, trusted.token(), cast.clinic.id)).json()

        device = (await db.scalars(sa.select(Device).where(Device.methods == "issuer"))).one()
        assert device.absolute_expires_at - device.signed_in_at == timedelta(hours=12)
        with time_machine.travel(clock.now() + timedelta(minutes=30), tick=True):
            form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
            assert (await client.post("/oauth/token", data=form)).status_code == 200
