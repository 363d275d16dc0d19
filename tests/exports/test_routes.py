import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.settings import Settings
from app.exports import as_json, service
from tests.cast import Cast
from tests.consents.papers import Clients, Papers
from tests.exports.copies import PATHS, Copies
from tests.factories import a_clinic, a_patient, a_report, an_id
from tests.trends.history import History, on

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def submit(phone: httpx2.AsyncClient, check_in_id: UUID | None = None, **but: Any) -> dict[str, Any]:
    answer = await phone.put(f"/v1/me/check-ins/{check_in_id or an_id()}", json=a_report(**but))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def made_up(chance: random.Random, number: int) -> dict[str, Any]:
    """A check-in with answers by chance, some of them left out."""
    given: list[dict[str, Any]] = [
        {
            "instrument": "craving_nrs",
            "version": "1",
            "substance": chance.choice(["alcohol", "opioid"]),
            "answers": {"now": chance.randint(0, 10)}
            | {item: chance.randint(0, 10) for item in ("peak", "resist") if chance.random() < 0.5},
        }
    ]
    if chance.random() < 0.5:
        items = chance.sample(["unreal", "detached", "time", "distress"], chance.randint(1, 4))
        answers = {item: chance.randint(0, 4) for item in items}
        given.append({"instrument": "dissociation_brief", "version": "1", "substance": None, "answers": answers})
    return a_report(
        NOW - timedelta(minutes=chance.randint(0, 500_000)),
        responses=given,
        note=chance.choice([None, f"note {number}", "größer \u2603 \U0001f600"]),
        time_zone=chance.choice(["Europe/Berlin", "America/New_York"]),
    )


