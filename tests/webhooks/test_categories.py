"""Nothing leaves by oversight: what each event is about is said, and said the same in both places."""

import pytest

from app.events.types import ABOUT, EventType
from app.webhooks.rules import category


@pytest.mark.parametrize("event", EventType)
def test_every_event_has_a_category_unless_it_is_about_no_patient(event: EventType) -> None:
    assert (category(event) is not None) is ABOUT[event].of_patient


def test_an_event_that_nobody_thought_of_is_not_classified() -> None:
    with pytest.raises(KeyError):
        category("diary.written")
