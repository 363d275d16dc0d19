"""The door: what it lets through, what it writes down, and what it answers."""

import random
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.consents import disclosures
from app.consents.disclosure_rules import Basis
from app.consents.errors import DisclosureRefused
from app.consents.kinds import PART2_NOTICE, Category, Purpose, Recipient, RecipientClass
from app.consents.models import Disclosure
from app.core import clock
from app.core.db import Database, begin
from app.identity.access import PatientView, patient_for_writing
from tests.consents.papers import Papers, refused

DOCTOR = Recipient(RecipientClass.TREATING_PROVIDER, "Dr Weber")
CHECK_INS = (Category.CHECK_INS,)


async def the_patient(db: Database, papers: Papers) -> PatientView:
    await db.finish()
    db.expunge_all()
    return await patient_for_writing(db, papers.cast.clinic.id, UUID(papers.cast.patient_id))


async def kept(db: Database) -> list[Disclosure]:
    await db.flush_staged()
    return list(await db.scalars(sa.select(Disclosure).order_by(Disclosure.at, Disclosure.id)))


class TestDisclose:
    async def test_gives_leave_with_the_notice_and_the_consent(self, papers: Papers, db: Database) -> None:
        consent = await papers.signed()
        patient = await the_patient(db, papers)

        leave = await disclosures.disclose(
            db, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS, actor_id=papers.cast.nurse.membership.id
        )

        assert (leave.basis, str(leave.consent_id)) == (Basis.CONSENT, consent["id"])
        assert leave.headers == {"X-Part2-Notice": PART2_NOTICE, "X-Consent-Id": consent["id"]}
        assert leave.envelope == {
            "part2_notice": PART2_NOTICE,
            "consent_id": consent["id"],
            "consent_scope": {
                "type": "part2_tpo",
                "document_version": 1,
                "signed_at": consent["signed_at"],
                "expires_at": None,
                "purposes": ["operations", "payment", "treatment"],
                "categories": ["check_ins", "dosing_sessions", "trends"],
            },
        }
        (row,) = await kept(db)
        assert (row.id, row.consent_id, row.actor_id) == (
            leave.disclosure_id,
            leave.consent_id,
            papers.cast.nurse.membership.id,
        )
        assert (row.basis, row.refusal, row.recipient, row.recipient_class) == (
            "consent",
            None,
            "Dr Weber",
            "treating_provider",
        )
        assert (row.purpose, row.categories, row.patient_id) == ("treatment", ["check_ins"], patient.id)

    async def test_nothing_after_the_withdrawal_and_again_after_signing_again(
        self, papers: Papers, db: Database
    ) -> None:
        consent = await papers.signed()
        await papers.withdraw(consent)
        with pytest.raises(DisclosureRefused) as refusal:
            await disclosures.disclose(db, await the_patient(db, papers), DOCTOR, Purpose.TREATMENT, CHECK_INS)
        assert refusal.value.members == {"refusal": "withdrawn"}

        again = (await papers.sign(await papers.publish())).json()
        leave = await disclosures.disclose(db, await the_patient(db, papers), DOCTOR, Purpose.TREATMENT, CHECK_INS)

        assert str(leave.consent_id) == again["id"]
        assert [(row.basis, row.refusal) for row in await kept(db)] == [(None, "withdrawn"), ("consent", None)]

    async def test_another_patients_consent_counts_for_nobody_else(self, papers: Papers, db: Database) -> None:
        await papers.signed()
        await db.finish()
        other = await patient_for_writing(db, papers.cast.clinic.id, UUID(papers.cast.other_patient_id))

        with pytest.raises(DisclosureRefused) as refusal:
            await disclosures.disclose(db, other, DOCTOR, Purpose.TREATMENT, CHECK_INS)

        assert refusal.value.members == {"refusal": "no_consent"}

    async def test_an_outdated_consent_goes_on_counting_until_it_is_replaced(
        self, papers: Papers, db: Database
    ) -> None:
        consent = await papers.signed()
        await papers.publish(text="Something new.")

        leave = await disclosures.disclose(db, await the_patient(db, papers), DOCTOR, Purpose.TREATMENT, CHECK_INS)

        assert str(leave.consent_id) == consent["id"]

    async def test_the_patients_own_copy_needs_no_consent_and_carries_no_notice(
        self, papers: Papers, db: Database
    ) -> None:
        leave = await disclosures.disclose(
            db,
            await the_patient(db, papers),
            Recipient(RecipientClass.PATIENT),
            Purpose.PATIENT_ACCESS,
            tuple(Category),
        )

        assert (leave.basis, leave.headers) == (Basis.PATIENT_ACCESS, {})
        assert leave.envelope == {"part2_notice": None, "consent_id": None, "consent_scope": None}
        assert [row.basis for row in await kept(db)] == ["patient_access"]

    async def test_an_emergency_is_written_down_with_its_reason(self, papers: Papers, db: Database) -> None:
        medic = Recipient(RecipientClass.EMERGENCY_SERVICE, "Ambulance 4, Dr Roth")
        leave = await disclosures.disclose(
            db,
            await the_patient(db, papers),
            medic,
            Purpose.MEDICAL_EMERGENCY,
            CHECK_INS,
            actor_id=papers.cast.nurse.membership.id,
            reason="Unconscious in the waiting room.",
        )

        assert leave.headers == {"X-Part2-Notice": PART2_NOTICE}
        (row,) = await kept(db)
        assert (row.basis, row.reason, row.recipient) == (
            "medical_emergency",
            "Unconscious in the waiting room.",
            "Ambulance 4, Dr Roth",
        )

    async def test_of_nothing_is_a_fault_of_ours(self, papers: Papers, db: Database) -> None:
        with pytest.raises(ValueError, match="nothing"):
            await disclosures.disclose(db, await the_patient(db, papers), DOCTOR, Purpose.TREATMENT, ())

    async def test_a_refusal_is_remembered_though_the_request_is_undone(
        self, papers: Papers, db: Database, app: object
    ) -> None:
        patient = await the_patient(db, papers)
        await db.finish()

        async def ask() -> None:
            async with begin(type("Request", (), {"app": app})()) as own:
                await own.enter(papers.cast.clinic.id)
                await disclosures.disclose(own, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS)

        with pytest.raises(DisclosureRefused):
            await ask()

        assert [(row.refusal, row.recipient) for row in await kept(db)] == [("no_consent", "Dr Weber")]

    async def test_costs_two_statements_and_the_record(self, papers: Papers, db: Database, queries: list[str]) -> None:
        await papers.signed()
        await papers.signed("research")
        patient = await the_patient(db, papers)
        queries.clear()

        await disclosures.disclose(db, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS)
        await db.flush_staged()

        assert len(queries) == 3


