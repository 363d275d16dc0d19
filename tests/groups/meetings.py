"""A group, as its coordinator keeps it over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx2

from tests.cast import Cast
from tests.factories import an_id

Clients = Callable[..., httpx2.AsyncClient]
MONDAYS = ["2090-03-06", "2090-03-13", "2090-03-20"]
A_GROUP = {
    "name": "Tuesday group",
    "kind": "support_group",
    "capacity": 2,
    "first_at": "2090-03-06T17:00",
    "minutes": 90,
    "rule": "FREQ=WEEKLY;COUNT=3",
}


class Meetings:
    """Does with a group what people do with it."""

    def __init__(self, client: httpx2.AsyncClient, cast: Cast) -> None:
        self.client, self.cast = client, cast
        self.id = str(an_id())

    @property
    def path(self) -> str:
        return f"/v1/groups/{self.id}"

    async def put(self, version: int | None = None, **but: Any) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self.client.put(self.path, json=A_GROUP | but, headers=headers)

    async def read(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(self.path)).json()
        return found

    async def meeting(self, day: str = MONDAYS[0]) -> dict[str, Any]:
        (found,) = [s for s in (await self.read())["sessions"] if s["day"] == day and s["status"] != "withdrawn"]
        return dict(found)

    async def join(self, patient_id: object, **but: Any) -> httpx2.Response:
        return await self.client.put(f"{self.path}/members/{patient_id}", json=but)

    async def leave(self, patient_id: object) -> httpx2.Response:
        return await self.client.delete(f"{self.path}/members/{patient_id}")

    async def members(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"{self.path}/members")).json()
        return found

    async def statuses(self, patient_id: object) -> list[str]:
        """What a member has in the meetings to come."""
        (member,) = [m for m in (await self.members())["items"] if m["patient_id"] == str(patient_id)]
        return [place["status"] for place in member["places"]]

    async def move(self, day: str = MONDAYS[0], **but: Any) -> httpx2.Response:
        now = await self.meeting(day)
        fields = ("scheduled_at", "ends_at", "room_id", "capacity")
        return await self.client.put(
            f"/v1/group-sessions/{now['id']}",
            json={name: now[name] for name in fields} | but,
            headers={"If-Match": f'"{now["version"]}"'},
        )

    async def call_off(self, day: str = MONDAYS[0]) -> httpx2.Response:
        now = await self.meeting(day)
        return await self.client.post(
            f"/v1/group-sessions/{now['id']}/cancellation",
            json={"reason": "staff_unavailable"},
            headers={"If-Match": f'"{now["version"]}"'},
        )

    async def cancel_own(self, patient_id: object, day: str = MONDAYS[0]) -> httpx2.Response:
        """Cancel one member's appointment, the way that any appointment is."""
        meeting = await self.meeting(day)
        (member,) = [m for m in (await self.members())["items"] if m["patient_id"] == str(patient_id)]
        (place,) = [p for p in member["places"] if p["group_session_id"] == meeting["id"]]
        path = f"/v1/appointments/{place['appointment_id']}"
        version = (await self.client.get(path)).json()["version"]
        return await self.client.post(
            f"{path}/cancellation",
            json={"by": "patient", "reason": "illness"},
            headers={"If-Match": f'"{version}"'},
        )
