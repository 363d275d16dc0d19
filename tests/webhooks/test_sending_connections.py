"""Which connections are made, kept and closed, and whose certificates are believed."""

import asyncio
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import pytest
import trustme
import uvloop

from app.core.settings import Settings
from app.webhooks import sending
from app.webhooks.rules import Outcome
from app.webhooks.sending import Sender
from tests.webhooks.posting import Post, posting
from tests.webhooks.receivers import (
    Behaviour,
    Exchange,
    Receiver,
    answering,
    closing,
    flooding,
    greeting,
    hanging_up,
    in_turn,
    mute,
    receiving,
    slow,
)

AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with posting() as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


class TestKept:
    async def test_is_a_connection_for_the_next_request_of_the_endpoint(self, post: Post, receiver: Receiver) -> None:
        for status in (204, 500, 410, 302):
            receiver.behaviour = answering(status, b"x" * 100 if status == 500 else b"")
            await post(receiver.url)

        assert (len(receiver.requests), receiver.connections) == (4, 1)

    async def test_is_none_for_another_endpoint(self, post: Post, receiver: Receiver) -> None:
        for _ in "12":
            await post(receiver.url, endpoint_id=uuid4())

        assert receiver.connections == 2

    async def test_is_none_that_the_receiver_wants_closed(self, post: Post, receiver: Receiver) -> None:
        receiver.behaviour = answering(204, connection="close")

        assert [(await post(receiver.url)).outcome for _ in "12"] == [Outcome.DELIVERED] * 2

        assert receiver.connections == 2

    async def test_is_none_on_which_more_came_than_was_asked(self, post: Post, receiver: Receiver) -> None:
        async def says_too_much(exchange: Exchange) -> None:
            await exchange.answer(200)
            await exchange.answer(500)

        receiver.behaviour = says_too_much
        outcomes = []
        for _ in "123":
            outcomes.append((await post(receiver.url)).outcome)
            await asyncio.sleep(0.01)

        assert outcomes == [Outcome.DELIVERED] * 3
        assert receiver.connections == 3

    @pytest.mark.parametrize("much", [10, 1_000_000])
    async def test_is_none_on_which_more_came_later(self, much: int, post: Post, receiver: Receiver) -> None:
        async def says_more_later(exchange: Exchange) -> None:
            await exchange.answer(200)
            await asyncio.sleep(0.02)
            await exchange.send(b"x" * much)
            await exchange.is_closed()

        receiver.behaviour = says_more_later
        await post(receiver.url)
        await asyncio.sleep(0.05)
        assert receiver.open == (much == 10)

        assert (await post(receiver.url)).outcome is Outcome.DELIVERED

        assert (receiver.connections, receiver.open) == (2, 1)

    async def test_are_at_most_sixteen_for_an_endpoint(self, post: Post, receiver: Receiver) -> None:
        receiver.behaviour = slow(0.02)

        answers = await asyncio.gather(*(post(receiver.url) for _ in range(40)))

        assert {answer.outcome for answer in answers} == {Outcome.DELIVERED}
        assert (len(receiver.requests), receiver.connections) == (40, 16)

    async def test_are_no_more_than_a_worker_may_have(self, receiver: Receiver) -> None:
        receiver.behaviour = slow(0.02)
        async with posting(webhook_connections=8) as post:
            await asyncio.gather(*(post(receiver.url, endpoint_id=uuid4()) for _ in range(12)))
            await asyncio.sleep(0.02)

            assert (receiver.connections, receiver.open) == (12, 8)


