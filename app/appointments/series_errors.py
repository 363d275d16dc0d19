"""What can go wrong with what repeats."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from app.appointments.recurrence import Instance
from app.bookings.service import Hold, Taken
from app.core.errors import FieldError, Problem
from app.core.fields import instant_text, wall_time_text


class InstancesClash(Problem):
    """On some of the days somebody or the room is taken. Nothing was changed.

    `clashes` lists them by their day, with the fields that named what is taken, never by whom or what for. Choose other
    times, leave these days out (`"clashes": "leave_out"`), or book twice on purpose with an `override_reason`.
    """

    status = 409
    code = "instances_clash"
    title = "On some of the days somebody or the room is taken."


def refuse_clashes(instances: Mapping[UUID, Instance], holds: Sequence[Hold], taken: Collection[Taken]) -> None:
    """Raise `InstancesClash` for the instances, by their holder's id, that cannot have what they need."""
    clashes, faults = [], dict[str, FieldError]()
    for hold in sorted(holds, key=lambda hold: hold.starts_at):
        pointers = list(dict.fromkeys(r.pointer for r in hold.resources if Taken(hold.holder_id, r.id) in taken))
        if not pointers:
            continue
        instance = instances[hold.holder_id]
        clashes.append(
            {
                "day": instance.day.isoformat(),
                "local": wall_time_text(instance.resolved.local),
                "scheduled_at": instant_text(hold.starts_at),
                "taken": pointers,
            }
        )
        for resource in hold.resources:
            if resource.pointer in pointers:
                words = "Taken on some of the days."
                faults[resource.pointer] = FieldError(resource.pointer, f"{resource.kind}_taken", words)
    if clashes:
        raise InstancesClash(errors=list(faults.values()), clashes=clashes)
