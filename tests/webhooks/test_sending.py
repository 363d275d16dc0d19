"""How one POST ends, whatever the receiver does."""

import asyncio
import io
import logging
import resource
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import uuid4

import pytest
import time_machine

from app.core.logging import configure, log
from app.core.settings import Settings
from app.webhooks import sending
from app.webhooks.rules import Outcome
from app.webhooks.sending import Sender
from tests.webhooks.posting import BODY, Post, posting
from tests.webhooks.receivers import (
    Behaviour,
    Exchange,
    answering,
    babbling,
    breaking_off,
    closing,
    dripping,
    dripping_headers,
    flooding,
    hanging,
    hanging_up,
    receiving,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with posting() as made:
        yield made


class TestRequest:
    async def test_is_the_body_with_the_headers_given_and_our_own(self, post: Post) -> None:
        async with receiving() as receiver:
            await post(f"{receiver.url}?token=a%20b")

        (request,) = receiver.requests
        assert (request.method, request.path, request.body) == ("POST", "/hook?token=a%20b", BODY)
        assert request.headers == {
            "host": f"127.0.0.1:{receiver.port}",
            "user-agent": "Afterglow",
            "content-type": "application/json",
            "accept": "*/*",
            "accept-encoding": "identity",
            "content-length": str(len(BODY)),
            "webhook-id": "msg_1",
            "x-part2-notice": "42 CFR part 2",
        }

    async def test_that_cannot_be_written_down_is_told_and_not_raised(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A fault of ours: it must not stop the worker, and the log says where it is."""
        told: list[str] = []
        monkeypatch.setattr(log, "error", lambda event, **_: told.append(event))
        async with receiving() as receiver:
            answer = await post.sender.post(
                uuid4(), receiver.url, {"x-bad": "a\r\nb: c"}, BODY, not_after=time.monotonic() + 1
            )

        assert answer.outcome is Outcome.NOT_CONNECTED
        assert not receiver.requests
        assert told == ["webhook_not_sent"]


class TestAnswer:
    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (200, Outcome.DELIVERED),
            (202, Outcome.DELIVERED),
            (204, Outcome.DELIVERED),
            (302, Outcome.REDIRECTED),
            (304, Outcome.REDIRECTED),
            (400, Outcome.REFUSED),
            (404, Outcome.REFUSED),
            (410, Outcome.GONE),
            (429, Outcome.REFUSED),
            (500, Outcome.REFUSED),
            (503, Outcome.REFUSED),
        ],
    )
    async def test_has_the_outcome_of_its_status(self, status: int, outcome: Outcome, post: Post) -> None:
        async with receiving(answering(status)) as receiver:
            answer = await post(receiver.url)

        assert (answer.outcome, answer.status, answer.text) == (outcome, status, None)
        assert 0 <= answer.milliseconds < 2000

    async def test_that_redirects_is_not_followed(self, post: Post) -> None:
        async with receiving() as canary, receiving(answering(307, location=canary.url)) as receiver:
            answer = await post(receiver.url)

        assert answer.outcome is Outcome.REDIRECTED
        assert canary.connections == 0

    @pytest.mark.parametrize(
        ("body", "text"),
        [
            (b"", None),
            (b" \r\n ", None),
            ("Grüße, alles gut".encode(), "Grüße, alles gut"),
            (b"one\r\ntwo\x00\x1b[31mred\x7f", "one  two  [31mred"),
            ("\u202egnp.exe\u2028x".encode(), "gnp.exe x"),
            (b"caf\xe9", "caf\N{REPLACEMENT CHARACTER}"),
            (b"x" * 5000, "x" * 1024),
        ],
    )
    async def test_is_kept_as_a_short_text_without_control_characters(
        self, body: bytes, text: str | None, post: Post
    ) -> None:
        async with receiving(answering(500, body)) as receiver:
            assert (await post(receiver.url)).text == text

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("3", 3),
            ("0", 0),
            ("999999999", 999_999_999),
            (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120),
            ("Sun, 22 Nov 2026 12:00:30", 30),
            (format_datetime(NOW - timedelta(minutes=2), usegmt=True), 0),
            ("9999999999", None),
            ("-3", None),
            ("3.5", None),
            ("soon", None),
            ("", None),
            ("Fri, 99 Foo 99999 99:99:99 GMT", None),
        ],
    )
    async def test_may_name_a_time_to_wait(self, value: str, seconds: int | None, post: Post) -> None:
        async with receiving(answering(429, Retry_After=value)) as receiver:
            with time_machine.travel(NOW, tick=False):
                answer = await post(receiver.url)

        assert answer.outcome is Outcome.REFUSED
        assert answer.retry_after == (None if seconds is None else timedelta(seconds=seconds))


class TestNoAnswer:
    @pytest.mark.parametrize(
        ("behaviour", "outcome", "status"),
        [
            (closing, Outcome.BROKEN_OFF, None),
            (babbling, Outcome.BROKEN_OFF, None),
            (breaking_off, Outcome.BROKEN_OFF, 200),
            (hanging_up, Outcome.BROKEN_OFF, None),
        ],
    )
    async def test_or_half_of_one_is_a_failure(
        self, behaviour: Behaviour, outcome: Outcome, status: int | None, post: Post
    ) -> None:
        async with receiving(behaviour) as receiver:
            answer = await post(receiver.url)

            assert (answer.outcome, answer.status) == (outcome, status)
            assert receiver.connections == 1
            await receiver.all_closed()

    async def test_keeps_what_came_before_it_broke_off(self, post: Post) -> None:
        async with receiving(breaking_off) as receiver:
            assert (await post(receiver.url)).text == "half of"

    async def test_from_where_nobody_listens(self, post: Post) -> None:
        async with receiving() as receiver:
            url = receiver.url

        assert (await post(url)).outcome is Outcome.NOT_CONNECTED

    @pytest.mark.parametrize(
        ("behaviour", "status"),
        [(hanging, None), (dripping(0.02), 200), (dripping_headers(0.02), None)],
    )
    async def test_in_time_is_given_up_in_all(self, behaviour: Behaviour, status: int | None) -> None:
        async with posting(seconds=0.2) as post, receiving(behaviour) as receiver:
            answer = await post(receiver.url)

            assert (answer.outcome, answer.status) == (Outcome.TIMED_OUT, status)
            assert 150 < answer.milliseconds < 1000
            await receiver.all_closed()

    async def test_of_a_name_server_in_time_is_given_up_too(self) -> None:
        async def slow(host: str, port: int) -> list[str]:
            await asyncio.sleep(60)
            return []

        async with posting(seconds=0.05, resolve=slow) as post:
            assert (await post("https://hook.example/")).outcome is Outcome.TIMED_OUT

    def test_is_waited_for_15_seconds(self) -> None:
        assert sending.LONGEST_SECONDS == 15
        assert Sender(Settings())._seconds == 15

    async def test_of_interest_when_the_post_is_cancelled(self, post: Post) -> None:
        async with receiving(hanging) as receiver:
            task = asyncio.create_task(post(receiver.url))
            await receiver.arrive(1)
            task.cancel()

            with pytest.raises(asyncio.CancelledError):
                await task
            await receiver.all_closed()


async def pretending(exchange: Exchange) -> None:
    """Says for ever that an answer will come."""
    while True:
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)


async def with_long_headers(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        await exchange.send(b"x" * 65536)


class TestTooLongAnswer:
    async def test_is_read_up_to_16_kilobytes_and_closed(self, post: Post) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with receiving(flooding()) as receiver:
            answers = await asyncio.gather(*(post(receiver.url, endpoint_id=uuid4()) for _ in range(8)))

            await receiver.all_closed()
        assert {(answer.outcome, answer.status) for answer in answers} == {(Outcome.DELIVERED, 200)}
        assert {answer.text for answer in answers} == {"x" * 1024}
        assert receiver.sent < 100_000_000  # what the sockets of eight connections held
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000

    @pytest.mark.parametrize(("size", "kept"), [(16_000, 1), (17_000, 2)])
    async def test_is_one_of_more_than_16_kilobytes(self, size: int, kept: int, post: Post) -> None:
        async with receiving(answering(200, b"x" * size)) as receiver:
            outcomes = [(await post(receiver.url)).outcome for _ in "12"]

        assert outcomes == [Outcome.DELIVERED] * 2
        assert receiver.connections == kept

    @pytest.mark.parametrize("behaviour", [pretending, with_long_headers])
    async def test_that_never_gets_to_its_status_is_none(self, behaviour: Behaviour, post: Post) -> None:
        async with receiving(behaviour) as receiver:
            answer = await post(receiver.url)

            assert (answer.outcome, answer.status) == (Outcome.BROKEN_OFF, None)
            assert answer.milliseconds < 1000
            await receiver.all_closed()


class TestLeave:
    async def test_that_has_passed_sends_nothing_and_keeps_the_connection(self, post: Post) -> None:
        async with receiving() as receiver:
            late = await post(receiver.url, leave=-0.001)
            await asyncio.sleep(0.02)
            assert (late.outcome, late.status, receiver.requests) == (Outcome.TOO_LATE, None, [])

            outcomes = [(await post(receiver.url, leave=leave)).outcome for leave in (5, -1, 5)]

        assert outcomes == [Outcome.DELIVERED, Outcome.TOO_LATE, Outcome.DELIVERED]
        assert len(receiver.requests) == 2
        assert receiver.connections == 1

    async def test_that_passes_while_connecting_sends_nothing(self) -> None:
        async def slow(host: str, port: int) -> list[str]:
            await asyncio.sleep(0.06)
            return ["127.0.0.1"]

        async with posting(resolve=slow) as post, receiving(host="hook.example") as receiver:
            assert (await post(receiver.url, leave=0.03)).outcome is Outcome.TOO_LATE
            await asyncio.sleep(0.02)
            assert (receiver.requests, receiver.connections) == ([], 1)

            assert (await post(receiver.url)).outcome is Outcome.DELIVERED
            assert receiver.connections == 1

    async def test_that_passes_while_waiting_for_a_connection_sends_nothing(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sending, "MOST_CONNECTIONS", 1)

        async def slow(exchange: Exchange) -> None:
            await asyncio.sleep(0.1)
            await exchange.answer(204)

        async with receiving(slow) as receiver:
            answers = await asyncio.gather(*(post(receiver.url, leave=0.05) for _ in "12"))

        assert [answer.outcome for answer in answers] == [Outcome.DELIVERED, Outcome.TOO_LATE]
        assert len(receiver.requests) == 1


class TestLog:
    async def test_says_nothing_of_where_and_what(self, post: Post) -> None:
        """Not even at its most talkative: the address may hold a token, the answer may hold anything."""
        root = logging.getLogger()
        handlers, level = root.handlers, root.level
        try:
            configure(Settings(log_level="DEBUG"))
            written = io.StringIO()
            assert isinstance(root.handlers[0], logging.StreamHandler)
            root.handlers[0].setStream(written)
            async with receiving(answering(500, b"CANARY")) as receiver:
                for _ in "12":
                    await post(f"{receiver.url}?token=CANARY")
                receiver.behaviour = babbling
                await post(f"{receiver.url}?token=CANARY")
        finally:
            root.handlers, root.level = handlers, level

        assert len(receiver.requests) == 3
        assert not written.getvalue()
