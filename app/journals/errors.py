"""What can go wrong with a journal."""

from app.core.errors import Problem


class JournalEntryDeleted(Problem):
    """The patient deleted the entry that had this id. It is gone for good, and its id is not used again.

    A phone that was offline meanwhile drops its copy. What shall be kept after all is written under a new id.
    """

    status = 410
    code = "journal_entry_deleted"
    title = "This entry was deleted."
