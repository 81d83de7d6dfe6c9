"""How many calls each account got from this process, and how many were too many for it (INT-16)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from domain.errors import FullPace, OmsError, RateLimited

Account = tuple[str, str]
"""Vendor and code."""


@dataclass(frozen=True, slots=True)
class Count:
    """Calls that were made, and those of them that the stranger refused as too many."""

    calls: int
    limited: int


class Tally:
    """Counts until somebody has written the counts down."""

    def __init__(self) -> None:
        self._calls: Counter[Account] = Counter()
        self._limited: Counter[Account] = Counter()

    def note(self, account: Account, error: OmsError | None = None) -> None:
        """Count one call by what came of it; what our own pace held back was none."""
        if isinstance(error, FullPace):
            return
        self._calls[account] += 1
        if isinstance(error, RateLimited):
            self._limited[account] += 1

    def counts(self) -> dict[Account, Count]:
        """Give what is not yet written down."""
        return {account: Count(calls, self._limited[account]) for account, calls in self._calls.items() if calls}

    def written(self, counts: Mapping[Account, Count]) -> None:
        """Forget what was written down; what came meanwhile stays."""
        for account, count in counts.items():
            self._calls[account] -= count.calls
            self._limited[account] -= count.limited
