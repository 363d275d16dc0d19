"""How far a phone has read a patient's record: the cursor of `GET /v1/me/changes`, which uploads move on as well.

The patient's revision counts the writing transactions of their record. It is counted under a lock that lasts until the
commit, so whoever has seen revision 7 will never be surprised by a 6.
"""

import contextlib
from dataclasses import dataclass, replace
from typing import Final, Self
from uuid import UUID

from app.core.pagination import CursorInvalid, make_cursor, read_cursor

_LIST: Final = "changes"
MOST_SENT: Final = 20
"""Uploads that a cursor remembers between two questions; what was sent before is told once more, which does no harm."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything of revisions before `revision` was read; of `revision` itself what stands up to `kind` and `id`.

    Without a `kind` all of `revision` was read. `began` is the revision at which a reading of the whole record began:
    what was removed until then never was on this phone, and need not be told. The check-ins of the revisions `sent`
    came from this phone, and are not told either.
    """

    revision: int
    began: int
    kind: str | None = None
    id: UUID | None = None
    sent: tuple[int, ...] = ()

    @classmethod
    def at(cls, revision: int) -> Self:
        """Everything up to this revision was read."""
        return cls(revision, revision)

    @classmethod
    def read(cls, text: str, patient_id: UUID) -> Self:
        """The cursor of a phone of this patient; `CursorInvalid` for any other."""
        parts = read_cursor(text, _LIST, patient_id)
        try:
            revision, began, kind, subject_id, *sent = parts
        except ValueError:  # of a release that had other ones
            raise CursorInvalid from None
        return cls(revision, began, kind, subject_id, tuple(sent))

    def text(self, patient_id: UUID) -> str:
        """As it goes over the wire, signed and only for this patient."""
        return make_cursor([self.revision, self.began, self.kind, self.id, *self.sent], _LIST, patient_id)

    @property
    def removals_from(self) -> int:
        """What was removed after this revision is still to be told."""
        return max(self.began, self.revision if self.kind is None else self.revision - 1)

    def after_upload(self, revision: int) -> Self:
        """The same place, with the check-ins that this phone sent as this revision known to it."""
        return replace(self, sent=(*self.sent, revision)[-MOST_SENT:])

    def reached(self, revision: int) -> Self:
        """Everything up to this revision was read; what was sent since then stays known."""
        return replace(
            self,
            revision=revision,
            began=revision,
            kind=None,
            id=None,
            sent=tuple(each for each in self.sent if each > revision),
        )


def after_upload(sent: str | None, patient_id: UUID, before: int, after: int) -> str:
    """The cursor that answers an upload, which made revision `after` of `before` (the same when nothing was new).

    `sent` is the cursor that the phone had. It is moved past what the phone sent and past nothing else, so whatever
    others wrote meanwhile is still told. A phone that names none, or an unreadable one, is taken to have read all that
    was there before: an upload is never refused for its cursor.
    """
    place = Cursor.at(before)
    if sent is not None:
        with contextlib.suppress(CursorInvalid):
            place = Cursor.read(sent, patient_id)
    return (place if after == before else place.after_upload(after)).text(patient_id)
