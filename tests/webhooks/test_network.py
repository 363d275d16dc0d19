"""The guard at the socket. `canary` listens on loopback, where nothing may arrive unless an operator allowed it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import httpcore2
import pytest

from app.core.settings import Environment, Settings
from app.webhooks import addresses, network
from app.webhooks.network import BlockedAddressError, GuardedBackend, Resolver, Stream, TooLateError, TooLongError
from app.webhooks.rules import Outcome
from app.webhooks.sending import Sender
from tests.webhooks.receivers import Exchange, Receiver, babbling, hanging, receiving

ON_THE_NET = Settings()
INSIDE = Settings(webhook_allowed_networks=["127.0.0.0/8"])
PUBLIC = "93.184.216.34"
TRICKY = [
    "127.0.0.1",
    "localhost",
    "::1",
    "::ffff:127.0.0.1",
    "2130706433",
    "0x7f000001",
    "127.1",
    "0",
    "169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


class Names:
    """Answers what it is told to, one answer after the other, the last one from then on."""

    def __init__(self, *answers: list[str]) -> None:
        self.left = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]


async def no_names(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "not known")


def looking_names_up() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("webhook-names")]


@pytest.fixture
async def canary() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that would have been dialled; none is."""
    found: list[str] = []

    async def dial(_: GuardedBackend, addresses: list[str], port: int) -> Stream:
        found.extend(addresses)
        raise ConnectionRefusedError

    monkeypatch.setattr(GuardedBackend, "_dial", dial)
    return found


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    made = Resolver()
    yield made
    made.close()


class TestTrickyHosts:
    @pytest.mark.parametrize("host", TRICKY)
    async def test_are_refused_at_the_socket(self, host: str, canary: Receiver, resolver: Resolver) -> None:
        backend = GuardedBackend((), resolver)

        with pytest.raises(BlockedAddressError):
            await backend.connect_tcp(host, canary.port)

        assert canary.connections == 0

    @pytest.mark.parametrize("host", TRICKY)
    async def test_are_blocked_when_they_are_sent_to(self, host: str, canary: Receiver) -> None:
        bracketed = f"[{host}]" if ":" in host else host
        sender = Sender(ON_THE_NET)

        answer = await sender.post(
            uuid4(), f"https://{bracketed}:{canary.port}/", {}, b"{}", not_after=time.monotonic() + 1
        )

        assert (answer.outcome, answer.status, answer.text) == (Outcome.BLOCKED_ADDRESS, None, None)
        assert canary.connections == 0
        await sender.close()

    @pytest.mark.parametrize("host", TRICKY)
    async def test_are_refused_when_they_are_registered(self, host: str, canary: Receiver) -> None:
        bracketed = f"[{host}]" if ":" in host else host

        assert await network.refused(f"https://{bracketed}:{canary.port}/", ON_THE_NET) is not None

        assert canary.connections == 0


