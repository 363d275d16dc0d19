"""What can be done with an alert, as a table. Nothing here closes one by itself: every move is a named person's.

Resolving an open alert acknowledges it in the same step. Handing it over leaves it as it is, with somebody else: an
open one goes on up the ladder until whoever got it acknowledges it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.core.moves import Moves
from app.safety.schemas import AlertStage


class AlertAction(StrEnum):
    """What a member of staff does, by the last step of its address."""

    ACKNOWLEDGEMENT = "acknowledgement"
    HAND_OVER = "hand-over"
    RESOLUTION = "resolution"


_ACKNOWLEDGED, _HANDED_OVER, _RESOLVED = AlertStage.ACKNOWLEDGED, AlertStage.HANDED_OVER, AlertStage.RESOLVED
_MAY_FOLLOW: Final[Mapping[AlertStage, frozenset[AlertStage]]] = {
    AlertStage.OPEN: frozenset({_ACKNOWLEDGED, _HANDED_OVER, _RESOLVED}),
    AlertStage.ACKNOWLEDGED: frozenset({_HANDED_OVER, _RESOLVED}),
    AlertStage.HANDED_OVER: frozenset(),
    AlertStage.RESOLVED: frozenset(),
}
_LEADS_TO: Final[Mapping[AlertAction, frozenset[AlertStage]]] = {
    AlertAction.ACKNOWLEDGEMENT: frozenset({_ACKNOWLEDGED}),
    AlertAction.HAND_OVER: frozenset({_HANDED_OVER}),
    AlertAction.RESOLUTION: frozenset({_RESOLVED}),
}
MOVES: Final = Moves(_MAY_FOLLOW, _LEADS_TO)
