"""What a process that serves does about its memory, once, before its first request."""

import ctypes
import gc
import sys
from typing import Final

M_ARENA_MAX: Final = -8


def settle() -> None:
    """Leave alone what was made until now, which stays for good, and let all threads share one heap.

    The C library gives each thread a heap of its own, so that none waits for another. Ours hold one lock while they run
    Python anyway, and each heap keeps what it once had: seven megabytes with a few connections to SQLite.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not every C library has it
        if mallopt is not None:
            mallopt(M_ARENA_MAX, 1)
    gc.collect()
    gc.freeze()
