"""Does a stranger take fewer of our calls than we make (INT-16)? Owns when that is told, and what is proposed instead.

A single "too often" is part of life: the call goes again later, and no try is used up. A rising share of them says that
a limit has changed, or that we ask more than it allows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain.watch import AlertLimits, Finding, span

CROWDED = "limits"
LONGER = 2
"""The period that is proposed, in periods of now."""


@dataclass(frozen=True, slots=True)
class CallShare:
    """The calls to one account within the window, how many it took for too many, and the same of the day before it."""

    vendor: str
    account: str
    calls: int
    limited: int
    before_calls: int = 0
    before_limited: int = 0

    @property
    def percent(self) -> float:
        """The share of limit errors."""
        return _percent(self.limited, self.calls)

    @property
    def before_percent(self) -> float:
        """The share in the day before."""
        return _percent(self.before_limited, self.before_calls)


@dataclass(frozen=True, slots=True)
class Ways:
    """How the news of an account come, or could. `period_setting` names where its period is set; empty: not pulled.

    `pushes`: its vendor can push; `pushed`: it did lately. `pull_off`: its pull may be switched off. `queue_with`: the
    param that opens its message queue, empty when there is none or it is open.
    """

    period_seconds: float = 0.0
    period_setting: str = ""
    pushes: bool = False
    pushed: bool = False
    pull_off: bool = False
    queue_with: str = ""


def is_crowded(share: CallShare, limits: AlertLimits, *, was: bool) -> bool:
    """Say whether too many calls are refused as too many; what is told of is over at half the share."""
    if was:
        return share.limited > 0 and share.percent > limits.limit_percent / 2
    return share.calls >= limits.limit_calls and share.percent > limits.limit_percent


def crowded(share: CallShare, ways: Ways, limits: AlertLimits) -> Finding:
    """Tell of an account that takes fewer calls than it gets, and propose another period or way in."""
    seen = f"{share.limited} of {share.calls} calls within {span(limits.limit_window_seconds)} were too many for it"
    words = f"{seen} ({share.percent:.0f} %; {share.before_percent:.1f} % in the day before): has its limit changed?"
    return Finding(CROWDED, f"{share.vendor}/{share.account}", "; ".join([words, *proposals(share, ways)]))


def proposals(share: CallShare, ways: Ways) -> Iterator[str]:
    """Propose what brings the same with fewer calls, the gentlest first."""
    if ways.period_setting:
        now, longer = span(ways.period_seconds), span(LONGER * ways.period_seconds)
        yield f"pull it every {longer} instead of {now} (settings timing, {ways.period_setting})"
    if ways.pull_off and ways.pushed:
        yield f"its push works: leave it to that alone, oms shop backup {share.vendor} {share.account} off"
    elif ways.pushes and not ways.pushed:
        yield "it can push and does not: turn its push on at the platform"
    if ways.queue_with:
        yield f"its message queue brings news without asking: connect it with --param {ways.queue_with}=ADDRESS"
    yield "ask the vendor for a higher limit"


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
