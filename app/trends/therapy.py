"""What the marker of a dose says of the therapy that followed it. The rows were read with the markers, in one trip."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.integration.rules import THERAPY, Count, Window, count, is_offered, took_part, windows
from app.protocols.day_figures import Integration
from app.trends.rules import HOUR

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

    def within(dose: int, window: Window) -> Count:
        first, end = (bisect_left(times, dose + hours * HOUR) for hours in (window.from_hours, window.until_hours))
        return count(outcomes[first:end])

    return {row.id: [(window, within(row.at, window)) for window in every] for row in markers if row.dose_given}
