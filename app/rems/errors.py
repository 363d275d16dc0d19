"""What can stand in the way of a report."""

from app.core.errors import Problem


class NotInTheProgramme(Problem):
    """There is no report of this session: only of those run here in which esketamine was given.

    The programme is the one for esketamine in the United States; other forms of ketamine have none.
    """

    status = 409
    code = "not_in_the_programme"
    title = "No report is asked for of this session."


class ReportSubmitted(Problem):
    """The clinic noted that it sent this report. What was sent is kept as it was and changes no more."""

    status = 409
    code = "report_submitted"
    title = "This report was sent already."
