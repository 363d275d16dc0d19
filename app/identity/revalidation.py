"""Answers 304 to who has the newest answer, before anything of the request but its caller is looked at.

A phone asks for its trends each time it is opened, and mostly nothing has changed. What the answer depends on is known
as soon as the guard has let the caller in: their record's revision, the clinic's protocol, the local day and the
address. So a request with `If-None-Match` is compared there, and only goes the usual way when it has to be answered.
What says of something that it is due by now depends on the minute as well: `LiveRoute`. Where it is known from when on
the answer will be another one, the tag says so itself: `TimedRoute`.
"""

import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from fastapi import Request, Response

from app.core import clock, lean
from app.core.columns import EPOCH, MICROSECOND
from app.core.db import begin
from app.core.etags import composed_tag, not_modified, unchanged
from app.core.fields import zone
from app.core.openapi import guards
from app.core.routing import Route
from app.identity.access import AccessGuard, PatientAccess

_TIMED: Final = re.compile(r'"([0-9a-f]{24})-([0-9a-f]{1,14})"')
REVISION: Final = "3"
"""Part of every entity tag; raised when the same data is answered differently."""


def tag_of(request: Request, access: PatientAccess) -> str:
    """The tag of the answer to this address for this patient, as things stand now."""
    return composed_tag(
        REVISION,
        request.scope["path"],
        request.scope["query_string"].decode("latin-1"),
        access.patient.id,
        access.patient.revision,
        access.patient.time_zone,
        access.clinic.protocol_version,
        access.clinic.locale,
        clock.now().astimezone(zone(access.patient.time_zone)).date(),
    )


def live_tag_of(request: Request, access: PatientAccess) -> str:
    """The same for an answer that changes as time goes by: good for the minute."""
    return composed_tag(tag_of(request, access), f"{clock.now():%H:%M}")


def timed_tag_of(request: Request, access: PatientAccess, until: datetime) -> str:
    """The same for an answer that stays what it is until a moment, if nothing is written before."""
    return f'{tag_of(request, access)[:-1]}-{(until - EPOCH) // MICROSECOND:x}"'


class RevalidatedRoute(Route):
    """A route whose answers carry `tag_of`."""

    tag = staticmethod(tag_of)

    def held(self, request: Request, access: PatientAccess) -> str | None:
        """The tag of the answer, where the caller has that answer."""
        tag = self.tag(request, access)
        return tag if unchanged(request, tag) else None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, the short way if there is one (`lean`), with the question of the tag before it."""
        handle, call = super().get_route_handler(), lean.call_of(self)
        (guard,) = guards(self.dependant)

        async def revalidate(request: Request) -> Response:
            asks = "if-none-match" in request.headers
            access = await guard.at_once(request) if asks else None
            if access is not None:
                tag, asks = self.held(request, access), False
                if tag is not None:
                    return not_modified(tag)
            given = None if call is None else call.given(request)
            if call is None or given is None:
                tag = await self._held_closely(request, guard) if asks else None
                return await handle(request) if tag is None else not_modified(tag)
            async with begin(request) as db:
                access = await guard(request, db)
                tag = self.held(request, access) if asks else None
                return await call.answer(given, access, db) if tag is None else not_modified(tag)

        return revalidate

    async def _held_closely(self, request: Request, guard: AccessGuard) -> str | None:
        """The same where the guard could not let the caller in at once."""
        async with begin(request) as db:
            tag = self.held(request, await guard(request, db))
            if tag is None:
                await db.abandon()  # the usual way lets the caller in anew, and notes it
            return tag


class TimedRoute(RevalidatedRoute):
    """A route whose answers carry `timed_tag_of`: the guard knows that nothing was written, the tag says the rest.

    The moment in the tag is the caller's word. Who makes one up has an old answer, and nobody else has it.
    """

    def held(self, request: Request, access: PatientAccess) -> str | None:
        """The tag that was sent, where it belongs to what stands now and its time is not over."""
        bare, now = tag_of(request, access)[1:-1], (clock.now() - EPOCH) // MICROSECOND
        for known, until in _TIMED.findall(request.headers["if-none-match"]):
            if known == bare and now < int(until, 16):
                return f'"{known}-{until}"'
        return None


class LiveRoute(RevalidatedRoute):
    """A route whose answers carry `live_tag_of`."""

    tag = staticmethod(live_tag_of)
