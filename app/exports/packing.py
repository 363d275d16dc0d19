"""A body that is made after the request's transaction has ended, kept packed in memory, and then sent.

A record of ten years is 30 MB as JSON and a twentieth of that packed, so it never needs a file on a disk, and nothing
is sent before all of it was made: what goes wrong on the way is still a proper error.
"""

import io
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_GZIP: Final = 16 + zlib.MAX_WBITS
_LEVEL: Final = 4
"""Health records repeat themselves: a higher level takes twice as long for a tenth less."""
_PIECE: Final = 64 * 1024


class Packed:
    """Text that is packed while it is written."""

    def __init__(self) -> None:
        self._packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._kept = io.BytesIO()
        self.length = 0
        """Bytes of what was written, unpacked."""

    def write(self, text: str | bytes) -> None:
        """Add to the end."""
        data = text.encode() if isinstance(text, str) else text
        self.length += len(data)
        self._kept.write(self._packing.compress(data))

    def close(self) -> None:
        """Write nothing more."""
        self._kept.write(self._packing.flush())

    def packed(self) -> Iterator[bytes]:
        """All of it as gzip, in pieces."""
        kept = self._kept.getbuffer()
        return (bytes(kept[start : start + _PIECE]) for start in range(0, len(kept), _PIECE))

    @property
    def packed_length(self) -> int:
        """Bytes of the gzip."""
        return self._kept.tell()

    def unpacked(self) -> Iterator[bytes]:
        """All of it as it was written, in pieces."""
        unpacking = zlib.decompressobj(_GZIP)
        for piece in self.packed():
            rest = piece
            while rest:
                yield unpacking.decompress(rest, _PIECE)
                rest = unpacking.unconsumed_tail
        yield unpacking.flush()


Body = Packed | bytes


class MadeLater(Response):
    """An answer whose body is made by `make`, after the transaction that let the caller in was committed."""

    def __init__(self, make: Callable[[], Awaitable[Body]], media_type: str, headers: dict[str, str]) -> None:
        self.make = make
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's
        """Make the body, then send it: packed where the caller takes that."""
        body = await self.make()
        pieces = self._pieces(body, Headers(scope=scope))
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _pieces(self, body: Body, asked: Headers) -> Iterator[bytes]:
        if isinstance(body, bytes):
            self.headers["content-length"] = str(len(body))
            return iter([body])
        if _takes_gzip(asked.get("accept-encoding", "")):
            self.headers["vary"] = "Accept-Encoding"  # the compression of other answers says it where it looks at them
            self.headers["content-encoding"] = "gzip"
            self.headers["content-length"] = str(body.packed_length)
            return body.packed()
        self.headers["content-length"] = str(body.length)
        return body.unpacked()


def _takes_gzip(accepted: str) -> bool:
    """Whether `Accept-Encoding` names gzip without refusing it (`;q=0`)."""
    for part in accepted.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding == "gzip":
            return not any(piece.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for piece in parameters)
    return False
