"""What docs/webhooks.md says is so."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from app.api import ROUTERS
from app.core.ids import new_id
from app.core.settings import Settings
from app.demo.people import PASSWORD, PATIENTS
from app.events.types import EventType
from app.webhooks import rules, sending, signing
from app.webhooks.recipients import FITTING

UNITS = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1)}
IsOurs = Callable[[str, dict[str, str], bytes], bool]


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/webhooks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def is_ours(page: str) -> IsOurs:
    """The function by hand, as the page has it."""
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    made: dict[str, IsOurs] = {}
    exec(code, made)  # noqa: S102  a page of ours
    return made["is_from_afterglow"]


def signed(body: bytes, *secrets: str, age: int = 0) -> dict[str, str]:
    name, at = f"msg_{new_id().hex}", int(time.time()) - age
    signature = signing.signatures(secrets, name, at, body)
    return {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signature}


def shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


class TestVerifyingByHand:
    def test_tells_ours_from_others(self, is_ours: IsOurs) -> None:
        known, other = signing.new_secret(), signing.new_secret()

        assert is_ours(known, signed(b"{}", known), b"{}")
        assert is_ours(known, signed(b"{}", other, known), b"{}")
        assert not is_ours(known, signed(b"{}", other), b"{}")
        assert not is_ours(known, signed(b"{}", known), b"[]")
        assert not is_ours(known, signed(b"{}", known) | {"webhook-id": "msg_1"}, b"{}")

    def test_refuses_what_is_old(self, is_ours: IsOurs) -> None:
        known = signing.new_secret()

        assert is_ours(known, signed(b"{}", known, age=290), b"{}")
        assert not is_ours(known, signed(b"{}", known, age=310), b"{}")


class TestPage:
    def test_leads_only_to_what_is_there(self, page: str, root: Path) -> None:
        links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page) if "://" not in link]

        assert links
        assert [link for link in links if not (root / "docs" / link).exists()] == []

    def test_names_the_schedule(self, page: str) -> None:
        said = re.search(r"tried again after\s(.*?), each give", page, re.DOTALL)
        assert said is not None

        gaps = [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)\s(s|min|h)\b", said[1])]
        assert tuple(gaps) == rules.SCHEDULE
        assert len(gaps) + 1 == 10
        assert "ten attempts" in page

    def test_names_the_limits(self, page: str) -> None:
        assert f"{sending.LONGEST_SECONDS:.0f} s is for everything" in page
        assert f"No more than {sending.MOST_OF_AN_ANSWER // 1024} kB" in page
        assert f"for {rules.GIVEN_UP_AFTER.days} days in at least {rules.GIVEN_UP_ATTEMPTS} attempts" in page
        assert timedelta(hours=1) == rules.LONGEST_RETRY_AFTER
        assert f"kept for {Settings.model_fields['event_retention_days'].default} days" in page

    def test_names_routes_that_exist(self, page: str) -> None:
        routes = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
        named = set(re.findall(r"`[A-Z]+ (/v1/[\w/{}-]+)", page))

        assert named
        assert {shape(each) for each in named} <= {shape(each) for each in routes}

    def test_names_settings_and_events_that_exist(self, page: str) -> None:
        settings = {each.lower() for each in re.findall(r"AFTERGLOW_([A-Z_]+)", page)}
        events = {each for each in re.findall(r"`(\w+\.[a-z_]+)`", page) if not each.startswith("data.")}

        assert settings
        assert settings <= set(Settings.model_fields)
        assert events
        assert events <= set(EventType)

    def test_names_every_purpose_and_who_it_is_for(self, page: str) -> None:
        table = page.partition("| the endpoint is for |")[2].partition("\n\n")[0]

        assert all(f"`{purpose}`" in table for purpose in FITTING)
        assert all(f"`{recipient}`" in table for each in FITTING.values() for recipient in each)

    def test_signs_in_as_people_of_the_demo(self, page: str) -> None:
        assert PATIENTS[0].email in page
        assert page.count(PASSWORD) == 2
