"""What can go wrong with care plans and what stands beside them."""

from app.core.errors import Problem


class PhaseCannotFollow(Problem):
    """This phase does not come after the one that the patient is in. Nothing was changed.

    `current` is the phase they are in (null before the first plan), `may_follow` those that can come next, that one
    among them.
    """

    status = 409
    code = "phase_cannot_follow"
    title = "This phase cannot come next."


class NothingToSign(Problem):
    """The patient has not written a safety plan yet, so there is nothing to sign."""

    status = 409
    code = "nothing_to_sign"
    title = "There is no safety plan yet."


class ContingencyResultConflict(Problem):
    """The id already belongs to a result that says something else. Results are not changed.

    To correct one, record another under a new id that names it in `corrects`.
    """

    status = 409
    code = "contingency_result_conflict"
    title = "This id was used before for a different result."


class AlreadyCorrected(Problem):
    """Another result corrects this one already; correct that one instead. `corrected_by` is its id."""

    status = 409
    code = "already_corrected"
    title = "This result was corrected before."


class NoContingencyPlan(Problem):
    """At that moment the patient had no plan of rewards: none was made yet, or it had ended."""

    status = 409
    code = "no_contingency_plan"
    title = "There was no plan of rewards then."
