"""What can go wrong when something is put on a timeline."""

from app.core.errors import Problem


class IdTaken(Problem):
    """The id belongs to something else of the clinic already. Make a new one (UUIDv7) and send again."""

    status = 409
    code = "id_taken"
    title = "This id belongs to something else already."