class TestAtRest:
    async def test_who_received_it_is_sealed(self, papers: Papers, db: Database) -> None:
        secret = Recipient(RecipientClass.OTHER, "CANARY")
        with pytest.raises(DisclosureRefused):
            await disclosures.disclose(db, await the_patient(db, papers), secret, Purpose.PATIENT_REQUEST, CHECK_INS)
        await db.flush_staged()

        row = (await db.execute(sa.text("SELECT * FROM disclosures"))).one()

        assert [value for value in row if "CANARY" in str(value)] == []

    @pytest.mark.parametrize("statement", ["UPDATE disclosures SET purpose = 'payment'", "DELETE FROM disclosures"])
    async def test_the_database_refuses_to_change_or_remove_one(
        self, papers: Papers, db: Database, statement: str
    ) -> None:
        await papers.signed()
        await disclosures.disclose(db, await the_patient(db, papers), DOCTOR, Purpose.TREATMENT, CHECK_INS)
        await db.flush_staged()

        with pytest.raises(sa.exc.DBAPIError, match="only added"):
            await db.execute(sa.text(statement))


class TestRestrictions:
    async def test_what_the_patient_wants_to_stay_here_stays(self, papers: Papers, db: Database) -> None:
        await papers.signed()
        asked = {"recipient": "dr weber", "categories": ["check_ins"]}
        made = await papers.me.post("/v1/me/disclosure-restrictions", json=asked)
        assert made.status_code == 201

        patient = await the_patient(db, papers)
        with pytest.raises(DisclosureRefused) as refusal:
            await disclosures.disclose(db, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS)
        await disclosures.disclose(db, patient, DOCTOR, Purpose.TREATMENT, (Category.TRENDS,))

        assert refusal.value.members == {"refusal": "restricted"}
        assert [row.refusal for row in await kept(db)] == ["restricted", None]

    async def test_until_it_is_lifted(self, papers: Papers, db: Database) -> None:
        await papers.signed()
        made = (await papers.me.post("/v1/me/disclosure-restrictions", json={})).json()
        address = f"/v1/me/disclosure-restrictions/{made['id']}/lifting"

        lifted = await papers.me.post(address)
        again = await papers.me.post(address)

        assert lifted.json()["lifted_at"] is not None
        assert again.json() == lifted.json()
        await disclosures.disclose(db, await the_patient(db, papers), DOCTOR, Purpose.TREATMENT, CHECK_INS)


