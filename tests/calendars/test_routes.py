"""Feeds as calendar programs read them, and their addresses as their owners handle them."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from app.appointments.models import AppointmentParticipant
from app.calendars.models import CalendarFeed
from app.core import clock
from app.core.db import Database
from app.core.settings import Settings
from app.identity.models import Membership
from tests.calendars.feeds import DAY, HOUR, NOW, Diary, address, fetched
from tests.cast import Cast
from tests.factories import an_id

Clients = Callable[..., httpx2.AsyncClient]


class TestReadMyCalendar:
    async def test_tells_a_secret_address_and_writes_nothing(
        self, me: httpx2.AsyncClient, db: Database, settings: Settings
    ) -> None:
        first, second = [await me.get("/v1/me/calendar") for _ in range(2)]

        assert first.json() == second.json()
        assert first.json() | {"address": ""} == {"address": "", "titles": "neutral", "enabled": True, "version": 0}
        assert first.json()["address"].startswith(f"{settings.public_url}/calendars/")
        assert (first.headers["cache-control"], first.headers["etag"]) == ("no-store", '"0"')
        assert list(await db.scalars(sa.select(CalendarFeed))) == []

    async def test_everybody_has_their_own(self, new_client: Clients, cast: Cast) -> None:
        people = (cast.patient, cast.other_patient, cast.therapist, cast.nurse, cast.coordinator)

        assert len({await address(new_client(person.token)) for person in people}) == 5


class TestSetMyCalendar:
    async def test_needs_the_version_that_was_read(self, me: httpx2.AsyncClient) -> None:
        path, wanted = "/v1/me/calendar", {"titles": "plain", "enabled": True}

        assert (await me.put(path, json=wanted)).status_code == 428
        changed = await me.put(path, json=wanted, headers={"if-match": '"0"'})
        stale = await me.put(path, json=wanted | {"enabled": False}, headers={"if-match": '"0"'})

        assert (changed.status_code, changed.json()["version"], changed.headers["etag"]) == (200, 1, '"1"')
        assert (stale.status_code, stale.json()["current"]["titles"]) == (412, "plain")
        assert stale.headers["cache-control"] == changed.headers["cache-control"] == "no-store"

    async def test_the_same_again_changes_nothing(self, me: httpx2.AsyncClient) -> None:
        path, wanted = "/v1/me/calendar", {"titles": "neutral", "enabled": True}

        assert (await me.put(path, json=wanted, headers={"if-match": '"0"'})).json()["version"] == 0

    @pytest.mark.parametrize(
        "but", [{"titles": "loud"}, {"enabled": "yes"}, {"enabled": 1}, {"titles": None}, {"address": "mine"}]
    )
    async def test_refuses_what_is_no_setting(self, me: httpx2.AsyncClient, but: dict[str, Any]) -> None:
        wanted = {"titles": "plain", "enabled": True} | but

        assert (await me.put("/v1/me/calendar", json=wanted, headers={"if-match": '"0"'})).status_code == 422

    async def test_a_feed_that_is_not_enabled_answers_nobody_until_it_is(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient
    ) -> None:
        path, wanted = await address(me), {"titles": "neutral", "enabled": False}
        off = await me.put("/v1/me/calendar", json=wanted, headers={"if-match": '"0"'})

        assert off.json()["address"] is None
        assert (await client.get(path)).status_code == 404
        await me.put("/v1/me/calendar", json=wanted | {"enabled": True}, headers={"if-match": '"1"'})
        assert await address(me) == path
        assert (await client.get(path)).status_code == 200


class TestRevokeMyCalendar:
    async def test_the_old_address_is_like_one_that_never_was(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient
    ) -> None:
        old = await address(me)
        assert (await me.delete("/v1/me/calendar")).status_code == 204
        new = await address(me)
        revoked, unknown = await client.get(old), await client.get(f"/calendars/{'A' * 75}.ics")

        assert (await client.get(new)).status_code == 200
        assert (revoked.status_code, unknown.status_code) == (404, 404)
        kept = {"request_id": "", "instance": ""}
        assert revoked.json() | kept == unknown.json() | kept

    async def test_each_time_there_is_another_and_the_choice_stays(self, therapist: httpx2.AsyncClient) -> None:
        wanted = {"titles": "plain", "enabled": True}
        await therapist.put("/v1/calendar", json=wanted, headers={"if-match": '"0"'})
        seen = {await address(therapist)}
        for _ in range(3):
            await therapist.delete("/v1/calendar")
            seen.add(await address(therapist))

        assert len(seen) == 4
        assert (await therapist.get("/v1/calendar")).json()["titles"] == "plain"


class TestFeedOfPatient:
    async def test_says_when_and_nothing_of_treatment(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary, cast: Cast
    ) -> None:
        talk = await diary.appointment(NOW + DAY, staff=(cast.therapist,))
        after_the_change = await diary.appointment(NOW + 7 * DAY)
        dose = await diary.session(NOW + 2 * DAY)
        await diary.appointment(NOW + DAY, whose=cast.other_patient)

        path = await address(me)
        file = await fetched(client, path)

        assert set(file.events) == {str(talk), str(after_the_change), str(dose)}
        assert {event["SUMMARY"] for event in file.events.values()} == {"Appointment"}
        assert {tuple(sorted(event.properties)) for event in file.events.values()} == {
            (
                "CLASS", "DTEND", "DTSTAMP", "DTSTART", "LAST-MODIFIED", "SEQUENCE", "STATUS", "SUMMARY", "UID",
            )
        }  # fmt: skip
        assert file.events[str(talk)]["DTSTART"] == "20261021T100000"
        assert file.events[str(after_the_change)]["DTSTART"] == "20261027T090000"  # the clocks were changed
        assert file.at(file.events[str(after_the_change)]) == NOW + 7 * DAY
        assert file.at(file.events[str(dose)], "DTEND") == NOW + 2 * DAY + 2 * HOUR
        assert file.calendar["X-WR-CALNAME"] == "Appointments"

    async def test_says_what_it_is_when_its_owner_wants_that(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary
    ) -> None:
        talk, dose = await diary.appointment(NOW + DAY), await diary.session(NOW + 2 * DAY)
        wanted = {"titles": "plain", "enabled": True}
        await me.put("/v1/me/calendar", json=wanted, headers={"if-match": '"0"'})

        file = await fetched(client, await address(me))

        assert file.events[str(talk)]["SUMMARY"] == "Relapse prevention"
        assert file.events[str(talk)]["LOCATION"] == "Addiction ward\\, room 2"
        assert file.events[str(dose)]["SUMMARY"] == "Dosing session"
        assert file.calendar["X-WR-CALNAME"] == "Appointments at Riverside"

    async def test_a_change_is_known_by_its_sequence_and_what_is_cancelled_stays(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary, cast: Cast, new_client: Clients
    ) -> None:
        coordinator, talk = new_client(cast.coordinator.token), str(an_id())
        booked = f"/v1/patients/{cast.patient_id}/appointments/{talk}"
        plan = {"kind": "cbt", "scheduled_at": "2026-10-26T09:00:00Z", "ends_at": "2026-10-26T10:00:00Z"}
        path, seen = await address(me), []
        for at, change in ((NOW - HOUR, {}), (NOW, {"scheduled_at": "2026-10-26T09:30:00Z"})):
            with clock.told(at):
                headers = {"if-match": '"1"'} if change else {}
                answer = await coordinator.put(booked, json=plan | change, headers=headers)
            assert answer.status_code in {200, 201}, answer.text
            seen.append((await fetched(client, path)).events[talk])
        with clock.told(NOW):
            off = await coordinator.post(
                f"/v1/appointments/{talk}/cancellation",
                json={"by": "clinic", "reason": "staff_unavailable"},
                headers={"if-match": '"2"'},
            )
        assert off.status_code == 200, off.text
        seen.append((await fetched(client, path)).events[talk])

        assert [(event["SEQUENCE"], event["DTSTART"], event["STATUS"]) for event in seen] == [
            ("0", "20261026T100000", "CONFIRMED"),
            ("1", "20261026T103000", "CONFIRMED"),
            ("2", "20261026T103000", "CANCELLED"),
        ]
        assert [event["DTSTAMP"] for event in seen[:2]] == ["20261020T070000Z", "20261020T080000Z"]

    async def test_holds_the_last_month_and_as_much_as_is_booked_ahead(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary
    ) -> None:
        await diary.appointment(NOW - 31 * DAY - HOUR)
        await diary.session(NOW + 182 * DAY)
        shown = {str(await diary.appointment(NOW - 31 * DAY)), str(await diary.session(NOW + 182 * DAY - HOUR))}

        assert set((await fetched(client, await address(me))).events) == shown

    async def test_an_appointment_without_an_end_lasts_as_long_as_usual(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary
    ) -> None:
        talk = str(await diary.appointment(NOW + DAY, ends_at=None))

        event = (await fetched(client, await address(me))).events[talk]
        assert (event["DTSTART"], event["DTEND"]) == ("20261021T100000", "20261021T105000")

    async def test_is_not_sent_again_while_nothing_changed(
        self, me: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary
    ) -> None:
        await diary.appointment(NOW + DAY)
        path = await address(me)
        with clock.told(NOW):
            first = await client.get(path)
            tag = first.headers["etag"]
            again = await client.get(path, headers={"if-none-match": tag})
        with clock.told(NOW + HOUR):
            later = await client.get(path, headers={"if-none-match": tag})
            await diary.session(NOW + 2 * DAY)
            changed = await client.get(path, headers={"if-none-match": tag})

        assert (again.status_code, again.content, later.status_code) == (304, b"", 304)
        assert first.headers["cache-control"] == again.headers["cache-control"] == "private, no-cache"
        assert (changed.status_code, changed.headers["etag"] == tag) == (200, False)


class TestFeedOfStaff:
    async def test_holds_what_they_take_part_in_without_a_patients_name(
        self, therapist: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary, cast: Cast
    ) -> None:
        mine = await diary.appointment(NOW + DAY, staff=(cast.nurse, cast.therapist), whose=cast.other_patient)
        await diary.appointment(NOW + DAY, staff=(cast.nurse,))
        dose = await diary.session(NOW + 2 * DAY, session_clinician_id=cast.therapist.membership.id)
        await diary.session(NOW + 2 * DAY, session_clinician_id=cast.nurse.membership.id)
        wanted = {"titles": "plain", "enabled": True}
        await therapist.put("/v1/calendar", json=wanted, headers={"if-match": '"0"'})
        path = await address(therapist)

        file = await fetched(client, path)
        content = (await client.get(path)).text

        assert set(file.events) == {str(mine), str(dose)}
        assert file.events[str(mine)]["SUMMARY"] == "Relapse prevention"
        for patient in (cast.patient, cast.other_patient):
            assert patient.patient is not None
            assert patient.patient.display_name not in content
            assert str(patient.patient_id) not in content

    async def test_leaves_out_what_they_declined(
        self, therapist: httpx2.AsyncClient, client: httpx2.AsyncClient, diary: Diary, cast: Cast, db: Database
    ) -> None:
        await diary.appointment(NOW + DAY, staff=(cast.therapist,))
        await db.execute(
            sa.update(AppointmentParticipant).values(status="declined").execution_options(synchronize_session=False)
        )

        assert (await fetched(client, await address(therapist))).events == {}

    async def test_a_group_is_one_event(
        self,
        therapist: httpx2.AsyncClient,
        client: httpx2.AsyncClient,
        diary: Diary,
        cast: Cast,
        me: httpx2.AsyncClient,
    ) -> None:
        group = an_id()
        of_group: dict[str, Any] = {"group_session_id": group, "staff": (cast.therapist,), "format": "group"}
        own = await diary.appointment(NOW + DAY, **of_group)
        await diary.appointment(NOW + DAY, whose=cast.other_patient, status="cancelled", version=3, **of_group)

        (event,) = (await fetched(client, await address(therapist))).events.values()
        assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (str(group), "2", "CONFIRMED")
        assert list((await fetched(client, await address(me))).events) == [str(own)]

    async def test_ends_with_the_membership(
        self, therapist: httpx2.AsyncClient, client: httpx2.AsyncClient, db: Database, cast: Cast
    ) -> None:
        path = await address(therapist)
        await db.execute(
            sa.update(Membership).where(Membership.id == cast.therapist.membership.id).values(ended_at=clock.now())
        )

        assert (await client.get(path)).status_code == 404

    async def test_roles_that_see_no_appointments_have_none(
        self, new_client: Clients, client: httpx2.AsyncClient, cast: Cast, db: Database, therapist: httpx2.AsyncClient
    ) -> None:
        path = await address(therapist)
        await db.execute(
            sa.update(Membership).where(Membership.id == cast.therapist.membership.id).values(role="researcher")
        )

        assert (await client.get(path)).status_code == 404
