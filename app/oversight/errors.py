"""What can go wrong when a record is opened in an emergency, or that is reviewed."""

from app.core.errors import Problem


class AlreadyInCareTeam(Problem):
    """The caller looks after this patient, and may read the record without an emergency."""

    status = 409
    code = "already_in_care_team"
    title = "You look after this patient already."


class AlreadyReviewed(Problem):
    """Somebody reviewed it before. A review stays as it was written."""

    status = 409
    code = "already_reviewed"
    title = "This emergency access was reviewed already."


class OwnEmergencyAccess(Problem):
    """Nobody reviews what they opened themselves, under whatever role. Ask another privacy officer."""

    status = 409
    code = "own_emergency_access"
    title = "You opened this record yourself."
