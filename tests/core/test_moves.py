from enum import StrEnum

import pytest

from app.core.moves import IllegalMove, Moves


class Stage(StrEnum):
    EGG = "egg"
    CHICK = "chick"
    HEN = "hen"
    SOUP = "soup"


class Action(StrEnum):
    BROOD = "brood"
    FEED = "feed"
    COOK = "cook"


MOVES = Moves(
    {
        Stage.EGG: frozenset({Stage.CHICK}),
        Stage.CHICK: frozenset({Stage.HEN}),
        Stage.HEN: frozenset({Stage.SOUP}),
        Stage.SOUP: frozenset(),
    },
    {
        Action.BROOD: frozenset({Stage.CHICK}),
        Action.FEED: frozenset({Stage.HEN}),
        Action.COOK: frozenset({Stage.SOUP}),
    },
)


class TestMoves:
    def test_lets_through_what_may_follow(self) -> None:
        MOVES.check(Stage.EGG, Action.BROOD)

    def test_says_what_is_open_and_what_comes_first(self) -> None:
        with pytest.raises(IllegalMove) as refused:
            MOVES.check(Stage.EGG, Action.COOK)

        assert refused.value.members == {"current": "egg", "open_moves": ["brood"], "missing": ["brood", "feed"]}
        assert refused.value.detail == "It is egg; first comes brood, then feed."

    def test_names_nothing_missing_when_there_is_no_way_back(self) -> None:
        with pytest.raises(IllegalMove) as refused:
            MOVES.check(Stage.SOUP, Action.BROOD)

        assert refused.value.members == {"current": "soup", "open_moves": [], "missing": []}

    def test_minds_the_stage_that_is_aimed_at(self) -> None:
        with pytest.raises(IllegalMove):
            MOVES.check(Stage.HEN, Action.COOK, Stage.CHICK)