class TestJson:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    async def test_holds_every_value_that_was_submitted(
        self, phone: httpx2.AsyncClient, copies: Copies, seed: int
    ) -> None:
        chance = random.Random(seed)
        sent = {str(an_id()): made_up(chance, number) for number in range(40)}
        items = [{"id": check_in_id, **report} for check_in_id, report in sent.items()]
        results = (await phone.post("/v1/me/check-ins/batch", json={"check_ins": items})).json()["results"]
        assert {result["outcome"] for result in results} == {"created"}

        held = {one["id"]: one for one in (await copies.json())["check_ins"]}

        assert held.keys() == sent.keys()
        for check_in_id, report in sent.items():
            one = held[check_in_id]
            assert datetime.fromisoformat(one["recorded_at"]) == datetime.fromisoformat(report["recorded_at"])
            assert {name: one[name] for name in ("responses", "note", "time_zone")} == {
                name: report[name] for name in ("responses", "note", "time_zone")
            }

    async def test_says_of_each_check_in_what_the_list_of_them_says(
        self, phone: httpx2.AsyncClient, copies: Copies, history: History
    ) -> None:
        await history.dose(on(3))
        await history.reports("craving", [(on(3, 12), 4), (on(4), 0)])

        listed = (await phone.get("/v1/me/check-ins")).json()["items"]

        assert (await copies.json())["check_ins"] == [one | {"earlier_versions": []} for one in listed]

    async def test_holds_what_a_check_in_said_before_it_was_corrected(
        self, phone: httpx2.AsyncClient, copies: Copies
    ) -> None:
        check_in_id = an_id()
        await submit(phone, check_in_id, note="first")
        corrected = a_report(note="second")
        await phone.put(f"/v1/me/check-ins/{check_in_id}", json=corrected, headers={"if-match": '"1"'})

        (one,) = (await copies.json())["check_ins"]

        assert (one["note"], one["version"]) == ("second", 2)
        assert [(earlier["note"], earlier["version"]) for earlier in one["earlier_versions"]] == [("first", 1)]

    async def test_holds_what_could_not_be_accepted_word_for_word(
        self, phone: httpx2.AsyncClient, copies: Copies
    ) -> None:
        sent = {"id": "not-an-id", "feeling": "wörse than ever"}
        await phone.post("/v1/me/check-ins/batch", json={"check_ins": [sent]})

        (one,) = (await copies.json())["quarantined_check_ins"]

        assert one["content"] == '{"feeling": "wörse than ever", "id": "not-an-id"}'
        assert one["problem"]["code"] == "check_in_invalid"

    async def test_is_complete_over_many_pages_also_where_moments_are_the_same(
        self, phone: httpx2.AsyncClient, copies: Copies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(service, "PAGE", 3)
        at = NOW.isoformat()
        sent = [{"id": str(an_id()), **a_report(), "recorded_at": at} for _ in range(10)]
        await phone.post("/v1/me/check-ins/batch", json={"check_ins": sent})

        held = [one["id"] for one in (await copies.json())["check_ins"]]

        assert sorted(held) == sorted(one["id"] for one in sent)

    async def test_holds_sessions_and_appointments_with_who_took_part_and_every_step(
        self, copies: Copies, cast: Cast, new_client: Clients
    ) -> None:
        coordinator, (session, appointment) = new_client(cast.coordinator.token), (an_id(), an_id())
        at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        where = f"/v1/patients/{cast.patient_id}"
        await coordinator.put(f"{where}/dosing-sessions/{session}", json={"scheduled_at": at})
        therapist = str(cast.therapist.membership.id)
        plan = {
            "kind": "cbt",
            "scheduled_at": at,
            "participants": [{"role": "staff", "staff_id": therapist}, {"role": "guest", "name": "Sister"}],
        }
        booked = await coordinator.put(f"{where}/appointments/{appointment}", json=plan)
        assert booked.status_code == 201, booked.text

        held = await copies.json()

        (one,) = held["dosing_sessions"]
        assert (one["id"], one["status"], one["dose_mg"]) == (str(session), "scheduled", None)
        assert [step["action"] for step in one["steps"]] == ["schedule"]
        (one,) = held["appointments"]
        assert [part["name"] for part in one["participants"]] == [None, "Sister"]
        assert one["steps"][0]["actor_id"] == str(cast.coordinator.membership.id)
        assert {therapist, str(cast.coordinator.membership.id)} <= {person["id"] for person in held["people"]}

    async def test_names_the_clinic_the_care_team_and_the_devices(
        self, phone: httpx2.AsyncClient, copies: Copies, cast: Cast
    ) -> None:
        signed_in = {"email": cast.patient.email, "password": "correct-harbour-lantern", "device_label": "old phone"}
        old = (await phone.post("/v1/sign-ins", json=signed_in)).json()
        await phone.post("/oauth/revoke", data={"token": old["refresh_token"]})

        held = await copies.json()

        assert (held["clinic"]["name"], held["profile"]["email"]) == ("Riverside", cast.patient.email)
        assert {member["role"] for member in held["care_team"]} == {"prescriber", "nurse", "therapist"}
        ended = {device["label"]: device["ended_because"] for device in held["devices"]}
        assert ended == {"a phone": None, "old phone": "signed_out"}

    async def test_holds_consents_with_their_texts_and_what_left(self, copies: Copies, papers: Papers) -> None:
        consent = await papers.signed("data_processing_app")
        await papers.withdraw(consent, reason="no more")
        await papers.me.post("/v1/me/disclosure-restrictions", json={"recipient": "Harbour Health Insurance"})

        held = await copies.json()

        (one,) = held["consents"]
        assert one["text"].startswith("# About data_processing_app")
        assert (one["status"], one["withdrawal_reason"]) == ("withdrawn", "no more")
        assert [each["recipient"] for each in held["disclosure_restrictions"]] == ["Harbour Health Insurance"]

    async def test_says_who_else_read_the_record(self, copies: Copies, cast: Cast, new_client: Clients) -> None:
        await new_client(cast.nurse.token).get(f"/v1/patients/{cast.patient_id}/check-ins")

        accesses = (await copies.json())["record_accesses"]

        assert [(one["who"]["role"], one["permission"]) for one in accesses] == [("nurse", "check_ins:read")]

    async def test_explains_the_instruments_that_are_answered(self, phone: httpx2.AsyncClient, copies: Copies) -> None:
        await submit(phone)

        instruments = {one["key"]: one for one in (await copies.json())["instruments"]}

        assert instruments.keys() == {"craving_nrs", "mood_nrs"}
        assert [item["key"] for item in instruments["craving_nrs"]["items"]] == ["now", "peak", "resist"]

    async def test_of_a_record_without_anything_is_whole(self, copies: Copies) -> None:
        held = await copies.json()

        assert (held["format"], held["format_version"]) == ("afterglow-record", "1")
        assert held["check_ins"] == held["dosing_sessions"] == held["appointments"] == held["instruments"] == []
        assert "not medical advice" in held["notice"]


class TestEveryCopy:
    @pytest.mark.parametrize("kind", PATHS)
    async def test_is_a_download_without_a_personal_name_that_nobody_keeps(self, copies: Copies, kind: str) -> None:
        answer = await copies.get(kind)

        day = datetime.now(UTC).year
        assert answer.headers["content-disposition"].startswith(f'attachment; filename="my-record-{day}-')
        assert answer.headers["content-disposition"].endswith(f'.{kind}"')
        assert answer.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize("kind", PATHS)
    async def test_never_holds_anything_of_another_patient(
        self, copies: Copies, cast: Cast, db: Database, settings: Settings, new_client: Clients, kind: str
    ) -> None:
        elsewhere = await a_clinic(db, name="Elsewhere")
        strangers = [cast.other_patient, await a_patient(db, settings, elsewhere, display_name="Stranger S.")]
        for person in strangers:
            await submit(new_client(person.token), note="words of a stranger")
            history = History(db, person, new_client(person.token))
            await history.dose(on(5), dose_mg=123.5)
            await history.appointment(on(6), location="Strange room")

        answer = await copies.get(kind)

        text = await copies.printed() if kind == "pdf" else answer.text
        words = ["words of a stranger", "123.5", "Strange room", "Stranger S.", "Elsewhere"]
        words += [str(person.patient_id) for person in strangers]
        assert [word for word in words if word in text] == []

    @pytest.mark.parametrize("kind", PATHS)
    async def test_is_accounted_for_as_the_patients_own_access(
        self, copies: Copies, cast: Cast, db: Database, kind: str
    ) -> None:
        await copies.get(kind)

        (disclosure,) = (await copies.phone.get("/v1/me/disclosures")).json()["items"]
        assert (disclosure["basis"], disclosure["recipient_class"]) == ("patient_access", "patient")
        entries = await db.scalars(sa.select(AuditEntry).where(AuditEntry.permission == "export:read"))
        assert [(one.outcome, one.patient_id) for one in entries] == [("allowed", cast.patient.patient_id)]

    @pytest.mark.parametrize("kind", PATHS)
    async def test_is_for_the_patient_alone(self, new_client: Clients, cast: Cast, kind: str) -> None:
        path = PATHS[kind]

        assert (await new_client().get(path)).status_code == 401
        for person in (cast.prescriber, cast.nurse, cast.coordinator):
            assert (await new_client(person.token).get(path)).status_code == 403

    async def test_is_sent_packed_or_not_as_the_caller_likes(self, copies: Copies, phone: httpx2.AsyncClient) -> None:
        for number in range(5):
            await submit(phone, note=f"note {number} " * 50)

        packed = await copies.get("json", **{"accept-encoding": "gzip"})
        plain = await copies.get("json", **{"accept-encoding": "identity"})

        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        assert "content-encoding" not in plain.headers
        assert int(plain.headers["content-length"]) == len(plain.content)
        assert int(packed.headers["content-length"]) < len(plain.content) / 4
        assert packed.json()["check_ins"] == plain.json()["check_ins"]

    async def test_that_cannot_be_made_is_an_error_without_a_word_of_it(
        self, phone: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await submit(phone, note="secret words")

        def fail(_: object) -> str:
            raise RuntimeError("secret words")

        monkeypatch.setattr(as_json, "_check_in", fail)
        answer = await phone.get(PATHS["json"])

        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert "secret" not in answer.text
        assert "content-disposition" not in answer.headers


class TestRecordThatChangesWhileItIsRead:
    async def test_is_read_again(
        self, phone: httpx2.AsyncClient, copies: Copies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await submit(phone, note="before")
        read, changes = service.Reader.check_ins, iter(["meanwhile"])

        async def read_and_be_overtaken(reader: service.Reader) -> Any:
            async for page in read(reader):
                yield page
            for note in changes:
                await submit(phone, note=note)

        monkeypatch.setattr(service.Reader, "check_ins", read_and_be_overtaken)
        held = await copies.json()

        assert {one["note"] for one in held["check_ins"]} == {"before", "meanwhile"}

    async def test_is_held_still_when_it_never_stops(
        self, phone: httpx2.AsyncClient, copies: Copies, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await submit(phone, note="before")
        read, held_at_last = service.Reader.check_ins, []

        async def read_and_be_overtaken(reader: service.Reader) -> Any:
            held_at_last.append(reader.held is not None)
            async for page in read(reader):
                yield page
            if reader.held is None:
                await submit(phone, note=f"number {len(held_at_last)}")

        monkeypatch.setattr(service.Reader, "check_ins", read_and_be_overtaken)
        held = await copies.json()

        assert held_at_last == [False, False, False, True]
        assert {one["note"] for one in held["check_ins"]} == {"before", "number 1", "number 2", "number 3"}
