"""The copy for people, as sections in the order in which they are read."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from app.charts.words import words_for
from app.core.db import Database
from app.core.fields import zone
from app.exports import queries, schemas, series, words
from app.exports.blocks import Block, Cell, Facts, Paragraph, Section, Table
from app.exports.care import Care
from app.exports.day import Day
from app.exports.day_queries import LONG
from app.exports.queries import Row
from app.exports.rows import NONE, Wordings, Writer, plain
from app.exports.service import Reader
from app.identity.access import PatientAccess
from app.instruments import service as instruments

CONTENTS: Final = (
    ("measures", "How your measures went"),
    ("sessions", "Dosing sessions"),
    ("adverse-events", "Unwanted effects"),
    ("care-plan", "Your care plan"),
    ("safety-plan", "Your safety plan"),
    ("appointments", "Appointments"),
    ("practice", "What you practised"),
    ("rewards", "What you are rewarded for"),
    ("journal", "Your journal"),
    ("check-ins", "Your check-ins"),
    ("check-in-plan", "Which check-ins you are asked for"),
    ("due", "Check-ins that you were asked for"),
    ("alerts", "What the clinic's rules found"),
    ("requests", "What you asked for"),
    ("consents", "What you agreed to"),
    ("restrictions", "What you want to stay here"),
    ("disclosures", "What left the clinic"),
    ("accesses", "Who read or wrote your record"),
    ("people", "Who looks after you"),
    ("devices", "Phones and browsers"),
    ("kept", "How long things are kept"),
    ("left-out", "What is not in this copy"),
    ("words", "What the words mean"),
)
"""The parts of the copy that always exist, by key."""

TITLES: Final = dict(CONTENTS)
MOST_LETTERS: Final = 300_000
"""Letters of a journal that are printed, about 100 pages."""


@dataclass(slots=True)
class Ends:
    """Lets rows of a long list through until there are so many, or so many letters; none is no end."""

    most: int | None
    letters: int = MOST_LETTERS
    reached: bool = False

    async def of(self, pages: AsyncIterator[Sequence[Row]]) -> AsyncIterator[Sequence[Row]]:
        """The pages, the last of them cut."""
        left, letters = self.most, self.letters
        async for page in pages:
            if left is None:
                yield page
                continue
            kept = []
            for row in page:
                letters -= len(row.get("text") or "")
                if left == 0 or letters < 0:
                    self.reached = True
                    break
                left -= 1
                kept.append(row)
            yield kept
            if self.reached:
                return


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands at the top."""

    title: str
    name: str
    clinic: str
    made: str
    notice: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Readable:
    """One record, about to be read aloud section by section."""

    reader: Reader
    head: schemas.RecordWithoutAnswers
    writer: Writer
    overview: queries.Overview

    @classmethod
    async def of(cls, reader: Reader, head: schemas.RecordWithoutAnswers) -> "Readable":
        """Look up what all sections need."""
        place = Writer(words_for(head.clinic.locale), zone(head.profile.time_zone))
        async with reader.step() as db:
            overview = await queries.overview(db, reader.access.patient)
            wordings = await _wordings(db, reader.access)
        writer = Writer(
            place.words,
            place.zone,
            wordings,
            {one.id: one.dose_started_at for one in head.dosing_sessions if one.dose_started_at is not None},
            {one.id: f"{plain(one.kind)}, {place.day(one.scheduled_at)}" for one in head.appointments},
            {one.id: one.name for one in head.people},
        )
        return cls(reader, head, writer, overview)

    @property
    def cover(self) -> Cover:
        """Whose record it is, of which time, made when."""
        head, writer, seen = self.head, self.writer, self.overview
        reported = "none yet"
        if seen.first is not None and seen.last is not None:
            reported = f"{seen.n}, {writer.day(seen.first)} – {writer.day(seen.last)}"
        given = sum(1 for session in head.dosing_sessions if session.dose_started_at is not None)
        return Cover(
            title="My record",
            name=head.profile.display_name,
            clinic=head.clinic.name,
            made=writer.moment(head.exported_at),
            notice=head.notice,
            facts=(
                ("Name", head.profile.display_name),
                ("Address to sign in with", head.profile.email or NONE),
                ("Clinic", head.clinic.name),
                ("Record begun", writer.day(head.profile.enrolled_at)),
                *self._details(),
                ("Check-ins", reported),
                ("Dosing sessions", f"{len(head.dosing_sessions)}, of which {given} with a dose"),
                ("Appointments", str(len(head.appointments))),
                ("This copy was made", writer.moment(head.exported_at)),
                ("All times are in", head.profile.time_zone),
            ),
        )

    def _details(self) -> list[tuple[str, str]]:
        details = self.head.details
        if details is None:
            return []
        said = (("Born on", details.born_on), ("Sex, as the clinic wrote it down", details.sex))
        return [(name, value) for name, value in said if value]

    async def sections(self, most: int | None = None) -> AsyncIterator[Section]:
        """Every section; of the check-ins the newest `most`."""
        measured = await series.sections(self.reader)
        said = Paragraph("There are no values yet." if not measured else "Each chart shows all values of one measure.")
        yield Section(TITLES["measures"], (said,), key="measures")
        for section in measured:
            yield section
        care = Care(self.writer, self.head)
        yield self._sessions()
        for section in care.sessions():
            yield section
        yield self._adverse_events(care)
        async for section in self._day(Day(care, self.head), most):
            yield section
        for section in self._looked_after(care):
            yield section
        for section in self._agreed():
            yield section
        yield await self._accesses()
        for section in self._about():
            yield section

    def _sessions(self) -> Section:
        rows = tuple(self.writer.session(one) for one in reversed(self.head.dosing_sessions))
        head = ("Planned", "Status", "Given", "When")
        return self._listed("sessions", head, rows, (2, 1, 2, 2), "No dosing session was planned.")

    def _adverse_events(self, care: Care) -> Section:
        rows = tuple(row for event in reversed(self.head.adverse_events) for row in care.adverse_event(event))
        head = ("When", "What", "How strong", "What was done, what became of it")
        return self._listed("adverse-events", head, rows, (3, 4, 2, 4), "None was written down.")

    async def _day(self, day: Day, most: int | None) -> AsyncIterator[Section]:
        """What was planned with the patient, what they did and wrote, and what they were asked for."""
        for section in self._headed("care-plan", day.care_plans(), "There is none yet."):
            yield section
        for section in self._headed("safety-plan", day.safety_plans(), "You did not write one yet."):
            yield section
        yield self._appointments()
        for section in day.therapy():
            yield section
        head: tuple[str, ...] = ("When", "What", "How much it helped (0-10)", "Your words")
        async for section in self._long("practice", "practice_logs", day.practice, head, (2, 3, 2, 6), most):
            yield section
        for section in self._headed("rewards", day.rewards(), "There is no plan of rewards."):
            yield section
        head = ("When", "Your words", "Who may read it")
        async for section in self._long("journal", "journal_entries", day.journal_entry, head, (2, 8, 2), most):
            yield section
        async for section in self._check_ins(most):
            yield section
        for section in self._headed("check-in-plan", day.check_in_plans(), "The clinic's own plan holds for you."):
            yield section
        head = ("Due", "What it asks", "What became of it")
        async for section in self._long("due", "due_check_ins", day.due, head, (3, 5, 4), most):
            yield section

    def _headed(self, key: str, sections: Iterator[Section], empty: str) -> Iterator[Section]:
        """A section that is made of others, or says that there is nothing."""
        below = list(sections)
        yield Section(TITLES[key], () if below else (Paragraph(empty),), key=key)
        yield from below

    async def _long(
        self,
        key: str,
        name: str,
        told: Callable[[Row], list[tuple[Cell, ...]]],
        head: tuple[str, ...],
        widths: tuple[int, ...],
        most: int | None,
    ) -> AsyncIterator[Section]:
        """A list that can be long, month by month, the latest first; of a copy to print the newest `most`."""
        at, empty = LONG[name].order, True
        ends = Ends(most)
        async for title, rows in self._by_month(ends.of(self.reader.long(name)), at, told):
            if empty:
                yield Section(TITLES[key], (Paragraph("The latest first."),), key=key)
                empty = False
            yield Section(title, (Table(f"{TITLES[key]}: {title}", head, tuple(rows), widths),), level=3)
        if empty:
            yield Section(TITLES[key], (Paragraph("There is nothing yet."),), key=key)
        if ends.reached:
            yield Section("Before that", (Paragraph(words.EARLIER, quiet=True),), level=3)

    def _looked_after(self, care: Care) -> list[Section]:
        """What the rules found, and what the patient asked for."""
        alerts = tuple(map(care.alert, reversed(self.head.alerts)))
        found = ("When", "What the rule found", "How soon to look", "What became of it")
        return [
            self._listed("alerts", found, alerts, (3, 5, 2, 6), "They found nothing."),
            self._listed(
                "requests", ("When", "What", "Your words"), tuple(care.requests()), (3, 3, 6), "Nothing was asked for."
            ),
        ]

    def _appointments(self) -> Section:
        rows = tuple(self.writer.appointment(one) for one in reversed(self.head.appointments))
        head = ("Planned", "What", "With", "What became of it")
        return self._listed("appointments", head, rows, (2, 2, 2, 2), "No appointment was made.")

    async def _check_ins(self, most: int | None) -> AsyncIterator[Section]:
        shown = self.overview.n if most is None else min(most, self.overview.n)
        blocks = [Paragraph("What you answered and wrote, the newest first." if shown else "There are none yet.")]
        if shown < self.overview.n:
            blocks.append(Paragraph(words.SHORTENED.format(shown=shown, all=self.overview.n), quiet=True))
        yield Section(TITLES["check-ins"], tuple(blocks), key="check-ins")
        pages = Ends(shown).of(self.reader.check_ins())
        async for title, rows in self._by_month(pages, "recorded_at", self.writer.check_in):
            table = Table(f"Check-ins of {title}", ("When", "Answers", "Around a dose"), tuple(rows), (3, 13, 5))
            yield Section(title, (table,), level=3)
        if self.head.quarantined_check_ins:
            yield self._quarantined()

    async def _by_month(
        self, pages: AsyncIterator[Sequence[Row]], at: str, told: Callable[[Row], list[tuple[Cell, ...]]]
    ) -> AsyncIterator[tuple[str, list[tuple[Cell, ...]]]]:
        """Rows of a list by month; a month is told when the next one begins."""
        open_month, rows = "", list[tuple[Cell, ...]]()
        async for page in pages:
            for month, of_month in groupby(page, key=lambda row: self.writer.month(row[at])):
                if month != open_month and rows:
                    yield open_month, rows
                    rows = []
                open_month = month
                rows += [line for row in of_month for line in told(row)]
        if rows:
            yield open_month, rows

    def _quarantined(self) -> Section:
        rows = tuple(
            (self.writer.moment(one.received_at), str(one.problem.get("title", NONE)), one.content)
            for one in self.head.quarantined_check_ins
        )
        said = Paragraph("Your phone sent these, and they could not be accepted. They are shown word for word.")
        table = Table("Check-ins that could not be accepted", ("Received", "Why", "What was sent"), rows, (3, 4, 12))
        return Section("Check-ins that could not be accepted", (said, table), level=3)

    def _agreed(self) -> list[Section]:
        """Consents, restrictions and disclosures."""
        head, writer = self.head, self.writer
        return [
            self._listed(
                "consents",
                ("Signed", "What", "Status", "Ends"),
                tuple(map(writer.consent, head.consents)),
                (3, 6, 3, 3),
                "Nothing was signed with this service.",
            ),
            self._listed(
                "restrictions",
                ("Asked", "Kept from", "What", "Lifted"),
                tuple(map(writer.restriction, head.disclosure_restrictions)),
                (3, 4, 5, 3),
                "You did not ask for anything to be kept from anybody.",
            ),
            self._listed(
                "disclosures",
                ("When", "To whom", "What", "Allowed by"),
                tuple(map(writer.disclosure, head.disclosures)),
                (3, 4, 5, 3),
                "Nothing left the clinic by this service.",
            ),
        ]

    async def _accesses(self) -> Section:
        """Days on which somebody used the record: who, for what, and how often."""
        seen: Counter[tuple[str, str, str]] = Counter()
        async for page in self.reader.record_accesses():
            for row in page:
                who = f"{row['who']['display_name']}, {plain(row['who']['role'])}" if row["who"] else "the software"
                why = row["emergency_reason"]
                what = row["what"] if why is None else f"{row['what']}\nin an emergency: {plain(why)}"
                seen[self.writer.day(row["at"]), who, what] += 1
        rows = tuple((day, who, what, str(times)) for (day, who, what), times in seen.items())
        head = ("Day", "Who", "What they did", "How often")
        return self._listed("accesses", head, rows, (3, 5, 5, 2), "Nobody but you used it yet.")

    def _about(self) -> list[Section]:
        """People, devices, and what there is to say of the copy itself."""
        day, head = self.writer.day, self.head
        team = tuple(
            (one.name, plain(one.role) + ", responsible" * one.responsible, day(one.since), self._end(one.until))
            for one in head.care_team
        )
        devices = tuple(
            (
                one.label,
                self.writer.moment(one.signed_in_at),
                self.writer.moment(one.last_refreshed_at),
                self.writer.moment(one.ended_at),
            )
            for one in head.devices
        )
        return [
            self._listed("people", ("Name", "Role", "Since", "Until"), team, (3, 3, 2, 2), "Nobody is named yet."),
            self._listed(
                "devices", ("Name", "Signed in", "Last used", "Signed out"), devices, (3, 2, 2, 2), "There are none."
            ),
            self._told("kept", [(one.what, one.how_long) for one in head.kept]),
            self._told("left-out", [(one.what, one.why) for one in head.left_out]),
            self._told("words", words.EXPLAINED),
        ]

    def _end(self, until: datetime | None) -> str:
        return "today" if until is None else self.writer.day(until)

    def _listed(
        self, key: str, head: tuple[str, ...], rows: tuple[tuple[Cell, ...], ...], widths: tuple[int, ...], empty: str
    ) -> Section:
        blocks: tuple[Block, ...] = (Table(TITLES[key], head, rows, widths),) if rows else (Paragraph(empty),)
        return Section(TITLES[key], blocks, key=key)

    def _told(self, key: str, rows: Sequence[tuple[str, str]]) -> Section:
        return Section(TITLES[key], (Facts(tuple(rows)),), key=key)


async def _wordings(db: Database, access: PatientAccess) -> Wordings:
    """What the clinic itself calls instruments and their questions, in its own language."""
    titles: dict[tuple[str, str], str] = {}
    items: dict[tuple[str, str, str], str] = {}
    for summary in (await instruments.list_instruments(db, access)).items:
        if not summary.clinic_wordings:
            continue
        wording = (await instruments.read_instrument(db, access, summary.key, summary.version, None)).clinic_wording
        if wording is None:
            continue
        if wording.title:
            titles[summary.key, summary.version] = wording.title
        items |= {(summary.key, summary.version, item.item): item.text for item in wording.items}
    return Wordings(titles, items)