class TestAnyOrder:
    @pytest.mark.parametrize("seed", range(3))
    async def test_what_leaves_is_what_the_patients_own_list_says(
        self, papers: Papers, db: Database, seed: int
    ) -> None:
        """Through the front door: sign, withdraw and publish at random, and try the door after each."""
        chance = random.Random(seed)
        document, number = await papers.publish(), 0
        for _ in range(12):
            match chance.choice(("sign", "sign", "withdraw", "publish")):
                case "sign":
                    assert (await papers.sign(document)).status_code in {201, 409}
                case "withdraw":
                    for consent in await papers.mine():
                        if consent["status"] == "in_force":
                            await papers.withdraw(consent)
                case _:
                    number += 1
                    document = await papers.publish(text=f"Version {number}")
            standing = [each["id"] for each in await papers.mine() if each["status"] == "in_force"]
            assert len(standing) <= 1
            patient = await the_patient(db, papers)
            try:
                leave = await disclosures.disclose(db, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS)
            except DisclosureRefused:
                assert standing == []
            else:
                assert [str(leave.consent_id)] == standing


class TestAccounting:
    async def test_the_patient_and_the_privacy_officer_see_all_of_it(self, papers: Papers, db: Database) -> None:
        consent = await papers.signed()
        patient = await the_patient(db, papers)
        before = clock.now()
        await disclosures.disclose(db, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS)
        with pytest.raises(DisclosureRefused):
            await disclosures.disclose(db, patient, DOCTOR, Purpose.RESEARCH, CHECK_INS)
        await db.finish()

        withheld, disclosed = (await papers.me.get("/v1/me/disclosures")).json()["items"]

        assert before.isoformat()[:16] == disclosed["at"][:16]
        assert (disclosed["outcome"], disclosed["basis"], disclosed["consent_id"]) == (
            "disclosed",
            "consent",
            consent["id"],
        )
        assert (withheld["outcome"], withheld["refusal"], withheld["consent_id"]) == ("withheld", "no_consent", None)
        assert (withheld["recipient"], withheld["purpose"], withheld["categories"]) == (
            "Dr Weber",
            "research",
            ["check_ins"],
        )

    async def test_pages_through_all_of_it_once(self, papers: Papers, db: Database) -> None:
        await papers.signed()
        patient = await the_patient(db, papers)
        for _ in range(5):
            await disclosures.disclose(db, patient, DOCTOR, Purpose.TREATMENT, CHECK_INS)
        await db.finish()

        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await papers.me.get("/v1/me/disclosures?limit=2" + (f"&cursor={cursor}" if cursor else ""))).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]

        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)

    async def test_restrictions_are_listed_for_both_sides(self, papers: Papers) -> None:
        asked = {"recipient_class": "health_plan", "purposes": ["payment"], "categories": []}
        made = (await papers.me.post("/v1/me/disclosure-restrictions", json=asked)).json()

        mine = (await papers.me.get("/v1/me/disclosure-restrictions")).json()["items"]
        theirs = (await papers.prescriber.get(f"/v1/patients/{papers.cast.patient_id}/disclosure-restrictions")).json()[
            "items"
        ]

        assert mine == theirs == [made]
        assert asked.items() <= made.items()

    async def test_a_restriction_of_somebody_else_is_not_there(self, papers: Papers) -> None:
        answer = await papers.me.post("/v1/me/disclosure-restrictions/01a3c3d0-0000-7000-8000-000000000000/lifting")

        assert refused(answer) == (404, "not_found")
