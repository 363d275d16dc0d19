"""Registering, changing and ending clients, and their secrets."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.api_clients import secrets
from app.api_clients import service as api_clients
from app.api_clients.models import ApiClient, ApiClientSecret
from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Device, Membership
from app.identity.permissions import Role
from tests.cast import Cast
from tests.factories import Person, a_clinic, a_member_of_staff, an_api_client
from tests.programs import Program, a_token, ask, by_post, refused
from tests.signers import a_key, by_assertion, claims_of, public_half, signed

NewClient = Callable[..., httpx2.AsyncClient]
NEW = {
    "name": "Practice software",
    "authentication": "client_secret",
    "relationship": "clinic_system",
    "scopes": ["patients:read", "appointments:read"],
}
APP = NEW | {"authentication": "none", "redirect_uris": ["com.example.app:/back"], "scopes": ["check_ins:write"]}
MORE = ["patients:read", "appointments:read", "appointments:write"]
NOBODY = "0199f3d2-7c1e-7b60-9f3a-5d2e8c41a907"
CHANGED = {"name": "Practice software 2", "scopes": ["patients:read"]}


class TestCreate:
    async def test_shows_the_secret_once_and_keeps_its_hash(
        self, as_admin: httpx2.AsyncClient, admin: Person, db: Database
    ) -> None:
        answer = await as_admin.post("/v1/api-clients", json=NEW)

        assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
        made = answer.json()
        secret = made["client_secret"]
        assert secret.startswith("agl_cs_")
        read = await as_admin.get(f"/v1/api-clients/{made['client_id']}")
        assert secret not in read.text
        assert read.json() == {name: value for name, value in made.items() if name != "client_secret"}
        assert [found["last_characters"] for found in read.json()["secrets"]] == [secret[-4:]]
        kept = (await db.scalars(sa.select(ApiClientSecret))).one()
        assert kept.hash == secrets.digest(secret)
        assert (await db.get_one(ApiClient, kept.client_id)).created_by == admin.membership.id

    async def test_makes_a_member_without_an_account_who_is_no_colleague(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        before = (await as_admin.get("/v1/staff")).json()

        client_id = (await as_admin.post("/v1/api-clients", json=NEW)).json()["client_id"]

        member = (await db.scalars(sa.select(Membership).where(Membership.role == "service"))).one()
        assert (str(member.id), member.account_id, member.clinic_id) == (client_id, None, cast.clinic.id)
        assert (await as_admin.get("/v1/staff")).json() == before

    async def test_takes_public_keys_instead_of_a_secret(self, as_admin: httpx2.AsyncClient) -> None:
        keys = [public_half(a_key(kind), kind, use="sig") for kind in ("P-256", "RSA")]

        answer = await as_admin.post(
            "/v1/api-clients", json=NEW | {"authentication": "private_key_jwt", "jwks": {"keys": keys}}
        )

        assert answer.status_code == 201
        assert (answer.json()["client_secret"], answer.json()["secrets"]) == (None, [])
        shown = [{name: v for name, v in key.items() if v is not None} for key in answer.json()["jwks"]["keys"]]
        assert shown == keys

    @pytest.mark.parametrize(
        ("but", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"scopes": []}, "/scopes"),
            ({"scopes": ["patients:rule"]}, "/scopes/0"),
            ({"scopes": ["dosing:clear"]}, "/scopes/0"),
            ({"scopes": ["api_clients:write"]}, "/scopes/0"),
            ({"relationship": "outside_recipient"}, "/scopes/0"),
            ({"relationship": "friend"}, "/relationship"),
            ({"authentication": "password"}, "/authentication"),
            ({"authentication": "private_key_jwt"}, "/jwks/keys"),
            ({"authentication": "none"}, "/redirect_uris"),
            ({"authentication": "none", "redirect_uris": ["https://*.example/"]}, "/redirect_uris/0"),
            ({"client_secret": "agl_cs_mine"}, "/client_secret"),
            ({"clinic_id": NOBODY}, "/clinic_id"),
        ],
        ids=str,
    )
    async def test_points_at_what_is_wrong(
        self, as_admin: httpx2.AsyncClient, but: dict[str, Any], pointer: str, db: Database
    ) -> None:
        answer = await as_admin.post("/v1/api-clients", json=NEW | but)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
        assert (await db.scalars(sa.select(ApiClient))).all() == []

    async def test_a_private_key_is_refused_and_not_repeated(self, as_admin: httpx2.AsyncClient) -> None:
        private = {**a_key().as_dict(private=True), "kid": "k1"}

        answer = await as_admin.post(
            "/v1/api-clients", json=NEW | {"authentication": "private_key_jwt", "jwks": {"keys": [private]}}
        )

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/jwks/keys/0/d")
        assert str(private["d"]) not in answer.text

    async def test_there_is_an_end_to_them(
        self, as_admin: httpx2.AsyncClient, program: Program, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(api_clients, "MOST_CLIENTS", 1)

        assert (await as_admin.post("/v1/api-clients", json=NEW)).json()["code"] == "too_many_api_clients"
        await as_admin.delete(f"/v1/api-clients/{program[0]}")
        assert (await as_admin.post("/v1/api-clients", json=NEW)).status_code == 201


class TestStepUp:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/v1/api-clients", NEW),
            ("PUT", "/v1/api-clients/{id}", CHANGED),
            ("POST", "/v1/api-clients/{id}/secret-rotation", {}),
        ],
    )
    async def test_whatever_makes_a_way_in_needs_a_recent_sign_in(
        self, as_admin: httpx2.AsyncClient, program: Program, db: Database, method: str, path: str, body: Any
    ) -> None:
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(minutes=11)))

        answer = await as_admin.request(method, path.format(id=program[0]), json=body, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.json()["code"]) == (401, "recent_sign_in_required")

    async def test_ending_access_does_not(self, as_admin: httpx2.AsyncClient, program: Program, db: Database) -> None:
        await db.execute(sa.update(Device).values(signed_in_at=clock.now() - timedelta(minutes=11)))

        assert (await as_admin.delete(f"/v1/api-clients/{program[0]}")).status_code == 204


class TestRead:
    async def test_lists_the_newest_first_without_the_ended(
        self, as_admin: httpx2.AsyncClient, cast: Cast, db: Database
    ) -> None:
        ids = [(await an_api_client(db, cast.clinic, name=f"Program {number}"))[0] for number in range(3)]
        await as_admin.delete(f"/v1/api-clients/{ids[1]}")

        found = (await as_admin.get("/v1/api-clients")).json()

        assert [item["client_id"] for item in found["items"]] == [ids[2], ids[0]]
        assert found["next_cursor"] is None

    async def test_tells_when_nothing_changed(self, as_admin: httpx2.AsyncClient, program: Program) -> None:
        address = f"/v1/api-clients/{program[0]}"
        tag = (await as_admin.get(address)).headers["etag"]

        assert (await as_admin.get(address, headers={"If-None-Match": tag})).status_code == 304

    async def test_tells_when_a_secret_was_last_used(
        self, as_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, program: Program
    ) -> None:
        address = f"/v1/api-clients/{program[0]}"
        before = await as_admin.get(address)
        await by_post(client, program)

        after = await as_admin.get(address, headers={"If-None-Match": before.headers["etag"]})

        assert before.json()["secrets"][0]["last_used_at"] is None
        assert after.json()["secrets"][0]["last_used_at"] is not None


class TestOtherClinics:
    """A program of one clinic is nothing to another."""

    @pytest.fixture
    async def as_other_admin(self, new_client: NewClient, db: Database, settings: Settings) -> httpx2.AsyncClient:
        elsewhere = await a_clinic(db, name="Hillside")
        return new_client((await a_member_of_staff(db, settings, elsewhere, Role.CLINIC_ADMIN)).token)

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "", None),
            ("PUT", "", CHANGED),
            ("DELETE", "", None),
            ("POST", "/secret-rotation", {"keep_old_hours": 0}),
            ("DELETE", f"/secrets/{NOBODY}", None),
        ],
    )
    async def test_it_is_not_there(
        self,
        as_other_admin: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        program: Program,
        method: str,
        path: str,
        body: Any,
    ) -> None:
        answer = await as_other_admin.request(
            method, f"/v1/api-clients/{program[0]}{path}", json=body, headers={"If-Match": "*"}
        )

        assert answer.status_code == 404
        assert (await as_other_admin.get("/v1/api-clients")).json()["items"] == []
        assert (await by_post(client, program)).status_code == 200


class TestChange:
    async def test_replaces_all_and_ends_the_tokens(
        self, as_admin: httpx2.AsyncClient, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        as_program = new_client(await a_token(client, program))
        assert (await as_program.get("/v1/appointments")).status_code == 200

        answer = await as_admin.put(f"/v1/api-clients/{program[0]}", json=CHANGED, headers={"If-Match": '"1"'})

        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["scopes"]) == ("Practice software 2", ["patients:read"])
        assert answer.json()["version"] == 2
        assert (await as_program.get("/v1/appointments")).status_code == 401
        again = new_client(await a_token(client, program))
        assert (await again.get("/v1/appointments")).status_code == 403
        assert (await again.get("/v1/patients")).status_code == 200

    @pytest.mark.parametrize(
        "but", [{"name": "Another name"}, {"scopes": [*MORE, "staff:read"]}], ids=["a name", "another permission"]
    )
    async def test_ends_nothing_when_nothing_is_taken_away(
        self,
        as_admin: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        program: Program,
        but: dict[str, Any],
    ) -> None:
        as_program = new_client(await a_token(client, program))

        answer = await as_admin.put(
            f"/v1/api-clients/{program[0]}", json={"name": "x", "scopes": MORE} | but, headers={"If-Match": '"1"'}
        )

        assert answer.status_code == 200
        assert (await as_program.get("/v1/appointments")).status_code == 200
        assert (await as_program.get("/v1/staff")).status_code == 403

    async def test_other_keys_end_what_the_old_ones_got(
        self,
        as_admin: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        cast: Cast,
        db: Database,
    ) -> None:
        old, new = a_key(), a_key("P-256", 2)
        keys = {"keys": [public_half(old)]}
        signer, _ = await an_api_client(db, cast.clinic, authentication="private_key_jwt", jwks=keys)
        token = (await ask(client, **by_assertion(signed(claims_of(signer), old)))).json()["access_token"]

        body = {"name": "x", "scopes": MORE, "jwks": {"keys": [public_half(new)]}}
        await as_admin.put(f"/v1/api-clients/{signer}", json=body, headers={"If-Match": "*"})

        assert (await new_client(token).get("/v1/patients")).status_code == 401
        assert refused(await ask(client, **by_assertion(signed(claims_of(signer), old))))
        assert (await ask(client, **by_assertion(signed(claims_of(signer), new)))).status_code == 200

    async def test_needs_the_version_that_was_read(self, as_admin: httpx2.AsyncClient, program: Program) -> None:
        address = f"/v1/api-clients/{program[0]}"

        assert (await as_admin.put(address, json=CHANGED)).status_code == 428
        stale = await as_admin.put(address, json=CHANGED, headers={"If-Match": '"7"'})
        assert (stale.status_code, stale.json()["current"]["version"]) == (412, 1)

    async def test_cannot_give_what_its_kind_may_not_have(self, as_admin: httpx2.AsyncClient, program: Program) -> None:
        answer = await as_admin.put(
            f"/v1/api-clients/{program[0]}",
            json=CHANGED | {"scopes": ["patients:read", "consents:read"]},
            headers={"If-Match": '"1"'},
        )

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/scopes/1")


class TestEnd:
    async def test_ends_everything_at_once(
        self,
        as_admin: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        program: Program,
        db: Database,
    ) -> None:
        as_program = new_client(await a_token(client, program))

        assert (await as_admin.delete(f"/v1/api-clients/{program[0]}")).status_code == 204

        assert (await as_program.get("/v1/patients")).status_code == 401
        assert (await by_post(client, program)).json()["error"] == "invalid_client"
        devices = (await db.scalars(sa.select(Device).where(Device.label == "Practice software"))).all()
        assert [device.ended_because for device in devices] == ["client_ended"]

    async def test_also_ends_a_token_that_was_just_being_given(
        self,
        as_admin: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        new_client: NewClient,
        program: Program,
        db: Database,
    ) -> None:
        """Its device is not there yet when the others are ended, but whom it belongs to is."""
        as_program = new_client(await a_token(client, program))
        await as_admin.delete(f"/v1/api-clients/{program[0]}")

        await db.execute(sa.update(Device).values(ended_at=None))

        assert (await as_program.get("/v1/patients")).status_code == 401

    async def test_keeps_it_on_record_and_lets_nobody_change_it(
        self, as_admin: httpx2.AsyncClient, program: Program
    ) -> None:
        address = f"/v1/api-clients/{program[0]}"
        await as_admin.delete(address)

        assert (await as_admin.get(address)).json()["ended_at"] is not None
        assert (await as_admin.delete(address)).status_code == 204
        changed = await as_admin.put(address, json=CHANGED, headers={"If-Match": "*"})
        rotated = await as_admin.post(f"{address}/secret-rotation", json={})
        assert [changed.json()["code"], rotated.json()["code"]] == ["api_client_ended"] * 2

    async def test_ends_what_people_signed_in_to_through_an_app(
        self, as_admin: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database
    ) -> None:
        made = (await as_admin.post("/v1/api-clients", json=APP)).json()
        await db.execute(
            sa.update(Device)
            .where(Device.membership_id == cast.patient.membership.id)
            .values(client_id=UUID(made["client_id"]))
        )

        await as_admin.delete(f"/v1/api-clients/{made['client_id']}")

        assert (await new_client(cast.patient.token).get("/v1/me")).status_code == 401
        assert (await new_client(cast.nurse.token).get("/v1/me")).status_code == 200

    async def test_says_who_did_it(
        self, as_admin: httpx2.AsyncClient, admin: Person, program: Program, db: Database
    ) -> None:
        await as_admin.delete(f"/v1/api-clients/{program[0]}")

        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "end_api_client"))).one()
        assert (entry.actor_id, str(entry.subject_id)) == (admin.membership.id, program[0])
