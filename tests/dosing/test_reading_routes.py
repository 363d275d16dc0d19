from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import Database
from app.dosing import recording
from app.dosing.models import DosingSession, DosingSessionStep, Reading
from app.events.models import OutboxEvent
from app.safety.models import Alert
from tests.cast import Cast
from tests.dosing.bedside import CALM, NOT_AT_ALL, Bedside, a_reading, a_session, found
from tests.dosing.sessions import Clients, text
from tests.factories import an_id

At = Callable[..., Any]
HIGH = {"systolic": 188, "diastolic": 96}


@pytest.fixture
def at(db: Database, cast: Cast, new_client: Clients) -> At:
    """A bedside of a new session at a stage."""

    async def make(status: str = "dosing", **but: Any) -> Bedside:
        return Bedside(new_client(cast.nurse.token), await a_session(db, cast, status, **but))

    return make


async def stage(db: Database, bedside: Bedside) -> tuple[str, int]:
    row = (
        await db.execute(
            sa.select(DosingSession.status, DosingSession.version).where(DosingSession.id == bedside.session_id)
        )
    ).one()
    return row.status, row.version


class TestRecording:
    async def test_keeps_what_was_measured_and_when(self, at: At) -> None:
        bedside = await at(begun=61)
        sent = a_reading(
            20.5, **CALM, respiratory_rate=14, temperature=36.7, moaas=4,
            dissociation={"unreal": 2, "detached": 3, "time": 1, "distress": 1},
            aldrete={"activity": 2, "respiration": 2, "circulation": 2, "consciousness": 1, "oxygen": 2},
            note="laughed",
        )  # fmt: skip
        result = await bedside.one(sent)

        assert result["outcome"] == "created"
        (kept,) = await bedside.all()
        assert kept == result["reading"]
        for name in ("id", "taken_at", "systolic", "diastolic", "spo2", "temperature", "moaas", "note"):
            assert kept[name] == sent[name]
        assert kept["at"] == sent["taken_at"]
        assert kept["dissociation"] == sent["dissociation"] | {"total": 7}
        assert kept["aldrete"]["total"] == 9
        assert (kept["minutes_from_dose"], kept["received_late"], kept["clock_suspect"]) == (40, True, False)

    async def test_leaves_missing_what_is_missing(self, at: At) -> None:
        bedside = await at()
        reading = (await bedside.one(a_reading(dissociation={"unreal": 0})))["reading"]

        assert reading["dissociation"] == {"unreal": 0, "detached": None, "time": None, "distress": None, "total": None}
        assert [reading[name] for name in (*CALM, "moaas", "aldrete", "temperature")] == [None] * 7

    async def test_takes_the_same_again_without_doing_anything(self, at: At, db: Database) -> None:
        bedside = await at()
        sent = a_reading(**HIGH)
        await bedside.one(sent)
        again = await bedside.one(sent)

        assert (again["outcome"], again["alerts"]) == ("unchanged", [])
        assert await db.scalar(sa.select(sa.func.count()).select_from(Reading)) == 1
        told = await db.scalars(sa.select(OutboxEvent.type).where(OutboxEvent.type.startswith("dosing_session.")))
        assert told.all() == ["dosing_session.readings_recorded"]

    async def test_judges_every_item_for_itself(self, at: At) -> None:
        bedside = await at()
        good, twin = a_reading(), a_reading(heart_rate=80)
        answer = await bedside.send(
            good, a_reading(heart_rate=9), "nonsense", twin, good, twin | {"heart_rate": 81}, {"id": "x"}
        )

        assert [result["outcome"] for result in answer["results"]] == [
            "created", "invalid", "invalid", "created", "unchanged", "conflict", "invalid",
        ]  # fmt: skip
        assert [result["id"] for result in answer["results"]][2::4] == [None, None]
        assert len(await bedside.all()) == 2

    @pytest.mark.parametrize(
        ("values", "pointer", "code"),
        [
            ({"systolic": 251, "diastolic": 90}, "/systolic", "less_than_equal"),
            ({"systolic": 49, "diastolic": 40}, "/systolic", "greater_than_equal"),
            ({"systolic": 120.0, "diastolic": 80}, "/systolic", "int_type"),
            ({"systolic": "120", "diastolic": 80}, "/systolic", "int_type"),
            ({"systolic": 80, "diastolic": 120}, "/diastolic", "not_below_systolic"),
            ({"temperature": 98.6}, "/temperature", "less_than_equal"),
            ({"temperature_f": 98.6}, "/temperature_f", "extra_forbidden"),
            ({"heart_rate": 70, "unit": "Hz"}, "/unit", "extra_forbidden"),
            ({"spo2": 0.97}, "/spo2", "int_type"),
            ({"spo2": 60}, "/spo2", "needs_confirmation"),
            ({"moaas": 6}, "/moaas", "less_than_equal"),
            ({"dissociation": {"cadss": 4}}, "/dissociation/cadss", "extra_forbidden"),
            ({"note": "calm"}, "", "no_values"),
            ({"heart_rate": 70, "taken_at": "2019-01-01T00:00:00Z"}, "/taken_at", "too_long_ago"),
            ({"heart_rate": 70, "taken_at": "1999-01-01T00:00:00Z"}, "/taken_at", "instant_range"),
        ],
    )
    async def test_refuses_what_cannot_be_true(self, at: At, values: dict[str, Any], pointer: str, code: str) -> None:
        bedside = await at()
        result = await bedside.one(a_reading(**values))

        assert (result["outcome"], result["reading"]) == ("invalid", None)
        assert result["problem"]["code"] == "reading_invalid"
        assert [(fault["pointer"], fault["code"]) for fault in result["problem"]["errors"]] == [(pointer, code)]
        assert await bedside.all() == []

    async def test_takes_a_low_saturation_that_somebody_confirms(self, at: At) -> None:
        result = await (await at()).one(a_reading(spo2=60, confirmed=["spo2"]))

        assert result["outcome"] == "created"
        assert found(result) == [("O2-1", "critical")]

    @pytest.mark.parametrize("body", [{"readings": []}, {"readings": [{}] * 101}, {}, {"readings": [{}], "unit": "x"}])
    async def test_refuses_what_is_no_batch(self, at: At, body: dict[str, Any]) -> None:
        bedside = await at()

        assert (await bedside.client.post(bedside.path, json=body)).status_code == 422

    async def test_stops_at_what_a_session_can_hold(self, at: At, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recording, "MOST_READINGS", 3)
        bedside = await at()
        await bedside.send(a_reading(), a_reading())
        results = (await bedside.send(a_reading(), a_reading()))["results"]

        assert [(result["problem"] or {}).get("code") for result in results] == [None, "too_many_readings"]


