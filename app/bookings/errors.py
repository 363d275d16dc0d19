"""What can go wrong when somebody or a room is booked."""

from app.core.errors import Problem


class DoubleBooked(Problem):
    """Somebody or a room that it needs is taken at that time. Nothing was changed.

    `errors` points at what is taken (`staff_taken`, `room_taken`, `patient_taken`), never at by whom or what for. Look
    for a free time (`GET /v1/availability`), or book twice on purpose with an `override_reason`.
    """

    status = 409
    code = "double_booked"
    title = "Somebody or a room that it needs is taken at that time."
