"""What can go wrong with groups."""

from app.core.errors import Problem


class PlacesTaken(Problem):
    """More members have a place than there would be places. Cancel appointments first, or keep more places."""

    status = 409
    code = "places_taken"
    title = "More places are taken than there would be."


class MembersClash(Problem):
    """Members have something else at that time. Nothing was changed.

    `members` says how many. Choose another time, or let them lose their place in this meeting
    (`"clashes": "leave_out"`).
    """

    status = 409
    code = "members_clash"
    title = "Some members have something else at that time."
