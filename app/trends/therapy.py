"""What the marker of a dose says of the therapy that followed it. The rows were read with the markers, in one trip."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from app.integration.rules import THERAPY, Count, Window, count, is_offered, took_part, windows
from app.protocols.day_figures import Integration
from app.trends.rules import HOUR

_NONE: Final = Count(0, 0, 0)
AfterDoses = Mapping[UUID, Sequence[tuple[Window, Count]]]


def after_doses(markers: Sequence[Any], visits: Sequence[Any], figures: Integration) -> AfterDoses:
    """For each marker of a dose by the id of its session, how much therapy there was in each window after it.

    `visits` are the appointments in order of time; those are counted that were offered, as `app.integration` counts.
    """
    offered = [
        (row.at, took_part(row.status, row.attendance))
        for row in visits
        if row.appointment_kind in THERAPY and is_offered(row.status, row.attendance)
    ]
    times, outcomes = [at for at, _ in offered], [outcome for _, outcome in offered]
    every = windows(figures)
    none = [(window, _NONE) for window in every]
    bounds = [0, *(window.until_hours * HOUR for window in every)]  # one window begins where the one before ends
    found: dict[UUID, Sequence[tuple[Window, Count]]] = {}
    for row in markers:
        if not row.dose_given:
            continue
        dose = row.at
        edges = [bisect_left(times, dose + bound) for bound in bounds]
        found[row.id] = (
            none
            if edges[0] == edges[-1]
            else [
                (window, count(outcomes[first:end]))
                for window, first, end in zip(every, edges, edges[1:], strict=False)
            ]
        )
    return found
