"""What can go wrong with a reading."""

from app.core.errors import Problem


class ReadingConflict(Problem):
    """The id already belongs to a reading with other values; the first one stands.

    To correct it, send `base_version`, the version that you read. For another moment, use a new id.
    """

    status = 409
    code = "reading_conflict"
    title = "This id was used before for a different reading."


class ReadingInvalid(Problem):
    """The values break a rule: not plausible, half a blood pressure, or nothing at all. `errors` points at each."""

    status = 422
    code = "reading_invalid"
    title = "The reading cannot be true as it is."


class SessionNotOpen(Problem):
    """Readings are taken from the arrival of the patient until they went home, or were transferred.

    What was taken until then can still be sent until the record is closed: a tablet may have been offline. A session
    that is only planned, was cancelled or is closed takes none.
    """

    status = 409
    code = "session_not_open"
    title = "The session takes no readings of that moment."


class TooManyReadings(Problem):
    """A session holds at most 1000 readings. A tablet that sends more is most likely stuck in a loop."""

    status = 409
    code = "too_many_readings"
    title = "The session holds as many readings as it can."