class TestOpenness:
    @pytest.mark.parametrize("status", ["checked_in", "held", "cleared", "dosing", "monitoring", "aborted"])
    async def test_is_from_the_arrival_on(self, at: At, status: str) -> None:
        begun = None if status in {"checked_in", "held", "cleared"} else 60

        assert (await (await at(status, begun=begun)).one(a_reading()))["outcome"] == "created"

    @pytest.mark.parametrize("status", ["scheduled", "cancelled", "closed"])
    async def test_is_not_before_nor_after(self, at: At, status: str) -> None:
        result = await (await at(status)).one(a_reading())

        assert (result["outcome"], result["problem"]["code"]) == ("invalid", "session_not_open")

    async def test_is_for_what_was_taken_before_the_patient_went(self, at: At, db: Database) -> None:
        bedside = await at("discharged")
        gone_at = datetime.now(UTC) - timedelta(minutes=30)
        db.add(
            DosingSessionStep(
                id=an_id(), clinic_id=(await db.scalars(sa.select(DosingSession.clinic_id))).one(),
                session_id=bedside.session_id, version=6, at=gone_at, action="discharge", actor_id=None,
                from_status="discharge_ready", to_status="discharged", scheduled_at=gone_at,
            )
        )  # fmt: skip
        results = (await bedside.send(a_reading(31), a_reading(10)))["results"]

        assert [result["outcome"] for result in results] == ["created", "invalid"]
        assert results[1]["problem"]["code"] == "session_not_open"


class TestClocks:
    async def test_that_differ_are_put_right_and_said_to_be_off(self, at: At) -> None:
        """Two tablets: one is right, one is an hour behind. Their readings stand in the order they were taken."""
        bedside = await at(begun=90)
        now = datetime.now(UTC)
        behind = timedelta(hours=1)
        first = a_reading(39.5, heart_rate=71)
        second = a_reading(29.5, heart_rate=72) | {"taken_at": text(now - timedelta(minutes=29.5) - behind)}
        await bedside.send(first, device_time=text(now))
        await bedside.send(second, device_time=text(now - behind))
        kept = await bedside.all()

        assert [(one["heart_rate"], one["clock_suspect"]) for one in kept] == [(71, False), (72, True)]
        assert kept[1]["taken_at"] == second["taken_at"]
        assert [one["minutes_from_dose"] for one in kept] == [50, 60]

    async def test_that_run_ahead_tell_of_nothing_in_the_future(self, at: At) -> None:
        reading = (await (await at()).one(a_reading(-300)))["reading"]

        assert reading["clock_suspect"]
        assert reading["at"] == reading["received_at"] < reading["taken_at"]

    async def test_that_were_set_right_since_do_not_move_a_corrected_reading(self, at: At) -> None:
        bedside = await at(begun=90)
        now = datetime.now(UTC)
        sent = a_reading(heart_rate=71) | {"taken_at": text(now - timedelta(hours=1, minutes=10))}
        first = (await bedside.one(sent, device_time=text(now - timedelta(hours=1))))["reading"]
        right = (await bedside.one(sent | {"heart_rate": 91, "base_version": 1}, device_time=text(now)))["reading"]

        assert (right["at"], right["clock_suspect"], right["heart_rate"]) == (first["at"], True, 91)

    async def test_count_minutes_from_the_dose_as_it_is_known_now(self, at: At, db: Database) -> None:
        bedside = await at(begun=60)
        await bedside.send(a_reading(20))
        await db.execute(sa.update(DosingSession).values(dose_started_at=datetime.now(UTC) - timedelta(minutes=50.5)))
        await db.finish()

        assert [one["minutes_from_dose"] for one in await bedside.all()] == [30]


