"""What was measured to cost what, and what the next gain would cost: judged by people, printed below the figures."""

from typing import Final

NEXT: Final[dict[str, str]] = {
    "P12": "A server knows every package's models, rules and shapes: about 20 MB. Importing the routes of a package at "
    "its first request would save them until then, for a table of addresses that has to be kept beside the routes.",
}
"""By the name of a goal."""