class TestClosed:
    async def test_are_connections_that_are_idle_for_long(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "IDLE_SECONDS", 0.06)
        async with posting() as post:
            await post(receiver.url)
            assert receiver.open == 1

            await receiver.all_closed()
            await asyncio.sleep(0.05)

            assert not post.sender._peers
            assert post.sender._sweeping is None
            assert (await post(receiver.url)).outcome is Outcome.DELIVERED

    async def test_are_none_that_are_in_use_or_were_used_a_moment_ago(self, post: Post, receiver: Receiver) -> None:
        await post(receiver.url)
        post.sender._sweep()
        receiver.behaviour = slow(0.05)
        under_way = asyncio.create_task(post(receiver.url))
        await receiver.arrive(2)

        post.sender._sweep()

        assert (await under_way).outcome is Outcome.DELIVERED
        await post(receiver.url)
        assert (len(receiver.requests), receiver.connections) == (3, 1)

    async def test_are_those_of_an_endpoint_to_forget(self, post: Post, receiver: Receiver) -> None:
        await post(receiver.url)
        await post(receiver.url, endpoint_id=uuid4())

        await post.sender.forget(post.endpoint_id)
        await post.sender.forget(uuid4())
        await asyncio.sleep(0.01)

        assert receiver.open == 1

    async def test_is_one_in_use_only_when_its_request_has_ended(self, post: Post, receiver: Receiver) -> None:
        receiver.behaviour = slow(0.05)
        under_way = asyncio.create_task(post(receiver.url))
        await receiver.arrive(1)

        await post.sender.forget(post.endpoint_id)

        assert (await under_way).outcome is Outcome.DELIVERED
        await receiver.all_closed()

    async def test_are_those_to_where_the_endpoint_no_longer_is(self, post: Post, receiver: Receiver) -> None:
        async with receiving() as other:
            await post(receiver.url)
            await post(other.url)

            await receiver.all_closed()
            assert other.open == 1

    async def test_are_all_when_the_worker_ends(self, receiver: Receiver) -> None:
        async with posting() as post:
            await asyncio.gather(*(post(receiver.url, endpoint_id=uuid4()) for _ in "123"))

        await receiver.all_closed()
        assert receiver.connections == 3


class TestConnectionThatTurnsOutClosed:
    async def test_is_replaced_unseen_when_the_receiver_closed_it_before(self, post: Post, receiver: Receiver) -> None:
        await asyncio.gather(*(post(receiver.url) for _ in "123"))
        await receiver.hang_up()
        await asyncio.sleep(0.02)

        assert (await post(receiver.url)).outcome is Outcome.DELIVERED

        assert len(receiver.requests) == 4

    async def test_is_replaced_and_the_request_sent_again_when_it_closes_meanwhile(
        self, post: Post, receiver: Receiver
    ) -> None:
        receiver.behaviour = in_turn(answering(204), closing, answering(204))
        await post(receiver.url)

        assert (await post(receiver.url)).outcome is Outcome.DELIVERED

        first, again = receiver.requests[1:]
        assert (first.body, first.headers) == (again.body, again.headers)
        assert receiver.connections == 2

    async def test_is_tried_again_once_only(self, post: Post, receiver: Receiver) -> None:
        receiver.behaviour = in_turn(answering(204), closing)
        await post(receiver.url)

        assert (await post(receiver.url)).outcome is Outcome.BROKEN_OFF

        assert len(receiver.requests) == 3

    async def test_is_not_replaced_when_the_leave_has_passed(self, post: Post, receiver: Receiver) -> None:
        """It was sent, in time, and not answered: that is no request that came too late."""

        async def closing_later(exchange: Exchange) -> None:
            await asyncio.sleep(0.06)
            exchange.close()

        receiver.behaviour = in_turn(answering(204), closing_later, answering(204))
        await post(receiver.url)

        assert (await post(receiver.url, leave=0.03)).outcome is Outcome.BROKEN_OFF

        assert len(receiver.requests) == 2

    async def test_is_a_failure_once_an_answer_has_begun(self, post: Post, receiver: Receiver) -> None:
        async def half(exchange: Exchange) -> None:
            await exchange.send(b"HTTP/1.1 2")
            exchange.close()

        receiver.behaviour = in_turn(answering(204), half, answering(204))
        await post(receiver.url)

        assert (await post(receiver.url)).outcome is Outcome.BROKEN_OFF

        assert len(receiver.requests) == 2


class Certificates:
    """A private authority, whose certificate the sender is told to trust, and one that nobody trusts."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "authority.pem"
        self.authority, self.unknown = trustme.CA(), trustme.CA()
        self.authority.cert_pem.write_to_path(str(self.file))
        self.names: list[str | None] = []

    def server(self, certificate: trustme.LeafCert) -> ssl.SSLContext:
        """A server with this certificate, that notes which names it is asked for."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        context.sni_callback = lambda _, name, __: self.names.append(name)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def exchanged(certificates: Certificates, certificate: trustme.LeafCert, host: str) -> tuple[Outcome, Receiver]:
    """Two messages to a server with this certificate, and how the second ended."""
    async with (
        posting(webhook_ca_file=certificates.file) as post,
        receiving(tls=certificates.server(certificate), host=host) as receiver,
    ):
        await post(receiver.url)
        return (await post(receiver.url)).outcome, receiver


