"""Which figures of the protocol stand behind which rule, so that a clinician reads a rule with the clinic's own."""

from collections.abc import Mapping
from typing import Any, Final

from app.protocols.rules import Protocol

SHARED: Final = ("safety.repeat_minutes", "safety.repeat_minutes_in_session")
"""Of all rules: within which time the same sign adds to an alert."""

_DOSING_OF_FREQ_1: Final = (
    "dosing.min_interval_hours",
    "dosing.review_interval_hours",
    "dosing.most_in_7_days",
    "dosing.most_in_28_days",
    "dosing.induction_sessions",
)
_BESIDE_ITS_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "USE-1": ("safety.abstinence_is_the_goal",),
    "FREQ-1": _DOSING_OF_FREQ_1,
    "MISS-2": ("dosing.induction_sessions",),
    "MISS-3": ("dosing.missed_session_hours",),
    "INT-1": ("integration.therapy_within_hours", "integration.raises_a_task"),
}
"""Figures whose names do not begin with the rule's."""


def figures_of(rule: str, protocol: Protocol) -> dict[str, Any]:
    """The figures of a rule as this protocol has them, by section and name."""
    prefix = rule.replace("-", "").lower() + "_"
    own = [f"safety.{name}" for name in type(protocol.safety).model_fields if name.startswith(prefix)]
    return {path: _at(protocol, path) for path in (*own, *_BESIDE_ITS_OWN.get(rule, ()))}


def _at(protocol: Protocol, path: str) -> Any:  # noqa: ANN401  a figure
    section, _, name = path.partition(".")
    return getattr(getattr(protocol, section), name)
