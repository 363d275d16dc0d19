from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import PatientDetails
from tests.cast import Cast, a_cast
from tests.dosing.sessions import Clients, revision_of

KNOWN = {"born_on": "1988-03-14", "sex": "female"}


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
def path(cast: Cast) -> str:
    return f"/v1/patients/{cast.patient_id}/details"


@pytest.fixture
def nurse(new_client: Clients, cast: Cast) -> httpx2.AsyncClient:
    return new_client(cast.nurse.token)


class TestPatientDetails:
    async def test_are_unknown_until_somebody_enters_them(
        self, nurse: httpx2.AsyncClient, path: str, db: Database, cast: Cast
    ) -> None:
        before = await nurse.get(path)
        blind = await nurse.put(path, json=KNOWN)
        first = await nurse.put(path, json=KNOWN, headers={"if-match": before.headers["etag"]})
        again = await nurse.put(path, json=KNOWN, headers={"if-match": before.headers["etag"]})
        stale = await nurse.put(path, json=KNOWN | {"sex": "other"}, headers={"if-match": '"0"'})

        assert before.json() == {"version": 0, "born_on": None, "sex": "unknown"}
        assert blind.status_code == 428
        assert first.json() == again.json() == {"version": 1, **KNOWN} == (await nurse.get(path)).json()
        assert (stale.status_code, stale.json()["current"]) == (412, {"version": 1, **KNOWN})
        told = await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type == "patient.details_changed"))
        assert len(told.all()) == 1
        assert await revision_of(db, cast.patient) == 1
        raw = await db.execute(sa.text("SELECT born_on FROM patient_details"))
        assert b"1988" not in bytes(raw.scalar_one())

    async def test_can_be_forgotten_again(self, nurse: httpx2.AsyncClient, path: str, db: Database) -> None:
        await nurse.put(path, json=KNOWN, headers={"if-match": '"0"'})
        cleared = await nurse.put(path, json={"born_on": None, "sex": "unknown"}, headers={"if-match": '"1"'})

        assert cleared.json() == {"version": 2, "born_on": None, "sex": "unknown"}
        (kept,) = await db.scalars(sa.select(PatientDetails))
        assert kept.born_on is None

    @pytest.mark.parametrize(
        ("but", "pointer"),
        [
            ({"born_on": "2999-01-01"}, "/born_on"),
            ({"born_on": "1899-12-31"}, "/born_on"),
            ({"born_on": "1988-02-30"}, "/born_on"),
            ({"born_on": "1988-03-14T00:00:00Z"}, "/born_on"),
            ({"born_on": 19880314}, "/born_on"),
            ({"sex": "x"}, "/sex"),
            ({"name": "Sam"}, "/name"),
        ],
    )
    async def test_refuses_what_is_no_day_and_no_word_for_it(
        self, nurse: httpx2.AsyncClient, path: str, but: dict[str, Any], pointer: str
    ) -> None:
        answer = await nurse.put(path, json=KNOWN | but, headers={"if-match": '"0"'})

        assert answer.status_code == 422
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_are_read_by_the_team_and_entered_by_fewer(self, new_client: Clients, cast: Cast, path: str) -> None:
        for who, reads, writes in (("therapist", 200, 403), ("coordinator", 200, 200), ("patient", 403, 403)):
            client = new_client(getattr(cast, who).token)
            assert (await client.get(path)).status_code == reads
            assert (await client.put(path, json=KNOWN, headers={"if-match": '"0"'})).status_code == writes
