"""The patient's day, in sections for people: plans with their versions, rewards, groups, and rows of the long lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.check_in_plans.rules import DueState
from app.exports import schemas
from app.exports.blocks import Block, Cell, Facts, Section, Table
from app.exports.care import Care
from app.exports.day_schemas import CopiedAppointmentSeries, CopiedCheckInPlan
from app.exports.rows import NONE, plain

_BECAME: Final = {
    DueState.EXPECTED: "not due yet",
    DueState.OPEN: "can be answered now",
    DueState.LATE: "answered late",
    DueState.WITHDRAWN: "not wanted any more",
}
_UNSAID: Final = frozenset({"id"})
"""What a plan needs to be kept, and no reader."""


@dataclass(frozen=True, slots=True)
class Day:
    """Writes these sections for one patient."""

    care: Care
    head: schemas.RecordWithoutAnswers

    # ---------------------------------------------------------------------------------------------------- plans
    def care_plans(self) -> Iterator[Section]:
        """Every version of the care plan, the latest first."""
        for plan in reversed(self.head.care_plans):
            facts = [
                ("Phase", plain(plan.phase)),
                *self._parts({k: v for k, v in plan.content.items() if k != "phase"}),
            ]
            yield self._version(plan, [*facts, ("Why it was changed", plan.reason or NONE)])

    def safety_plans(self) -> Iterator[Section]:
        """Every version of the plan for a crisis, the latest first."""
        for plan in reversed(self.head.safety_plans):
            signed = (
                [("Signed by the clinic", f"{self._moment(plan.co_signed_at)}, {self._who(plan.co_signed_by)}")]
                if plan.co_signed_at
                else []
            )
            yield self._version(plan, [*self._parts(plan.content), *signed])

    def rewards(self) -> Iterator[Section]:
        """Every version of what is rewarded, the latest first, then what came of it."""
        for plan in reversed(self.head.contingency_plans):
            ended = [("Ended", self._moment(plan.ended_at))] if plan.ended_at else []
            yield self._version(plan, [*self._parts(plan.content), ("Why it was changed", plan.reason or NONE), *ended])
        if self.head.contingency_results:
            currencies = {plan.version: plan.content.get("currency", "") for plan in self.head.contingency_plans}
            rows = tuple(
                (
                    self._moment(one.at),
                    plain(one.outcome) + ("\ncorrects an earlier one" if one.corrects else ""),
                    f"{one.amount_cents / 100:.2f} {currencies.get(one.plan_version, '')}".strip(),
                    "\n".join(filter(None, [one.note, self._who(one.recorded_by)])),
                )
                for one in reversed(self.head.contingency_results)
            )
            table = Table("What came of it", ("When", "Target", "Given", "Said of it"), rows, (3, 3, 2, 6))
            yield Section("What came of it", (table,), level=3)

    def check_in_plans(self) -> Iterator[Section]:
        """Every version of what is asked for, the latest first, then the moves from one time zone to another."""
        for plan in reversed(self.head.check_in_plans):
            yield self._version(plan, [("Plan", self._asked(plan)), ("Why it was changed", plan.reason or NONE)])
        if self.head.time_zone_changes:
            rows = tuple(
                (self._moment(one.at), f"{one.from_zone} to {one.to_zone}", self._who(one.changed_by, "you"))
                for one in reversed(self.head.time_zone_changes)
            )
            table = Table("Moves to another time zone", ("When", "From and to", "Who said so"), rows, (3, 5, 4))
            yield Section("Moves to another time zone", (table,), level=3)

    def _asked(self, plan: CopiedCheckInPlan) -> str:
        if plan.content is None:
            return f"the clinic's own: {plain(plan.template_key or 'default')}"
        return "\n".join(said for _, said in self._parts(plan.content))

    # ------------------------------------------------------------------------------------------------ therapy
    def therapy(self) -> Iterator[Section]:
        """What repeats: series of the patient's own, groups, and how the calendar feed is set up."""
        if self.head.appointment_series:
            rows = tuple(map(self._series, reversed(self.head.appointment_series)))
            yield Section("Series", (Table("Series", ("First", "How it repeats", "What"), rows, (3, 4, 6)),), level=3)
        if self.head.groups:
            groups = tuple(
                (plain(one.kind), self._day(one.joined_at), self._day(one.left_at) if one.left_at else "today")
                for one in reversed(self.head.groups)
            )
            yield Section("Groups", (Table("Groups", ("What", "Since", "Until"), groups, (4, 2, 2)),), level=3)
        if (feed := self.head.calendar_feed) is not None:
            facts = (
                ("Feed", "on" if feed.enabled else "off"),
                ("Titles", "say what it is for" if feed.titles == "plain" else "say nothing of what it is for"),
                ("Changed", self._moment(feed.changed_at)),
            )
            yield Section("Calendar feed", (Facts(facts),), level=3)

    def _series(self, series: CopiedAppointmentSeries) -> tuple[Cell, ...]:
        first = f"{series.first_at.replace('T', ', ')}\n{series.time_zone}, {series.minutes} min"
        first += f"\nended {self._moment(series.ended_at)}" if series.ended_at else ""
        without = f"\nwithout {', '.join(one.replace('T', ', ') for one in series.left_out)}" if series.left_out else ""
        return (
            first,
            f"{series.rule}{without}",
            "\n".join(f"{name}: {said}" for name, said in self._parts(series.content)),
        )

    # ---------------------------------------------------------------------------------------------- long lists
    def journal_entry(self, row: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
        """When it was written, what, and who may read it."""
        shared = row["shared_at"]
        who = "nobody but you" if shared is None else f"your care team, since {self._moment(shared)}"
        return [(self._there(row, "written_at"), row["text"], who)]

    def practice(self, row: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
        """When it was done, what, for how long and what was said of it."""
        what = plain(row["modality"])
        what += "" if row["minutes"] is None else f", {row['minutes']} min"
        helped = NONE if row["helpfulness"] is None else str(row["helpfulness"])
        note = row["note"] or NONE
        note += "\n(for you alone)" if row["note"] and row["private"] else ""
        return [(self._there(row, "done_at"), what, helped, note)]

    def due(self, row: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
        """When it was due, what it asked, and whether it came."""
        when = self._there(row, "due_at")
        when += "\nan hour later, since clocks were put forward" if row["shifted"] else ""
        became = _BECAME.get(row["state"], plain(row["state"]))
        became += f", {self._moment(row['answered_at'])}" if row["answered_at"] else ""
        return [(when, f"{plain(row['time_point'])}\n{', '.join(map(plain, row['instruments']))}", became)]

    def _there(self, row: Mapping[str, Any], name: str) -> str:
        """Day and time by the patient's clock of today, and by the one of that place where it was another."""
        return self.care.writer.there(row[name], row["time_zone"])

    # ---------------------------------------------------------------------------------------------------- words
    def _version(self, plan: Any, facts: list[tuple[str, str]]) -> Section:  # noqa: ANN401  one of the copied plans
        """One version, by whom and since when."""
        who = getattr(plan, "made_by", None)
        by = f", {self._who(who)}" if who else ""
        blocks: tuple[Block, ...] = (Facts(tuple(facts)),)
        return Section(f"Version {plan.version}, {self._moment(plan.made_at)}{by}", blocks, level=3)

    def _parts(self, content: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The parts of a plan, each with all that was written down."""
        told = ((plain(name).capitalize(), self.care.told(_without_ids(of))) for name, of in content.items())
        return [(name, said) for name, said in told if said != NONE]

    def _moment(self, at: Any) -> str:  # noqa: ANN401  an instant or nothing
        return self.care.writer.moment(at)

    def _day(self, at: Any) -> str:  # noqa: ANN401  an instant
        return self.care.writer.day(at)

    def _who(self, staff_id: Any, otherwise: str = "the service") -> str:  # noqa: ANN401  an id or nothing
        return self.care.writer.people.get(staff_id, "staff") if staff_id else otherwise


def _without_ids(part: Any) -> Any:  # noqa: ANN401  JSON
    """A part of a plan without the ids by which its lines are told apart."""
    if isinstance(part, Mapping):
        return {name.removesuffix("_id"): _without_ids(of) for name, of in part.items() if name not in _UNSAID}
    return [_without_ids(one) for one in part] if isinstance(part, list) else part
