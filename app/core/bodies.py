"""Receiving a body: no more of it than allowed, and in no more time than allowed, whatever its headers promised."""

import asyncio

from starlette.types import Message, Receive

from app.core.errors import BodyTooLarge, BodyTooSlow

MAX_BODY_BYTES = 1024 * 1024


def limited(receive: Receive, seconds: float) -> Receive:
    """`receive`, which raises `BodyTooLarge` or `BodyTooSlow` instead of giving more.

    The time runs from when the body is first asked for to its end. What is asked for after the end, whether the caller
    is still there, may take as long as it takes.
    """
    received, deadline, ended = 0, 0.0, False

    async def count() -> Message:
        nonlocal received, deadline, ended
        if ended:
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow(headers={"Connection": "close"}) from None
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if received > MAX_BODY_BYTES:
                raise BodyTooLarge
        return message

    return count