class TestCorrections:
    async def test_keep_what_was_said_before(self, at: At, cast: Cast, new_client: Clients) -> None:
        bedside = await at()
        sent = a_reading(**CALM, note="asleep?")
        await bedside.one(sent)
        corrected = await Bedside(new_client(cast.prescriber.token), bedside.session_id).one(
            sent | {"spo2": 96, "base_version": 1}
        )
        versions = (await bedside.client.get(f"{bedside.path}/{sent['id']}/versions")).json()["items"]

        assert (corrected["outcome"], corrected["reading"]["version"], corrected["reading"]["spo2"]) == (
            "corrected",
            2,
            96,
        )
        assert [(one["version"], one["spo2"], one["note"]) for one in versions] == [(1, 98, "asleep?")]
        assert versions[0]["recorded_by"] == str(cast.nurse.membership.id)
        assert corrected["reading"]["recorded_by"] == str(cast.prescriber.membership.id)

    async def test_of_something_that_changed_are_told_how_it_is_now(self, at: At) -> None:
        bedside = await at()
        sent = a_reading()
        await bedside.send(sent, sent | {"spo2": 97, "base_version": 1})
        late = await bedside.one(sent | {"spo2": 95, "base_version": 1})

        assert (late["outcome"], late["problem"]["code"]) == ("conflict", "precondition_failed")
        assert (late["reading"]["spo2"], late["reading"]["version"]) == (97, 2)
        assert (await bedside.one(sent))["outcome"] == "unchanged"  # a late copy of the first
        assert (await bedside.one(a_reading() | {"base_version": 1}))["outcome"] == "conflict"  # of nothing

    async def test_are_judged_anew(self, at: At) -> None:
        bedside = await at()
        sent = a_reading(**CALM)
        assert found(await bedside.one(sent)) == []

        right = sent | HIGH | {"base_version": 1}
        assert found(await bedside.one(right)) == [("BP-2", "urgent")]
        assert found(await bedside.one(right | {"note": "left arm", "base_version": 2})) == []

    async def test_of_a_reading_that_is_not_there_have_no_versions(self, at: At) -> None:
        bedside = await at()

        assert (await bedside.client.get(f"{bedside.path}/{an_id()}/versions")).status_code == 404


class TestSigns:
    async def test_are_raised_with_the_reading_they_were_found_in(self, at: At, db: Database, cast: Cast) -> None:
        bedside = await at(session_clinician_id=cast.nurse.membership.id)
        sent = a_reading(**HIGH, moaas=1)
        result = await bedside.one(sent)

        assert found(result) == [("BP-2", "urgent"), ("SED-2", "critical")] or found(result) == [
            ("SED-2", "critical"),
            ("BP-2", "urgent"),
        ]
        kept = (await db.scalars(sa.select(Alert).where(Alert.rule == "SED-2"))).one()
        assert (kept.subject_kind, str(kept.subject_id)) == ("reading", sent["id"])
        assert (kept.dosing_session_id, kept.session_clinician_id) == (bedside.session_id, cast.nurse.membership.id)
        assert kept.inputs == {"moaas": 1}
        assert not kept.raised_late

    async def test_say_when_they_came_late(self, at: At, db: Database) -> None:
        await (await at()).send(a_reading(20, **HIGH))

        assert (await db.scalars(sa.select(Alert.raised_late))).all() == [True]

    async def test_confirm_one_another_in_whatever_order_they_come(self, at: At) -> None:
        results = (await (await at()).send(a_reading(2, **HIGH), a_reading(9, **HIGH)))["results"]

        assert [found(result) for result in results] == [[("BP-2", "critical")], [("BP-2", "urgent")]]

    async def test_are_found_in_what_stood_already_when_the_baseline_comes_late(self, at: At, db: Database) -> None:
        bedside = await at(begun=60)
        assert found(await bedside.one(a_reading(10, systolic=138, diastolic=70))) == []

        await bedside.send(a_reading(70, systolic=95, diastolic=60))
        assert (await db.scalars(sa.select(Alert.rule))).all() == ["BP-2"]
        assert [[flag["because"] for flag in one["flags"]] for one in await bedside.all()] == [[], ["rise"]]

    async def test_of_dissociation_are_held_against_what_was_before(self, at: At) -> None:
        bedside = await at("monitoring", begun=130)
        await bedside.send(a_reading(140, dissociation=NOT_AT_ALL | {"time": 3}))

        assert (
            found(await bedside.one(a_reading(5, dissociation={"unreal": 2, "detached": 2, "time": 2, "distress": 0})))
            == []
        )
        worse = a_reading(4, dissociation={"unreal": 2, "detached": 2, "time": 3, "distress": 0})
        assert found(await bedside.one(worse)) == [("DIS-1", "urgent")]