class TestNames:
    async def test_that_lead_inside_are_refused(self, canary: Receiver) -> None:
        with pytest.raises(BlockedAddressError):
            await GuardedBackend((), Names(["127.0.0.1"])).connect_tcp("hook.example", canary.port)

        assert canary.connections == 0

    @pytest.mark.parametrize("found", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::ffff:10.0.0.1"]])
    async def test_of_which_one_address_leads_inside_are_refused(self, found: list[str], dialled: list[str]) -> None:
        with pytest.raises(BlockedAddressError):
            await GuardedBackend((), Names(found)).connect_tcp("hook.example", 443)

        assert not dialled

    async def test_are_looked_up_once_and_the_checked_address_is_dialled(self, dialled: list[str]) -> None:
        names = Names([PUBLIC], ["127.0.0.1"])

        with pytest.raises(ConnectionRefusedError):
            await GuardedBackend((), names).connect_tcp("hook.example", 443)

        assert names.asked == ["hook.example"]
        assert dialled == [PUBLIC]

    async def test_that_move_inside_after_they_were_registered_are_blocked(
        self, canary: Receiver, dialled: list[str]
    ) -> None:
        names = Names([PUBLIC], [PUBLIC], ["127.0.0.1"])
        url = f"https://hook.example:{canary.port}/"
        sender, endpoint_id = Sender(ON_THE_NET, resolve=names), uuid4()

        assert await network.refused(url, ON_THE_NET, names) is None
        outcomes = [
            (await sender.post(endpoint_id, url, {}, b"{}", not_after=time.monotonic() + 1)).outcome for _ in "123"
        ]

        assert outcomes == [Outcome.NOT_CONNECTED, Outcome.BLOCKED_ADDRESS, Outcome.BLOCKED_ADDRESS]
        assert dialled == [PUBLIC]
        assert canary.connections == 0
        await sender.close()

    async def test_without_an_address_are_not_connected_to(self) -> None:
        with pytest.raises(OSError, match="no address"):
            await GuardedBackend((), Names([])).connect_tcp("hook.example", 443)

    async def test_whose_first_address_does_not_answer_are_tried_at_the_next(self, canary: Receiver) -> None:
        """Nothing listens there on 127.0.0.2."""
        backend = GuardedBackend(addresses.networks(INSIDE), Names(["127.0.0.2", "127.0.0.1"]))

        stream = await backend.connect_tcp("hook.example", canary.port)

        assert stream.get_extra_info("peername") == ("127.0.0.1", canary.port)
        stream.abort()


class TestResolver:
    async def test_finds_what_the_system_finds(self, resolver: Resolver) -> None:
        assert "127.0.0.1" in await resolver("127.0.0.1", 443)

    async def test_leaves_no_thread_behind(self, canary: Receiver) -> None:
        sender = Sender(INSIDE)
        await sender.post(uuid4(), f"http://localhost:{canary.port}/", {}, b"{}", not_after=time.monotonic() + 1)
        threads = looking_names_up()
        assert threads

        await sender.close()

        for thread in threads:
            await asyncio.to_thread(thread.join, 5)
        assert not looking_names_up()

    async def test_asks_once_for_all_who_wait_for_the_same_name(
        self, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []

        def look_up(host: str, port: int) -> list[str]:
            asked.append(host)
            time.sleep(0.05)
            return [PUBLIC]

        monkeypatch.setattr(network, "_look_up", look_up)
        found = await asyncio.gather(*(resolver(host, 443) for host in ["a.example"] * 20 + ["b.example"]))

        assert sorted(asked) == ["a.example", "b.example"]
        assert found == [[PUBLIC]] * 21

    async def test_answers_the_others_when_one_gives_up(
        self, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def look_up(host: str, port: int) -> list[str]:
            time.sleep(0.05)
            raise socket.gaierror(socket.EAI_NONAME, "not known")

        monkeypatch.setattr(network, "_look_up", look_up)
        impatient, patient = (asyncio.create_task(resolver("a.example", 443)) for _ in "12")
        await asyncio.sleep(0.01)
        impatient.cancel()

        with pytest.raises(asyncio.CancelledError):
            await impatient
        with pytest.raises(socket.gaierror):
            await patient


class TestAllowedNetworks:
    async def test_are_reached(self, canary: Receiver) -> None:
        sender = Sender(INSIDE)

        answer = await sender.post(uuid4(), canary.url, {}, b"{}", not_after=time.monotonic() + 1)

        assert answer.outcome is Outcome.DELIVERED
        await sender.close()

    async def test_are_the_only_ones_reached_without_tls(self, dialled: list[str]) -> None:
        sender = Sender(INSIDE, resolve=Names([PUBLIC]))

        answer = await sender.post(uuid4(), "http://hook.example/", {}, b"{}", not_after=time.monotonic() + 1)

        assert answer.outcome is Outcome.BLOCKED_ADDRESS
        assert not dialled
        assert await network.refused("http://hook.example/", INSIDE, Names([PUBLIC])) is not None
        assert await network.refused("http://hook.example/", INSIDE, Names(["127.0.0.1"])) is None
        await sender.close()

    async def test_are_not_reached_without_tls_outside_development(self, canary: Receiver) -> None:
        sender = Sender(INSIDE.model_copy(update={"environment": Environment.PRODUCTION}))

        answer = await sender.post(uuid4(), canary.url, {}, b"{}", not_after=time.monotonic() + 1)

        assert answer.outcome is Outcome.BLOCKED_ADDRESS
        assert canary.connections == 0
        await sender.close()

    async def test_are_reached_without_a_proxy(self, canary: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        async with receiving() as proxy:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            sender = Sender(INSIDE)

            answer = await sender.post(uuid4(), canary.url, {}, b"{}", not_after=time.monotonic() + 1)

            assert answer.outcome is Outcome.DELIVERED
            assert proxy.connections == 0
            await sender.close()


class TestRegistration:
    async def test_is_told_what_is_wrong_with_the_url(self) -> None:
        assert await network.refused("ftp://hook.example/", ON_THE_NET) == "must start with https://"

    async def test_is_told_of_names_that_lead_inside(self) -> None:
        fault = await network.refused("https://localhost:8443/", ON_THE_NET)

        assert fault == "must not lead to this address"

    async def test_takes_names_that_are_not_known_yet(self) -> None:
        assert await network.refused("https://hook.example/", ON_THE_NET, no_names) is None

    async def test_does_not_wait_for_a_name_server_that_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(network, "REGISTRATION_SECONDS", 0.05)

        async def slow(host: str, port: int) -> list[str]:
            await asyncio.sleep(60)
            return []

        assert await network.refused("https://hook.example/", ON_THE_NET, slow) is None


class TestStream:
    """What httpcore2 is given to write to and to read from."""

    async def connected(self, receiver: Receiver) -> Stream:
        return await GuardedBackend(addresses.networks(INSIDE), no_names).connect_tcp("127.0.0.1", receiver.port)

    async def test_sends_in_one_piece_when_the_answer_is_read(self, canary: Receiver) -> None:
        stream = await self.connected(canary)
        stream.begin(not_after=time.monotonic() + 1, most=1000)
        await stream.write(b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n")
        await stream.write(b"{}")
        await asyncio.sleep(0.01)
        assert (stream.has_sent, canary.requests) == (False, [])

        assert (await stream.read(65536)).startswith(b"HTTP/1.1 204")

        assert (stream.has_sent, canary.requests[0].body) == (True, b"{}")
        stream.abort()

    async def test_hands_nothing_to_the_socket_when_it_is_too_late(self, canary: Receiver) -> None:
        stream = await self.connected(canary)
        stream.begin(not_after=time.monotonic() - 0.001, most=1000)
        await stream.write(b"POST / HTTP/1.1\r\n\r\n")

        with pytest.raises(TooLateError):
            await stream.read(65536)

        await stream.aclose()
        await canary.all_closed()
        assert not canary.requests
        assert not stream.has_sent

    async def test_reads_no_more_than_it_may(self) -> None:
        async with receiving(babbling) as receiver:
            stream = await self.connected(receiver)
            stream.begin(not_after=time.monotonic() + 1, most=5)
            await stream.write(b"GET / HTTP/1.1\r\n\r\n")

            assert await stream.read(65536) == b"\x00\x01SSH"
            with pytest.raises(TooLongError):
                await stream.read(65536)
            await receiver.all_closed()

    async def test_is_not_fresh_once_the_other_side_has_closed(self, canary: Receiver) -> None:
        stream = await self.connected(canary)
        assert (stream.is_fresh, stream.get_extra_info("is_readable")) == (True, False)
        await asyncio.sleep(0.01)
        await canary.hang_up()
        await asyncio.sleep(0.01)

        assert (stream.is_fresh, stream.get_extra_info("is_readable")) == (False, True)
        await stream.write(b"lost")
        with pytest.raises(httpcore2.ReadError):
            await stream.read(65536)
        assert not stream.has_sent

    async def test_is_not_fresh_while_something_waits_to_leave(self) -> None:
        """What was left of a request would leave later, after its leave had passed."""

        async def deaf(exchange: Exchange) -> None:
            await exchange.answer(204)
            await asyncio.sleep(60)

        async with receiving(deaf) as receiver:
            stream = await self.connected(receiver)
            stream.begin(not_after=time.monotonic() + 1, most=1000)
            await stream.write(b"POST / HTTP/1.1\r\n\r\n" + b"x" * 20_000_000)

            assert (await stream.read(65536)).startswith(b"HTTP/1.1 204")
            assert not stream.is_fresh
            stream.abort()

    async def test_waits_no_longer_than_it_is_told(self) -> None:
        async with receiving(hanging) as receiver:
            stream = await self.connected(receiver)
            stream.begin(not_after=time.monotonic() + 1, most=5)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await stream.read(65536)
            stream.abort()
