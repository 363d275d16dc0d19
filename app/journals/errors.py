"""What can go wrong with a journal."""

from app.core.errors import Problem


class JournalEntryDeleted(Problem):
    """The patient deleted the entry that had this id. It is gone for good.

    Its id is refused for as long as removals are told (90 days). A phone that was offline meanwhile drops its copy.
    What shall be kept after all is written under a new id.
    """

    status = 410
    code = "journal_entry_deleted"
    title = "This entry was deleted."
