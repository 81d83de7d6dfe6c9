"""Speed of the way in of all channels: a crowd beside pulls, how soon a workflow begins, a large pull, after an outage.

Each part has servers of its own. `python -m tests.benchmarks channels` takes these parts alone; further words are parts
by name, and a number is how many orders the large pull has: `channels pulling 100000`.
"""

from collections.abc import Sequence
from typing import Any

from tests.benchmarks import incoming, outage, pulling

PARTS = ("incoming", "pulling", "outage")


async def measure(asked: Sequence[str] = ()) -> dict[str, Any]:
    """Take one measure after the other, each with the machine for itself."""
    figures: dict[str, Any] = {}
    numbers = [int(word) for word in asked if word.isdigit()]
    for part in [one for one in PARTS if one in asked] or PARTS:
        if part == "incoming":
            figures |= await incoming.measure()
        elif part == "pulling":
            figures |= await pulling.measure(*numbers)
        else:
            figures |= await outage.measure()
    return figures
