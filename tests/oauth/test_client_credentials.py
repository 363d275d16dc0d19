"""Programs at the token endpoint: how they prove who they are, what they get, and everything that gets them nothing."""

import base64
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from urllib.parse import quote_plus
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa
import time_machine
from fastapi import FastAPI

from app.api_clients.models import ApiClient, ApiClientSecret
from app.audit.models import AuditEntry
from app.core import clock
from app.core.db import Database
from app.core.limits import Limits
from app.core.settings import Settings
from app.identity.models import Device
from app.identity.permissions import Role
from tests.cast import Cast
from tests.factories import a_clinic, a_member_of_staff, a_patient, an_api_client, an_id
from tests.programs import GRANT, Program, ask, by_basic, by_post, refused

NewClient = Callable[..., httpx2.AsyncClient]


class TestToken:
    async def test_lasts_five_minutes_and_cannot_be_refreshed(
        self, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        answer = await by_post(client, program)

        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        body = answer.json()
        token = body.pop("access_token")
        assert body == {
            "expires_in": 300,
            "token_type": "Bearer",
            "scope": "appointments:read appointments:write patients:read",
        }
        as_program = new_client(token)
        with time_machine.travel(clock.now() + timedelta(minutes=4), tick=True):
            assert (await as_program.get("/v1/patients")).status_code == 200
        with time_machine.travel(clock.now() + timedelta(seconds=301), tick=True):
            assert (await as_program.get("/v1/patients")).status_code == 401

    async def test_reaches_every_patient_of_the_clinic_and_no_other(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, db: Database, settings: Settings
    ) -> None:
        elsewhere = await a_clinic(db, name="Hillside")
        foreign = await a_patient(db, settings, elsewhere)
        program = await an_api_client(db, cast.clinic)
        as_program = new_client((await by_post(client, program)).json()["access_token"])

        listed = (await as_program.get("/v1/patients")).json()["items"]

        assert {item["id"] for item in listed} == {cast.patient_id, cast.other_patient_id}
        assert (await as_program.get(f"/v1/patients/{cast.patient_id}")).status_code == 200
        assert (await as_program.get(f"/v1/patients/{foreign.patient_id}")).status_code == 404

    async def test_books_in_its_own_name(
        self, client: httpx2.AsyncClient, new_client: NewClient, cast: Cast, program: Program, db: Database
    ) -> None:
        as_program = new_client((await by_post(client, program)).json()["access_token"])
        body = {"kind": "cbt", "scheduled_at": (clock.now() + timedelta(days=2)).isoformat()}

        answer = await as_program.put(f"/v1/patients/{cast.patient_id}/appointments/{an_id()}", json=body)

        assert answer.status_code == 201
        entry = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.operation == "book_appointment"))).one()
        assert (str(entry.actor_id), entry.actor_role, entry.outcome) == (program[0], "service", "allowed")

    async def test_is_no_person(self, client: httpx2.AsyncClient, new_client: NewClient, program: Program) -> None:
        as_program = new_client((await by_post(client, program)).json()["access_token"])

        own = ["/v1/me", "/v1/me/devices", "/v1/me/check-ins", "/v1/me/trends?measure=mood", "/v1/me/consents"]

        assert {path: (await as_program.get(path)).status_code for path in own} == dict.fromkeys(own, 403)

    async def test_is_kept_out_of_what_its_scopes_do_not_name(
        self, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        as_program = new_client((await by_post(client, program)).json()["access_token"])

        answer = await as_program.get("/v1/staff")

        assert answer.status_code == 403
        assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="staff:read"'
        held_by_no_program = await as_program.get("/v1/audit-entries")
        assert (held_by_no_program.status_code, "www-authenticate" in held_by_no_program.headers) == (403, False)

    async def test_is_counted_and_forgotten_after_an_hour(
        self, client: httpx2.AsyncClient, program: Program, db: Database
    ) -> None:
        of_program = sa.select(sa.func.count()).where(Device.client_id == UUID(program[0]))
        for _ in range(3):
            await by_post(client, program)
        assert await db.scalar(of_program) == 3

        with time_machine.travel(clock.now() + timedelta(minutes=66), tick=True):
            await by_post(client, program)

        assert await db.scalar(of_program) == 1

    async def test_each_attempt_is_in_the_audit(
        self, client: httpx2.AsyncClient, program: Program, cast: Cast, db: Database
    ) -> None:
        await by_post(client, program)
        await by_post(client, (program[0], "agl_cs_wrong"))
        await by_post(client, (str(an_id()), "agl_cs_wrong"))

        entries = (
            await db.scalars(
                sa.select(AuditEntry)
                .where(AuditEntry.operation == "client_credentials")
                .order_by(AuditEntry.at, AuditEntry.id)
            )
        ).all()

        told = [(e.outcome, str(e.actor_id), e.clinic_id, e.reason) for e in entries]
        assert told == [
            ("allowed", program[0], cast.clinic.id, None),
            ("denied", program[0], cast.clinic.id, "wrong_secret"),
            ("denied", "None", None, "wrong_secret"),
        ]


class TestScope:
    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            ("patients:read", "patients:read"),
            ("patients:read appointments:read", "appointments:read patients:read"),
            ("", "appointments:read appointments:write patients:read"),
        ],
    )
    async def test_may_be_narrowed(self, client: httpx2.AsyncClient, program: Program, asked: str, given: str) -> None:
        assert (await by_post(client, program, scope=asked)).json()["scope"] == given

    async def test_a_narrow_token_does_no_more(
        self, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        token = (await by_post(client, program, scope="patients:read")).json()["access_token"]

        assert (await new_client(token).get("/v1/patients")).status_code == 200
        assert (await new_client(token).get("/v1/appointments")).status_code == 403

    @pytest.mark.parametrize(
        "asked",
        ["staff:read", "patients:read staff:read", "dosing:clear", "openid", "patients:rule", "*", "system/*.read"],
    )
    async def test_is_never_widened(
        self, client: httpx2.AsyncClient, program: Program, asked: str, db: Database
    ) -> None:
        answer = await by_post(client, program, scope=asked)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
        assert (await db.scalars(sa.select(Device).where(Device.client_id == UUID(program[0])))).all() == []


class TestSecret:
    async def test_is_taken_in_the_header_too(self, client: httpx2.AsyncClient, program: Program) -> None:
        assert (await by_basic(client, *program)).status_code == 200
        assert (await by_basic(client, *map(quote_plus, program), client_id=program[0])).status_code == 200

    @pytest.mark.parametrize("change", ["cut", "longer", "other", "empty", "case", "of another", "hash"])
    async def test_any_other_is_refused(
        self, client: httpx2.AsyncClient, program: Program, cast: Cast, db: Database, change: str
    ) -> None:
        client_id, secret = program
        other = (await an_api_client(db, cast.clinic))[1]
        wrong = {
            "cut": secret[:-1],
            "longer": secret + "A",
            "other": "agl_cs_" + "A" * 48,
            "empty": "",
            "case": secret.swapcase(),
            "of another": other,
            "hash": sha256(secret.encode()).hexdigest(),
        }[change]

        assert refused(await by_post(client, (client_id, wrong)))
        assert refused(await by_basic(client, client_id, wrong))

    async def test_of_another_clinic_is_refused(
        self, client: httpx2.AsyncClient, program: Program, db: Database
    ) -> None:
        foreign = await an_api_client(db, await a_clinic(db, name="Hillside"))

        assert refused(await by_post(client, (program[0], foreign[1])))
        assert refused(await by_post(client, (foreign[0], program[1])))

    @pytest.mark.parametrize(
        "client_id", ["", "x", "docs", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
    )
    async def test_of_nobody_is_refused_alike(
        self, client: httpx2.AsyncClient, program: Program, client_id: str
    ) -> None:
        unknown = await by_post(client, (client_id, program[1]))
        wrong = await by_post(client, (program[0], "agl_cs_wrong"))

        assert refused(unknown)
        assert unknown.json() == wrong.json()

    async def test_of_nobody_takes_the_same_statements(
        self, client: httpx2.AsyncClient, program: Program, queries: list[str]
    ) -> None:
        sent = []
        for attempt in ((program[0], "agl_cs_wrong"), (str(an_id()), "agl_cs_wrong")):
            await client.get("/healthz")
            queries.clear()
            await by_post(client, attempt)
            sent.append(list(queries))

        assert sent[0] == sent[1]

    async def test_of_a_person_is_refused(self, client: httpx2.AsyncClient, cast: Cast) -> None:
        assert refused(await by_post(client, (str(cast.nurse.membership.id), "correct-harbour-lantern")))

    async def test_that_was_rotated_out_is_refused(
        self, client: httpx2.AsyncClient, program: Program, db: Database
    ) -> None:
        await db.execute(sa.update(ApiClientSecret).values(ends_at=clock.now() - timedelta(seconds=1)))

        assert refused(await by_post(client, program))

    async def test_of_a_client_that_was_ended_is_refused(
        self, client: httpx2.AsyncClient, program: Program, db: Database
    ) -> None:
        await db.execute(sa.update(ApiClient).values(ended_at=clock.now()))

        assert refused(await by_post(client, program))

    @pytest.mark.parametrize(
        "header",
        ["Basic", "Basic !!!!", "Basic eA==", "Basic 6Q==", "basic " + base64.b64encode(b"a:b").decode()],
    )
    async def test_a_header_that_is_none_is_refused(self, client: httpx2.AsyncClient, header: str) -> None:
        assert refused(await client.post("/oauth/token", data=GRANT, headers={"Authorization": header}))

    async def test_is_not_taken_in_the_address(
        self, client: httpx2.AsyncClient, program: Program, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO")
        address = f"/oauth/token?client_id={program[0]}&client_secret={program[1]}"

        answer = await client.post(address, data=GRANT)

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        ours = [record.getMessage() for record in caplog.records if record.name.startswith("afterglow")]
        assert ours
        assert not any(program[1] in line for line in ours)

    async def test_a_token_in_the_address_is_nobodys(
        self, client: httpx2.AsyncClient, new_client: NewClient, program: Program
    ) -> None:
        token = (await by_post(client, program)).json()["access_token"]

        assert (await new_client().get(f"/v1/patients?access_token={token}")).status_code == 401

    async def test_one_way_at_a_time(self, client: httpx2.AsyncClient, program: Program) -> None:
        twice = await by_basic(client, *program, client_secret=program[1])
        two_names = await by_basic(client, *program, client_id=str(an_id()))

        assert {answer.json()["error"] for answer in (twice, two_names)} == {"invalid_request"}

    async def test_a_client_with_a_key_or_without_anything_has_none(
        self, client: httpx2.AsyncClient, signer: str, cast: Cast, db: Database
    ) -> None:
        app, _ = await an_api_client(db, cast.clinic, authentication="none", redirect_uris=["https://a.example/"])

        for client_id in (signer, app):
            assert refused(await ask(client, client_id=client_id))
            assert refused(await by_post(client, (client_id, "agl_cs_x")))


class TestHowOften:
    async def test_one_client_gets_no_more_than_its_share(
        self, client: httpx2.AsyncClient, program: Program, cast: Cast, db: Database, app: FastAPI, settings: Settings
    ) -> None:
        app.state.limits = Limits(settings.model_copy(update={"limit_token": "3/300"}), app.state.engine)
        other = await an_api_client(db, cast.clinic)

        answers = [await by_post(client, program) for _ in range(5)]

        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
        assert (await by_post(client, other)).status_code == 200
        await app.state.limits.settle()


class TestStepUp:
    async def test_no_program_gets_where_a_recent_sign_in_is_asked_for(
        self, client: httpx2.AsyncClient, new_client: NewClient, program: Program, db: Database, settings: Settings
    ) -> None:
        as_program = new_client((await by_post(client, program)).json()["access_token"])
        admin = await a_member_of_staff(db, settings, await a_clinic(db), Role.CLINIC_ADMIN)

        assert (await as_program.post("/v1/api-clients", json={})).status_code == 403
        assert (await new_client(admin.token).post("/v1/api-clients", json={})).status_code == 422