class TestSession:
    async def test_is_held_by_a_pressure_that_is_too_high_before_the_dose(self, at: At, db: Database) -> None:
        bedside = await at("cleared", begun=None)
        answer = await bedside.send(a_reading(systolic=141, diastolic=80))

        assert found(answer["results"][0]) == [("BP-1", "urgent")]
        assert (answer["session_status"], answer["session_version"]) == ("held", 6) == await stage(db, bedside)
        step = (await db.scalars(sa.select(DosingSessionStep))).one()
        assert (step.action, step.reason, step.to_status) == ("reading", "BP-1", "held")

    @pytest.mark.parametrize("status", ["checked_in", "held"])
    async def test_is_not_moved_by_it_before_it_is_cleared(self, at: At, db: Database, status: str) -> None:
        bedside = await at(status, begun=None)
        await bedside.send(a_reading(systolic=141, diastolic=80))

        assert await stage(db, bedside) == (status, 5)

    @pytest.mark.parametrize(
        ("values", "because"),
        [
            (HIGH, "BP-2"),
            ({"spo2": 93}, "O2-1"),
            ({"moaas": 3}, "SED-1"),
            ({"moaas": 1}, "SED-2"),
            ({"dissociation": {"unreal": 4, "detached": 0, "time": 0, "distress": 0}}, "DIS-1"),
        ],
    )
    async def test_goes_back_to_monitoring_with_a_sign_of_danger(
        self, at: At, db: Database, values: dict[str, Any], because: str
    ) -> None:
        bedside = await at("discharge_ready", begun=130)
        answer = await bedside.send(a_reading(**values))

        assert answer["session_status"] == "monitoring"
        assert (await db.scalars(sa.select(DosingSessionStep.reason))).all() == [because]

    async def test_stays_ready_with_distress_alone_and_with_calm(self, at: At, db: Database) -> None:
        bedside = await at("discharge_ready", begun=130)
        await bedside.send(a_reading(), a_reading(dissociation=NOT_AT_ALL | {"distress": 3}))

        assert await stage(db, bedside) == ("discharge_ready", 5)


class TestReading:
    async def test_is_in_the_order_of_our_clock_and_not_sent_twice(self, at: At) -> None:
        bedside = await at()
        await bedside.send(a_reading(5, heart_rate=72), a_reading(15, heart_rate=71), a_reading(1, heart_rate=73))
        answer = await bedside.client.get(bedside.path)
        again = await bedside.client.get(bedside.path, headers={"if-none-match": answer.headers["etag"]})

        assert [one["heart_rate"] for one in answer.json()["items"]] == [71, 72, 73]
        assert again.status_code == 304
        await bedside.send(a_reading())
        again = await bedside.client.get(bedside.path, headers={"if-none-match": answer.headers["etag"]})
        assert len(again.json()["items"]) == 4

    async def test_is_nothing_for_a_patient_or_for_who_does_not_look_after_them(
        self, at: At, cast: Cast, new_client: Clients
    ) -> None:
        bedside = await at()
        for person, status in ((cast.patient, 403), (cast.coordinator, 403)):
            answer = await new_client(person.token).post(bedside.path, json={"readings": [a_reading()]})
            assert answer.status_code == status
        assert (await bedside.client.get(f"/v1/dosing-sessions/{an_id()}/readings")).status_code == 404


class TestStatements:
    async def test_are_few(self, at: At, queries: list[str], db: Database) -> None:
        """Guard, lock, one to read, one to write and the summary; SQLite writes each table by itself."""
        bedside = await at()
        await bedside.send(*(a_reading(number) for number in range(1, 20)))
        queries.clear()
        await bedside.send(a_reading(0.5))

        assert len(queries) == (5 if db.is_postgresql else 8)
