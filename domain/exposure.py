"""What a channel may sell of a SKU: the one formula (INV-1, INV-5, INV-7, INV-8), and the same in words.

    channel_atp = (own + share x max(0, common - safety)) x weight, at most what a breaker lets through

`common` is on hand - reserved - allocated - pooled, and `own` what the channel's pool has locked and not sold.
Core channels have no safety. Everything is in units and rounded down. Owns the arithmetic; the numbers are the store's.
"""

from collections.abc import Iterator, Mapping
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


def sentence(counters: Counters, seen: Exposure, who: str) -> str:
    """Say the number and its parts as people do; parts that change nothing are left out.

    "120 on hand − 30 allocated − 10 reserved − 20 safety = 60, of which Douyin may sell 24: its share is 40 %"
    """
    taken = [
        (counters.allocated, "allocated"),
        (counters.reserved, "reserved"),
        (counters.pooled, "in pools"),
        (seen.safety, "safety"),
    ]
    parts = [f"{counters.on_hand} on hand", *(f"{n} {name}" for n, name in taken if n)]
    left = counters.common - seen.safety
    result = "" if len(parts) == 1 else f" = {left}" if left >= 0 else " leave nothing"
    may = f"may sell {channel_atp(counters, seen)}"
    end = f", and {seen.own} locked for {who}, which {may}" if seen.own else f", of which {who} {may}"
    why = ", ".join(_limits(counters, seen))
    return f"{' − '.join(parts)}{result}{end}{': ' if why else ''}{why}"


def bundle_sentence(parts: Mapping[str, int], shown: Mapping[str, int], who: str) -> str:
    """Say how many bundles a channel may sell, and of which components."""
    made = ", ".join(f"{n} of {shown.get(sku, 0)} {sku}" for sku, n in sorted(parts.items()))
    return f"a bundle takes {made}: {who} may sell {bundle_atp(parts, shown)}"


def _limits(counters: Counters, seen: Exposure) -> Iterator[str]:
    if seen.share_percent != WHOLE:
        yield f"its share is {seen.share_percent} %"
    if seen.weight_percent != WHOLE:
        yield f"shown at {seen.weight_percent} % while too much waits to be shipped"
    if counters.trial_left is not None:
        yield f"the breaker lets {counters.trial_left} through" if counters.trial_left else "the breaker is open"
