"""What hangs on consents elsewhere: signing waits for open sessions, doses and check-ins for consents."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.check_ins.models import CheckIn, QuarantinedSubmission
from app.consents.models import SigningHold
from app.core.db import Database
from tests.consents.papers import Papers, refused
from tests.dosing.sessions import DOSE, Sessions, revision_of, text
from tests.factories import a_report, an_id

TREATMENT = "treatment_ketamine_off_label"


class TestHolds:
    @pytest.mark.parametrize(
        ("steps", "held"),
        [
            ((), False),
            (("arrival",), True),
            (("arrival", "clearance"), True),
            (("arrival", "clearance", "dose"), True),
            (("arrival", "clearance", "dose", "dose-end"), True),
            (("arrival", "clearance", "dose", "dose-end", "closure"), False),
        ],
    )
    async def test_last_from_the_arrival_to_the_closure(
        self, papers: Papers, sessions: Sessions, steps: tuple[str, ...], held: bool
    ) -> None:
        document = await papers.publish()
        await sessions.through(*steps)

        answer = await papers.sign(document)

        assert answer.status_code == (409 if held else 201)

    async def test_a_session_that_is_called_off_before_anybody_came_holds_nothing(
        self, papers: Papers, sessions: Sessions, db: Database
    ) -> None:
        await sessions.plan()
        await sessions.act("cancellation", reason="fever")

        assert (await db.scalars(sa.select(SigningHold))).all() == []

    async def test_are_kept_when_they_are_over(self, papers: Papers, sessions: Sessions, db: Database) -> None:
        await sessions.plan()
        await sessions.act("arrival")
        await sessions.act("cancellation", reason="fever")

        (hold,) = (await db.scalars(sa.select(SigningHold))).all()
        assert str(hold.dosing_session_id) == sessions.session_id
        assert hold.released_at is not None
        assert hold.opened_at <= hold.released_at

    async def test_two_open_sessions_both_have_to_close(
        self, papers: Papers, sessions: Sessions, new_client: Any
    ) -> None:
        document, second = await papers.publish(), Sessions(new_client, papers.cast)
        for each in (sessions, second):
            await each.plan()
            await each.act("arrival")
        await sessions.act("cancellation", reason="twice")

        assert refused(await papers.sign(document)) == (409, "signing_on_hold")

    async def test_lifting_a_restriction_waits_as_well(self, papers: Papers, sessions: Sessions) -> None:
        restriction = (await papers.me.post("/v1/me/disclosure-restrictions", json={})).json()
        await sessions.plan()
        await sessions.act("arrival")

        answer = await papers.me.post(f"/v1/me/disclosure-restrictions/{restriction['id']}/lifting")
        another = await papers.me.post("/v1/me/disclosure-restrictions", json={"recipient": "Mia"})

        assert refused(answer) == (409, "signing_on_hold")
        assert another.status_code == 201

    async def test_of_one_patient_do_not_hold_another(
        self, papers: Papers, sessions: Sessions, new_client: Any
    ) -> None:
        document = await papers.publish()
        await sessions.plan()
        await sessions.act("arrival")
        papers.me = new_client(papers.cast.other_patient.token)

        assert (await papers.sign(document)).status_code == 201


class TestDoses:
    async def insist(self, papers: Papers, *types: str) -> None:
        """Sign a protocol that requires these consents before a dose."""
        current = await papers.prescriber.get("/v1/protocol")
        figures = current.json()["figures"] | {"consents": {"require_before_dose": list(types)}}
        answer = await papers.prescriber.put(
            "/v1/protocol", json={"figures": figures, "reason": "Safety."}, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text

    async def test_by_default_the_consent_to_the_treatment_has_to_be_there(
        self, papers: Papers, sessions: Sessions
    ) -> None:
        await sessions.through("arrival")
        await sessions.get_ready()

        answer = await sessions.act("clearance")

        assert refused(answer) == (409, "consent_needed")
        assert answer.json()["consents"] == [{"type": TREATMENT, "reason": "never_signed"}]

    async def test_nothing_that_was_never_signed_blocks_one_where_the_clinic_says_so(
        self, papers: Papers, sessions: Sessions
    ) -> None:
        await self.insist(papers)
        await papers.publish(TREATMENT)
        await sessions.through("arrival")
        await sessions.get_ready()

        assert (await sessions.act("clearance")).status_code == 200
        assert (await sessions.act("dose", **DOSE)).status_code == 200

    async def test_what_the_clinic_insists_on_has_to_be_there(self, papers: Papers, sessions: Sessions) -> None:
        await self.insist(papers, TREATMENT, "part2_tpo")
        await papers.signed("part2_tpo")
        await sessions.through("arrival")

        answer = await sessions.act("clearance")

        assert refused(answer) == (409, "consent_needed")
        assert answer.json()["consents"] == [{"type": TREATMENT, "reason": "never_signed"}]

    async def test_with_all_of_it_signed_one_is_cleared(self, papers: Papers, sessions: Sessions) -> None:
        await self.insist(papers, TREATMENT)
        await papers.signed(TREATMENT)

        await sessions.through("arrival", "clearance")

    @pytest.mark.parametrize("wrong", [["research"], ["recording"], [TREATMENT] * 4, "treatment", [7]])
    async def test_research_and_recordings_are_never_a_condition_of_care(self, papers: Papers, wrong: Any) -> None:
        figures = (await papers.prescriber.get("/v1/protocol")).json()["figures"]
        changed = figures | {"consents": {"require_before_dose": wrong}}

        answer = await papers.prescriber.put(
            "/v1/protocol", json={"figures": changed, "reason": "Safety."}, headers={"If-Match": "*"}
        )

        assert answer.status_code == 422

    async def test_a_withdrawn_consent_to_treatment_blocks_it(self, papers: Papers, sessions: Sessions) -> None:
        consent = await papers.signed(TREATMENT)
        await sessions.through("arrival")
        await papers.withdraw(consent)

        answer = await sessions.act("clearance")

        assert refused(answer) == (409, "consent_needed")
        assert answer.json()["consents"] == [{"type": TREATMENT, "reason": "withdrawn"}]
        record = (await sessions.who["nurse"].get(f"/v1/dosing-sessions/{sessions.session_id}")).json()
        assert record["status"] == "checked_in"

    async def test_a_new_version_is_signed_before_the_next_dose(self, papers: Papers, sessions: Sessions) -> None:
        await papers.signed(TREATMENT)
        new = await papers.publish(TREATMENT, text="Something new.")
        await sessions.through("arrival")
        assert (await sessions.act("clearance")).json()["consents"] == [{"type": TREATMENT, "reason": "outdated"}]

        await sessions.act("cancellation", reason="To sign first.")
        assert (await papers.sign(new)).status_code == 201
        sessions.session_id, sessions.version = str(an_id()), 0

        await sessions.through("arrival", "clearance")

    async def test_the_wrong_stage_is_told_before_the_consent(self, papers: Papers, sessions: Sessions) -> None:
        await papers.withdraw(await papers.signed(TREATMENT))
        await sessions.plan()

        assert refused(await sessions.act("clearance")) == (409, "illegal_move")

    async def test_a_consent_withdrawn_after_the_clearance_stops_the_dose(
        self, papers: Papers, sessions: Sessions
    ) -> None:
        consent = await papers.signed(TREATMENT)
        await sessions.through("arrival", "clearance")
        await papers.withdraw(consent)

        assert refused(await sessions.act("dose", **DOSE)) == (409, "consent_needed")

    async def test_a_dose_that_was_given_before_the_withdrawal_stays_in_the_record(
        self, papers: Papers, sessions: Sessions
    ) -> None:
        consent = await papers.signed(TREATMENT)
        await sessions.through("arrival", "clearance")
        began = datetime.now(UTC)
        await papers.withdraw(consent)

        answer = await sessions.act("dose", **DOSE, dose_started_at=began.isoformat())

        assert (answer.status_code, answer.json()["dose_started_at"]) == (200, text(began)[:23] + "Z")


class TestCheckIns:
    async def test_who_never_signed_in_the_app_reports_all_the_same(self, papers: Papers) -> None:
        await papers.publish("data_processing_app")

        assert (await papers.me.put(f"/v1/me/check-ins/{an_id()}", json=a_report())).status_code == 201

    async def test_nothing_new_is_taken_after_the_withdrawal(self, papers: Papers, db: Database) -> None:
        consent, path, report = await papers.signed("data_processing_app"), f"/v1/me/check-ins/{an_id()}", a_report()
        await papers.me.put(path, json=report)
        await papers.withdraw(consent)

        new = await papers.me.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
        correction = await papers.me.put(path, json=report | {"note": "other"}, headers={"If-Match": '"1"'})
        other = await papers.me.put(path, json=report | {"note": "other"})
        again = await papers.me.put(path, json=report)

        assert [refused(each) for each in (new, correction, other)] == [(403, "consent_withdrawn")] * 3
        assert again.status_code == 200
        assert (await papers.me.get(path)).json()["note"] == report["note"]
        assert len((await papers.me.get("/v1/me/check-ins")).json()["items"]) == 1
        assert len((await db.scalars(sa.select(CheckIn))).all()) == 1

    async def test_items_of_a_batch_are_forbidden_and_nothing_of_them_is_kept(
        self, papers: Papers, db: Database
    ) -> None:
        consent, known = await papers.signed("data_processing_app"), a_report(id=str(an_id()))
        await papers.me.post("/v1/me/check-ins/batch", json={"check_ins": [known]})
        await papers.withdraw(consent)
        unreadable, wrong = {"id": "7", "secret": "CANARY"}, a_report(id=str(an_id()), responses=[])
        late = a_report(datetime.now(UTC) - timedelta(days=2), id=str(an_id()))

        answer = await papers.me.post("/v1/me/check-ins/batch", json={"check_ins": [known, late, unreadable, wrong]})

        results = answer.json()["results"]
        assert [each["outcome"] for each in results] == ["unchanged", "forbidden", "forbidden", "forbidden"]
        assert {each["problem"]["code"] for each in results[1:]} == {"consent_withdrawn"}
        assert (await db.scalars(sa.select(QuarantinedSubmission))).all() == []
        assert len((await db.scalars(sa.select(CheckIn))).all()) == 1

    async def test_signing_again_opens_it_again(self, papers: Papers) -> None:
        await papers.withdraw(await papers.signed("data_processing_app"))
        await papers.sign(await papers.publish("data_processing_app"))

        assert (await papers.me.put(f"/v1/me/check-ins/{an_id()}", json=a_report())).status_code == 201

    async def test_other_consents_have_nothing_to_do_with_it(self, papers: Papers) -> None:
        for consent_type in ("research", "part2_tpo", TREATMENT):
            await papers.withdraw(await papers.signed(consent_type))

        assert (await papers.me.put(f"/v1/me/check-ins/{an_id()}", json=a_report())).status_code == 201

    async def test_what_a_clinician_completes_is_taken_all_the_same(self, papers: Papers) -> None:
        await papers.withdraw(await papers.signed("data_processing_app"))
        path = f"/v1/patients/{papers.cast.patient_id}/check-ins/{an_id()}"

        assert (await papers.prescriber.put(path, json=a_report())).status_code == 201

    async def test_none_slips_in_behind_a_withdrawal_at_the_same_moment(self, papers: Papers, db: Database) -> None:
        """Writes of one patient wait for each other; whichever waited sees what the one before it left."""
        document = await papers.publish("data_processing_app")
        for _ in range(4):
            consent = (await papers.sign(document)).json()
            reports = [papers.me.put(f"/v1/me/check-ins/{an_id()}", json=a_report()) for _ in range(6)]

            *answers, withdrawn = await asyncio.gather(*reports[:3], papers.withdraw(consent), *reports[3:])

            statuses = {answer.status_code for answer in (*answers, withdrawn)}
            assert statuses <= {200, 201, 403}
            last = await revision_of(db, papers.cast.patient)
            assert [row for row in await db.scalars(sa.select(CheckIn.revision)) if row >= last] == []

    async def test_a_check_in_costs_no_statement_more(self, papers: Papers, queries: list[str]) -> None:
        async def cost() -> int:
            queries.clear()
            await papers.me.put(f"/v1/me/check-ins/{an_id()}", json=a_report())
            return sum("consent" in statement and "app_consent_withdrawn_at" not in statement for statement in queries)

        await cost()
        assert await cost() == 0
