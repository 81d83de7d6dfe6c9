"""What a channel may sell of a SKU: the one formula (INV-1, INV-5, INV-7, INV-8), and the same in words.

    channel_atp = (own + share x max(0, common - safety)) x weight, at most what a breaker lets through

`common` is on hand - reserved - allocated - pooled, and `own` what the channel's pool has locked and not sold.
Core channels have no safety. Everything is in units and rounded down. Owns the arithmetic; the numbers are the store's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.stock import Counters

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much of a SKU one channel is shown, in units and percent.

    `own` is locked in its pool, `share_percent` limits what it is shown of the common units, `safety` is kept back
    from it, `weight_percent` lowers all of it while too much waits to be shipped.
    """

    own: int = 0
    share_percent: int = WHOLE
    safety: int = 0
    weight_percent: int = WHOLE


@dataclass(frozen=True, slots=True)
class Term:
    """One part of an explanation: its name in the formula, and its units (a limit: None where there is none)."""

    name: str
    units: int | None


def channel_atp(counters: Counters, seen: Exposure) -> int:
    """Give the units that a channel may sell now; never negative."""
    common = max(0, counters.common - seen.safety) * seen.share_percent // WHOLE
    shown = (seen.own + common) * seen.weight_percent // WHOLE
    return shown if counters.trial_left is None else min(shown, counters.trial_left)


def bundle_atp(parts: Mapping[str, int], shown: Mapping[str, int]) -> int:
    """Give how many bundles the shown units of their components make; a component that nobody counts makes none."""
    return min((shown.get(sku, 0) // n for sku, n in parts.items()), default=0)


def explain(counters: Counters, seen: Exposure) -> list[Term]:
    """List the terms of the formula in its order; they are what the console shows beside the number."""
    return [
        Term("on_hand", counters.on_hand),
        Term("reserved", -counters.reserved),
        Term("allocated", -counters.allocated),
        Term("pooled", -counters.pooled),
        Term("common", counters.common),
        Term("safety", -seen.safety),
        Term("share_percent", seen.share_percent),
        Term("own", seen.own),
        Term("weight_percent", seen.weight_percent),
        Term("trial_left", counters.trial_left),
        Term("channel_atp", channel_atp(counters, seen)),
    ]
