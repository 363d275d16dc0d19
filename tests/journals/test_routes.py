"""A journal: private, shared entry by entry, gone when it is deleted."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.settings import Settings
from app.events.models import OutboxEvent
from app.identity.models import PatientRevision, Tombstone
from app.identity.permissions import Role
from app.journals.models import JournalEntry
from tests.cast import Cast
from tests.factories import a_member_of_staff, an_id
from tests.journals.conftest import WRITTEN, Clients, Journal, address


async def revision_of(db: Database, cast: Cast) -> int:
    own = PatientRevision.patient_id == cast.patient.patient_id
    return (await db.scalars(sa.select(PatientRevision.revision).where(own))).one()


async def private_withdrawn(db: Database, cast: Cast) -> None:
    """The patient withdrew the consent to data processing."""
    own = PatientRevision.patient_id == cast.patient.patient_id
    await db.execute(sa.update(PatientRevision).where(own).values(app_consent_withdrawn_at=datetime.now(UTC)))


class TestWriting:
    async def test_keeps_an_entry_as_private(self, journal: Journal) -> None:
        entry_id = an_id()

        answer = await journal.write("größer ☃ than before", entry_id)

        assert answer.status_code == 201
        assert answer.headers["etag"] == '"1"'
        assert answer.json() == {
            "id": str(entry_id),
            "text": "größer ☃ than before",
            "written_at": WRITTEN,
            "time_zone": "Europe/Berlin",
            "shared_at": None,
            "version": 1,
        }

    async def test_the_same_again_is_safe(self, journal: Journal, cast: Cast, db: Database) -> None:
        entry_id = await journal.written()
        before = await revision_of(db, cast)

        again = await journal.write(entry_id=entry_id)

        assert (again.status_code, again.json()["version"]) == (200, 1)
        assert await revision_of(db, cast) == before

    async def test_other_words_need_the_version_that_was_read(self, journal: Journal) -> None:
        entry_id = await journal.written()

        blind = await journal.write("other", entry_id)
        right = await journal.write("other", entry_id, if_match='"1"')
        late = await journal.write("third", entry_id, if_match='"1"')
        repeated = await journal.write("other", entry_id, if_match='"1"')

        assert [one.status_code for one in (blind, right, late, repeated)] == [428, 200, 412, 200]
        assert (right.json()["text"], right.headers["etag"]) == ("other", '"2"')
        assert late.json()["current"] == right.json()

    async def test_every_change_counts_for_the_phones(self, journal: Journal, cast: Cast, db: Database) -> None:
        entry_id = await journal.written()
        revisions = []
        for change in (journal.write("b", entry_id, if_match='"1"'), journal.share(entry_id, if_match='"2"')):
            assert (await change).status_code == 200
            revisions.append((await revision_of(db, cast), (await db.scalars(sa.select(JournalEntry))).one().revision))
            db.expunge_all()

        assert [now for now, _ in revisions] == [kept for _, kept in revisions]
        assert revisions[0] < revisions[1]

    async def test_refuses_what_is_no_entry(self, journal: Journal) -> None:
        wrong: list[dict[str, Any]] = [
            {"text": ""},
            {"text": "x" * 20_001},
            {"text": None},
            {"written_at": "yesterday"},
            {"written_at": "1999-12-31T23:59:59Z"},
            {"time_zone": "Mars/Olympus"},
            {"shared_at": WRITTEN},
        ]

        assert [(await journal.write(**{"text": "a"} | but)).status_code for but in wrong] == [422] * len(wrong)

    async def test_the_longest_there_is_comes_back_whole(self, journal: Journal) -> None:
        entry_id = await journal.written("☃" * 20_000)

        assert (await journal.read(entry_id)).json()["text"] == "☃" * 20_000

    async def test_takes_nothing_new_once_the_consent_is_withdrawn_but_lets_go(
        self, journal: Journal, cast: Cast, db: Database
    ) -> None:
        entry_id, other_id = await journal.written("kept"), await journal.written("shared")
        await journal.share(other_id)
        await private_withdrawn(db, cast)

        answers = [
            await journal.write("new"),
            await journal.write("changed", entry_id, if_match='"1"'),
            await journal.write("kept", entry_id),
            await journal.share(other_id, shared=False, if_match=None),
            await journal.delete(entry_id),
        ]

        assert [answer.status_code for answer in answers] == [403, 403, 200, 200, 204]
        assert answers[0].json()["code"] == "consent_withdrawn"

    async def test_two_patients_may_use_one_id(self, journal: Journal, cast: Cast, new_client: Clients) -> None:
        entry_id = await journal.written("mine")
        other = Journal(new_client(cast.other_patient.token))

        answer = await other.write("theirs", entry_id)

        assert answer.status_code == 201
        assert (await journal.read(entry_id)).json()["text"] == "mine"


class TestReading:
    async def test_the_last_written_first_in_pages(self, journal: Journal) -> None:
        for hour in (8, 12, 10, 10, 9):
            await journal.written(f"at {hour}", written_at=f"2026-11-20T{hour:02}:00:00Z")

        texts: list[str] = []
        cursors: list[str | None] = [None]
        while len(cursors) < 4:
            more = {"cursor": cursors[-1]} if cursors[-1] else {}
            page = (await journal.phone.get("/v1/me/journal-entries", params={"limit": "2"} | more)).json()
            texts += [entry["text"] for entry in page["items"]]
            cursors.append(page["next_cursor"])

        assert texts == ["at 12", "at 10", "at 10", "at 9", "at 8"]
        assert cursors[-1] is None

    async def test_the_cursor_of_one_list_is_none_of_another(
        self, journal: Journal, cast: Cast, new_client: Clients, therapist: httpx2.AsyncClient
    ) -> None:
        for number in range(2):
            await journal.share(await journal.written(f"{number}"))
        cursor = (await journal.phone.get("/v1/me/journal-entries?limit=1")).json()["next_cursor"]

        theirs = await new_client(cast.other_patient.token).get(f"/v1/me/journal-entries?cursor={cursor}")
        staffs = await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries?cursor={cursor}")

        assert (theirs.status_code, staffs.status_code) == (400, 400)

    async def test_answers_304_until_it_changes(self, journal: Journal) -> None:
        entry_id = await journal.written()

        same = await journal.read(entry_id, **{"If-None-Match": '"1"'})
        await journal.share(entry_id)
        shared = await journal.read(entry_id, **{"If-None-Match": '"1"'})

        assert (same.status_code, shared.status_code) == (304, 200)

    async def test_nobody_elses_is_there(self, journal: Journal, cast: Cast, new_client: Clients) -> None:
        entry_id = await journal.written()
        other = Journal(new_client(cast.other_patient.token))

        answers = [await other.read(entry_id), await other.delete(entry_id), await other.share(entry_id)]

        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert (await other.phone.get("/v1/me/journal-entries")).json() == {"items": [], "next_cursor": None}


class TestSharing:
    async def test_lets_the_care_team_read_that_one_and_no_other(
        self, journal: Journal, cast: Cast, therapist: httpx2.AsyncClient
    ) -> None:
        shared, private = await journal.written("for you"), await journal.written("for me")
        answer = await journal.share(shared)

        page = (await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries")).json()
        one = await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries/{shared}")
        other = await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries/{private}")
        again = await therapist.get(
            f"/v1/patients/{cast.patient_id}/journal-entries/{shared}", headers={"If-None-Match": one.headers["etag"]}
        )

        assert (answer.status_code, answer.json()["version"]) == (200, 2)
        assert [entry["text"] for entry in page["items"]] == ["for you"]
        assert one.json() == page["items"][0] == answer.json()
        assert (other.status_code, again.status_code) == (404, 304)

    async def test_can_be_taken_back_blindly_but_not_given_blindly(
        self, journal: Journal, cast: Cast, therapist: httpx2.AsyncClient
    ) -> None:
        entry_id = await journal.written()

        answers = [
            await journal.share(entry_id, if_match=None),
            await journal.share(entry_id, if_match='"7"'),
            await journal.share(entry_id, if_match='"1"'),
            await journal.share(entry_id, if_match=None),
            await journal.share(entry_id, shared=False, if_match='"1"'),
            await journal.share(entry_id, shared=False, if_match=None),
            await journal.share(entry_id, shared=False, if_match=None),
        ]
        gone = await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries/{entry_id}")

        assert [answer.status_code for answer in answers] == [428, 412, 200, 200, 412, 200, 200]
        assert [answers[place].json()["version"] for place in (2, 3, 5, 6)] == [2, 2, 3, 3]
        assert gone.status_code == 404

    async def test_of_an_entry_outlives_a_change(
        self, journal: Journal, cast: Cast, therapist: httpx2.AsyncClient
    ) -> None:
        entry_id = await journal.written()
        await journal.share(entry_id)
        await journal.write("in other words", entry_id, if_match='"2"')

        (entry,) = (await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries")).json()["items"]

        assert entry["text"] == "in other words"

    async def test_is_said_plainly(self, journal: Journal) -> None:
        entry_id = await journal.written()
        bodies: list[Any] = [{}, {"shared": "yes"}, {"shared": 1}, {"shared": None}, {"shared": True, "a": 1}]

        for body in bodies:
            answer = await journal.phone.post(f"{address(entry_id)}/sharing", json=body, headers={"If-Match": '"1"'})
            assert answer.status_code == 422

        assert (await journal.read(entry_id)).json()["shared_at"] is None

    async def test_is_asked_of_nobody_whatever_their_role(
        self, journal: Journal, cast: Cast, db: Database, settings: Settings, new_client: Clients
    ) -> None:
        private, shared = await journal.written("my own"), await journal.written("shared")
        await journal.share(shared)
        path = f"/v1/patients/{cast.patient_id}/journal-entries"
        seen = {}

        for role in set(Role) - {Role.PATIENT, Role.SERVICE}:
            person = await a_member_of_staff(db, settings, cast.clinic, role, patients=(cast.patient,))
            asking = new_client(person.token)
            answers = [await asking.get(address) for address in (path, f"{path}/{shared}", f"{path}/{private}")]
            seen[role] = [answer.status_code for answer in answers]
            assert [answer.text for answer in answers if "my own" in answer.text] == []

        clinical = {Role.PRESCRIBER, Role.NURSE, Role.THERAPIST}
        assert seen == {role: [200, 200, 404] if role in clinical else [403] * 3 for role in seen}

    async def test_gives_nothing_private_away_in_an_emergency(
        self, journal: Journal, cast: Cast, db: Database, settings: Settings, new_client: Clients
    ) -> None:
        private, shared = await journal.written("private"), await journal.written("shared")
        await journal.share(shared)
        nurse = new_client((await a_member_of_staff(db, settings, cast.clinic, Role.NURSE)).token)
        path = f"/v1/patients/{cast.patient_id}/journal-entries"
        outside = await nurse.get(path)
        opened = await nurse.post(
            f"/v1/patients/{cast.patient_id}/emergency-access",
            json={"reason_code": "medical_emergency", "reason": "Fell in the corridor."},
        )

        inside, hidden = await nurse.get(path), await nurse.get(f"{path}/{private}")

        assert (outside.status_code, opened.status_code, hidden.status_code) == (404, 201, 404)
        assert [entry["id"] for entry in inside.json()["items"]] == [str(shared)]


class TestDeleting:
    @pytest.mark.parametrize("shared", [False, True])
    async def test_leaves_nothing_but_a_tombstone(
        self,
        journal: Journal,
        cast: Cast,
        db: Database,
        therapist: httpx2.AsyncClient,
        shared: bool,
    ) -> None:
        entry_id = await journal.written()
        if shared:
            await journal.share(entry_id)

        answer = await journal.delete(entry_id)

        assert answer.status_code == 204
        assert (await journal.read(entry_id)).status_code == 404
        assert (await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries")).json()["items"] == []
        assert (await db.execute(sa.select(JournalEntry.__table__))).all() == []
        (left,) = (await db.scalars(sa.select(Tombstone))).all()
        assert (left.kind, left.subject_id, left.patient_id) == ("journal_entry", entry_id, cast.patient.patient_id)
        assert left.revision == await revision_of(db, cast)

    async def test_a_second_time_changes_nothing(self, journal: Journal, cast: Cast, db: Database) -> None:
        entry_id = await journal.written()
        await journal.delete(entry_id)
        before = await revision_of(db, cast)

        again = await journal.delete(entry_id)

        assert again.status_code == 204
        assert await revision_of(db, cast) == before
        assert (await journal.delete(an_id())).status_code == 404

    async def test_ends_its_id(self, journal: Journal) -> None:
        entry_id = await journal.written("mine")
        await journal.delete(entry_id)

        answers = [await journal.write(text, entry_id, if_match=tag) for text in ("mine", "new") for tag in (None, "*")]

        assert [answer.status_code for answer in answers] == [410] * 4
        assert {answer.json()["code"] for answer in answers} == {"journal_entry_deleted"}
        assert (await journal.share(entry_id)).status_code == 404

    async def test_is_not_undone_by_a_change_that_comes_when_it_is_forgotten(
        self, journal: Journal, db: Database
    ) -> None:
        entry_id = await journal.written("mine")
        await journal.delete(entry_id)
        await db.execute(sa.delete(Tombstone))

        late = [await journal.write("mine, changed", entry_id, if_match=tag) for tag in ('"1"', "*")]
        listed = (await journal.phone.get("/v1/me/journal-entries")).json()["items"]

        assert [answer.json()["code"] for answer in late] == ["precondition_failed"] * 2
        assert listed == []

    async def test_minds_a_version_that_is_named(self, journal: Journal) -> None:
        entry_id = await journal.written()
        await journal.write("changed meanwhile", entry_id, if_match='"1"')

        stale = await journal.delete(entry_id, **{"If-Match": '"1"'})
        right = await journal.delete(entry_id, **{"If-Match": '"2"'})

        assert (stale.status_code, right.status_code) == (412, 204)
        assert stale.json()["current"]["text"] == "changed meanwhile"


class TestDiscretion:
    async def test_tells_no_other_system_and_leaves_no_words_behind(
        self, journal: Journal, cast: Cast, db: Database, therapist: httpx2.AsyncClient
    ) -> None:
        entry_id = await journal.written("CANARY private")
        await journal.write("CANARY other", entry_id, if_match='"1"')
        await journal.share(entry_id, if_match='"2"')
        await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries/{entry_id}")
        await journal.share(entry_id, shared=False, if_match=None)

        told = (await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.subject_id == entry_id))).all()
        (row,) = (await db.execute(sa.text("SELECT * FROM journal_entries"))).all()
        entries = (await db.scalars(sa.select(AuditEntry).where(AuditEntry.subject_id == entry_id))).all()

        assert told == []
        assert not [kind for kind in (await db.scalars(sa.select(OutboxEvent.type))).all() if "journal" in kind]
        assert [value for value in row if "CANARY" in str(value)] == []
        assert {entry.operation for entry in entries} >= {"write_journal_entry", "read_patient_journal_entry"}
        kept = [getattr(entry, column.name) for entry in entries for column in AuditEntry.__table__.columns]
        assert [value for value in kept if "CANARY" in str(value)] == []

    async def test_the_patient_sees_who_read_what_they_shared(
        self, journal: Journal, cast: Cast, therapist: httpx2.AsyncClient
    ) -> None:
        entry_id = await journal.written()
        await journal.share(entry_id)
        await therapist.get(f"/v1/patients/{cast.patient_id}/journal-entries/{entry_id}")

        accesses = (await journal.phone.get("/v1/me/record-accesses")).json()["items"]

        assert [(one["what"], one["who"]["role"]) for one in accesses] == [
            ("Read entries of your journal that you share", "therapist")
        ]

    async def test_reading_a_page_reads_the_entries_once(self, journal: Journal, queries: list[str]) -> None:
        for number in range(3):
            await journal.written(f"{number}")
        queries.clear()

        await journal.phone.get("/v1/me/journal-entries")

        assert len([one for one in queries if "journal_entries" in one]) == 1
        assert len(queries) <= 4
