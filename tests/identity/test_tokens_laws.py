"""The laws of refreshing, played by machines: an honest phone on a bad line, and a thief beside it.

The server is the rule and two numbers, as in the device's row. Whatever the line loses, an honest phone must never be
signed out; and when a thief and the owner are both active, the device must end, and soon.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.identity.tokens import Refresh, refresh_rule


@dataclass
class Server:
    """A device's row. Tokens are their counters."""

    newest: int = 1
    confirmed: int = 0
    ended: bool = False

    def refresh(self, presented: int) -> int | None:
        if self.ended:
            return None
        match refresh_rule(presented, self.newest, self.confirmed):
            case Refresh.NEXT:
                self.confirmed = max(self.confirmed, presented)
                self.newest += 1
            case Refresh.REUSED:
                self.ended = True
                return None
            case Refresh.SAME_AGAIN:
                pass
        return self.newest

    def call(self, counter: int) -> bool:
        """An ordinary request with the access token of this counter."""
        if not self.ended:
            self.confirmed = max(self.confirmed, counter)
        return not self.ended


@dataclass
class Holder:
    """Somebody who holds the tokens of a device."""

    holds: int
    gained: int = field(default=0)

    def refresh(self, server: Server, *, answer_lost: bool) -> bool:
        """Whether the server took it."""
        given = server.refresh(self.holds)
        if given is not None and not answer_lost:
            self.gained += given != self.holds
            self.holds = given
        return given is not None


class HonestPhone(RuleBasedStateMachine):
    """A phone that refreshes, calls, retries and restarts, on a line that loses answers and requests."""

    @initialize()
    def sign_in(self) -> None:
        self.server = Server()
        self.phone = Holder(1)

    @rule(answer_lost=st.booleans(), tries=st.integers(1, 4))
    def refresh(self, *, answer_lost: bool, tries: int) -> None:
        for _ in range(tries):
            assert self.phone.refresh(self.server, answer_lost=answer_lost)

    @rule(request_lost=st.booleans())
    def call(self, *, request_lost: bool) -> None:
        assert request_lost or self.server.call(self.phone.holds)

    @rule()
    def two_processes_refresh_at_once(self) -> None:
        """An app and its background task send the same token; each takes the answer it gets."""
        first, second = (self.server.refresh(self.phone.holds) for _ in range(2))
        assert first == second
        assert first is not None
        self.phone.holds = first

    @invariant()
    def is_never_signed_out(self) -> None:
        if hasattr(self, "server"):
            assert not self.server.ended


TestHonestPhone = HonestPhone.TestCase
TestHonestPhone.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)


class TestHonestLife:
    @settings(max_examples=3000, deadline=None)
    @given(st.lists(st.sampled_from(["refresh", "answer lost", "call", "both at once"]), max_size=60))
    def test_never_ends_by_itself(self, life: list[str]) -> None:
        """Three thousand lives of a phone, each as long as it likes."""
        server, phone = Server(), Holder(1)
        for what in life:
            if what == "call":
                assert server.call(phone.holds)
            elif what == "both at once":
                assert server.refresh(phone.holds) == server.refresh(phone.holds)
            else:
                assert phone.refresh(server, answer_lost=what == "answer lost")

        assert phone.refresh(server, answer_lost=False)
        assert server.call(phone.holds)


def act(server: Server, holder: Holder, *, answer_lost: bool = False) -> None:
    """Refresh, and use what came: nobody refreshes for its own sake."""
    if holder.refresh(server, answer_lost=answer_lost) and not answer_lost:
        server.call(holder.holds)


ACTS = st.lists(st.tuples(st.sampled_from(["owner", "thief"]), st.booleans()), max_size=40)


class TestThief:
    @settings(max_examples=2000, deadline=None)
    @given(ACTS, st.integers(1, 6))
    def test_gets_at_most_one_refresh_once_the_owner_is_active_again(
        self, acts: list[tuple[str, bool]], stolen_at: int
    ) -> None:
        server, owner = Server(), Holder(1)
        for _ in range(stolen_at - 1):
            act(server, owner)
        thief = Holder(owner.holds)
        thief_was_here, gained_by_then = False, None
        for who, answer_lost in acts:
            if who == "owner":
                act(server, owner, answer_lost=answer_lost)
                if thief_was_here and gained_by_then is None:
                    gained_by_then = thief.gained
            else:
                act(server, thief)
                thief_was_here = True

        assert gained_by_then is None or thief.gained - gained_by_then <= 1

    @settings(max_examples=2000, deadline=None)
    @given(st.lists(st.sampled_from(["owner", "thief"]), max_size=12))
    def test_and_the_owner_both_active_end_the_device(self, order: list[str]) -> None:
        server, owner, thief = Server(), Holder(1), Holder(1)
        for who in [*order, "owner", "thief", "owner"]:
            act(server, owner if who == "owner" else thief)

        assert server.ended

    def test_who_alternates_with_the_owner_gets_nothing_for_long(self) -> None:
        """Twenty rounds in both orders; a rule that forgives the token before for ever gives a thief twenty."""
        gained = []
        for order in (("owner", "thief"), ("thief", "owner")):
            server, owner, thief = Server(), Holder(1), Holder(1)
            for who in order * 20:
                act(server, owner if who == "owner" else thief)
            assert server.ended
            gained.append(thief.gained)

        assert gained == [0, 1]

    def test_who_only_hoards_is_noticed_when_using_it(self) -> None:
        """Refreshing without a call looks like an answer that was lost, and is taken for one until it is used.

        This is the limit of the rule: only a key that cannot be copied from the phone would tell the two apart.
        """
        server, owner, thief = Server(), Holder(1), Holder(1)
        for _ in range(5):
            thief.refresh(server, answer_lost=False)
            act(server, owner)
        assert not server.ended

        act(server, thief)
        act(server, owner)

        assert server.ended
