"""What the next incentive is. Figures of one patient's plan, never of a clinic's or of this program.

Incentives grow with every result that meets the target, fall back when one does not, and can come back to where they
were after some that do. This follows how vouchers are escalated and reset in contingency management; the figures are
the plan's. Nothing here has to do with alerts: a result that does not meet the target is no emergency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ContingencyOutcome(StrEnum):
    """Whether the target behaviour was shown once. `excused` counts as neither: no sample could be asked for."""

    MET = "met"
    NOT_MET = "not_met"
    EXCUSED = "excused"


@dataclass(frozen=True, slots=True)
class Incentive:
    """Figures of a plan. Amounts in the hundredth part of the currency.

    The first result that meets the target earns `first_cents`, each further one in a row `step_cents` more, up to
    `most_cents`. Each `bonus_every`-th in a row earns `bonus_cents` on top (0: never). A result that does not meet it
    goes `steps_back` steps back (None: to the first), and `restored_after` in a row that do bring back the step that
    was lost (None: never). No more than `most_in_all_cents` is earned altogether (None: no limit).
    """

    first_cents: int
    step_cents: int
    most_cents: int
    bonus_every: int = 0
    bonus_cents: int = 0
    steps_back: int | None = None
    restored_after: int | None = None
    most_in_all_cents: int | None = None

    @property
    def top_step(self) -> int:
        """The step from which on it grows no more."""
        return -(-(self.most_cents - self.first_cents) // self.step_cents) if self.step_cents else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a patient stands: the step of their next incentive, how many met the target in a row, what was lost."""

    step: int = 0
    in_a_row: int = 0
    lost_step: int = 0


def after(standing: Standing, outcome: ContingencyOutcome, figures: Incentive) -> Standing:
    """Return where a patient stands after one more result."""
    match outcome:
        case ContingencyOutcome.EXCUSED:
            return standing
        case ContingencyOutcome.NOT_MET:
            back = 0 if figures.steps_back is None else max(0, standing.step - figures.steps_back)
            return Standing(back, 0, max(standing.step, standing.lost_step))
        case ContingencyOutcome.MET:
            step, in_a_row = standing.step + 1, standing.in_a_row + 1
            restores = figures.restored_after is not None and in_a_row >= figures.restored_after
            if restores:
                step = max(step, standing.lost_step)
            return Standing(min(step, figures.top_step), in_a_row, 0 if restores else standing.lost_step)


def standing_after(outcomes: Sequence[ContingencyOutcome], figures: Incentive) -> Standing:
    """Return where a patient stands after these results, the oldest first."""
    standing = Standing()
    for outcome in outcomes:
        standing = after(standing, outcome, figures)
    return standing


def next_incentive(outcomes: Sequence[ContingencyOutcome], earned_cents: int, figures: Incentive) -> int:
    """Return what the next result earns if it meets the target, after these (the oldest first) and all that was earned.

    `earned_cents` is what counts towards the limit altogether.
    """
    standing = standing_after(outcomes, figures)
    amount = min(figures.first_cents + standing.step * figures.step_cents, figures.most_cents)
    if figures.bonus_every and (standing.in_a_row + 1) % figures.bonus_every == 0:
        amount += figures.bonus_cents
    if figures.most_in_all_cents is not None:
        amount = min(amount, figures.most_in_all_cents - earned_cents)
    return max(0, amount)


def earned(
    outcome: ContingencyOutcome, before: Sequence[ContingencyOutcome], earned_cents: int, figures: Incentive
) -> int:
    """Return what a result earns after these: the incentive if it meets the target, otherwise nothing."""
    return next_incentive(before, earned_cents, figures) if outcome is ContingencyOutcome.MET else 0
