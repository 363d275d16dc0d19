from uuid import UUID

import pytest

from app.calendars import addresses
from app.calendars.addresses import Address
from app.core import crypto
from tests.factories import an_id

OLD, NEW = "old secret of the test " * 2, "new secret of the test " * 2
MINE = Address(an_id(), an_id(), 1)


@pytest.fixture(autouse=True)
def ring() -> None:
    crypto.install([OLD])


def test_tells_whose_feed_it_is() -> None:
    assert addresses.read(addresses.token_of(MINE)) == MINE


def test_is_fit_for_an_address_and_the_same_each_time() -> None:
    token = addresses.token_of(MINE)

    assert token == addresses.token_of(MINE)
    assert len(token) == 75
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_is_another_for_every_owner_and_every_generation() -> None:
    others = [
        Address(an_id(), MINE.membership_id, 1),
        Address(MINE.clinic_id, an_id(), 1),
        Address(MINE.clinic_id, MINE.membership_id, 2),
    ]

    assert len({addresses.token_of(each)[-27:] for each in [MINE, *others]}) == 4


def test_nothing_that_was_altered_is_believed() -> None:
    token = addresses.token_of(MINE)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    for place in range(len(token) - 1):  # the last letter has bits that mean nothing
        other = letters[(letters.index(token[place]) + 1) % 64]
        assert addresses.read(token[:place] + other + token[place + 1 :]) is None


@pytest.mark.parametrize(
    "token", ["", "a", "aaaa", "=", "é", "A" * 75, "A" * 48, "A" * 4000, "../../etc", "%00", "AAAA AAAA"]
)
def test_nothing_made_up_is_believed(token: str) -> None:
    assert addresses.read(token) is None


def test_a_token_without_its_signature_is_not_believed() -> None:
    token = addresses.token_of(MINE)

    assert [length for length in range(75) if addresses.read(token[:length]) is not None] == []


def test_stays_good_while_its_secret_is_in_the_ring() -> None:
    before = addresses.token_of(MINE)
    crypto.install([NEW, OLD])

    assert addresses.token_of(MINE) != before
    assert addresses.read(before) == addresses.read(addresses.token_of(MINE)) == MINE
    crypto.install([NEW])
    assert addresses.read(before) is None


def test_is_signed_for_this_use_alone() -> None:
    body = UUID(int=0).bytes * 2 + b"\0\0\0\1"

    assert not crypto.keys().verify(crypto.keys().sign(body, b"cursor")[:20], body, b"calendar-feed")