class TestTls:
    async def test_checks_the_name_and_not_the_address(self, certificates: Certificates) -> None:
        certificates.names.clear()

        outcome, receiver = await exchanged(
            certificates, certificates.authority.issue_cert("hook.example"), "hook.example"
        )

        assert outcome is Outcome.DELIVERED
        assert (len(receiver.requests), receiver.connections) == (2, 1)
        assert receiver.requests[0].headers["host"] == f"hook.example:{receiver.port}"
        assert certificates.names == ["hook.example"]

    async def test_checks_the_address_where_there_is_no_name(self, certificates: Certificates) -> None:
        outcome, _ = await exchanged(certificates, certificates.authority.issue_cert("127.0.0.1"), "127.0.0.1")

        assert outcome is Outcome.DELIVERED

    @pytest.mark.parametrize(
        "issued",
        [
            pytest.param(lambda has: has.authority.issue_cert("other.example"), id="another name"),
            pytest.param(lambda has: has.authority.issue_cert("127.0.0.1"), id="its address"),
            pytest.param(
                lambda has: has.authority.issue_cert("hook.example", not_before=AGO, not_after=AGO), id="expired"
            ),
            pytest.param(lambda has: has.unknown.issue_cert("hook.example"), id="an authority of its own"),
        ],
    )
    async def test_sends_nothing_to_who_cannot_prove_the_name(
        self, issued: Callable[[Certificates], trustme.LeafCert], certificates: Certificates
    ) -> None:
        outcome, receiver = await exchanged(certificates, issued(certificates), "hook.example")

        assert outcome is Outcome.UNTRUSTED
        assert not receiver.requests

    async def test_does_not_trust_a_private_authority_by_itself(self, certificates: Certificates) -> None:
        server = certificates.server(certificates.authority.issue_cert("hook.example"))
        async with posting() as post, receiving(tls=server, host="hook.example") as receiver:
            assert (await post(receiver.url)).outcome is Outcome.UNTRUSTED

    @pytest.mark.parametrize(
        ("behaviour", "outcome"),
        [(mute, Outcome.TIMED_OUT), (greeting, Outcome.NOT_CONNECTED), (hanging_up, Outcome.NOT_CONNECTED)],
    )
    async def test_with_who_does_not_speak_it_is_no_connection(
        self, behaviour: Behaviour, outcome: Outcome, receiver: Receiver
    ) -> None:
        receiver.behaviour = behaviour
        async with posting(seconds=0.2) as post:
            answer = await post(receiver.url.replace("http://127.0.0.1", "https://hook.example"))

            assert answer.outcome is outcome
            await receiver.all_closed()

    def test_with_a_file_that_is_none_is_told_at_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "empty.pem").touch()

        with pytest.raises(FileNotFoundError):
            Sender(Settings(webhook_ca_file=tmp_path / "missing.pem"))
        with pytest.raises(ssl.SSLError):
            Sender(Settings(webhook_ca_file=tmp_path / "empty.pem"))


class TestOnUvloop:
    """The server runs on uvloop, the tests do not."""

    async def test_everything_works_alike(self, certificates: Certificates) -> None:
        server = certificates.server(certificates.authority.issue_cert("hook.example"))
        wrong = certificates.server(certificates.unknown.issue_cert("hook.example"))

        async def outcomes() -> list[Outcome]:
            async with (
                posting(webhook_ca_file=certificates.file, seconds=0.5) as post,
                receiving(tls=server, host="hook.example") as receiver,
                receiving(tls=wrong, host="hook.example") as untrusted,
                receiving() as plain,
                receiving(greeting) as other,
            ):
                found = [(await post(receiver.url)).outcome, (await post(receiver.url, leave=-1)).outcome]
                for behaviour in (answering(410), flooding(), closing, answering(204)):
                    receiver.behaviour = behaviour
                    found.append((await post(receiver.url)).outcome)
                for url in (untrusted.url, other.url.replace("http://", "https://"), plain.url):
                    found.append((await post(url)).outcome)  # noqa: PERF401  one after the other
                await plain.hang_up()
                found.append((await post(plain.url)).outcome)
                assert receiver.connections == 3
                assert not untrusted.requests
                return found

        started = time.monotonic()
        assert await asyncio.to_thread(uvloop.run, outcomes()) == [
            Outcome.DELIVERED,
            Outcome.TOO_LATE,
            Outcome.GONE,
            Outcome.DELIVERED,
            Outcome.BROKEN_OFF,
            Outcome.DELIVERED,
            Outcome.UNTRUSTED,
            Outcome.NOT_CONNECTED,
            Outcome.DELIVERED,
            Outcome.DELIVERED,
        ]
        assert time.monotonic() - started < 5
