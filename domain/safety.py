"""Safety stock (INV-5): how much of a SKU is kept back from a channel. Owns the rule, and what a file of it may say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.stock_rules import Safety

COLUMNS = ("sku", "channel", "units")
MOST_UNITS = 10_000_000

Wanted = Mapping[tuple[str, str], int | None]
"""Safety stock to be set by (SKU, channel); None takes the row away."""


@dataclass(frozen=True, slots=True)
class SafetyRow:
    """One row of a file as it stands there; `line` counts from 1. Empty units take the row away."""

    line: int
    sku: str
    channel: str
    units: str


def kept_back(safety: Safety, sku: str, channel: str, core_channels: Collection[str]) -> int:
    """Give the units that a channel does not see: its own row, else the common one, which core channels do not have."""
    own = safety.get((sku, channel))
    if own is not None:
        return own
    return 0 if channel in core_channels else safety.get((sku, ""), 0)


def faults_of(rows: Sequence[SafetyRow], skus: Collection[str], channels: Collection[str]) -> list[str]:
    """Say what is wrong, row by row: an unknown SKU or channel, units that are none, the same twice (a shifted cell).

    An empty channel is every channel that is not core.
    """
    first: dict[tuple[str, str], int] = {}
    found = []
    for row in rows:
        words = [*_fault(row, skus, channels)]
        before = first.setdefault((row.sku, row.channel), row.line)
        if before != row.line:
            words.append(f"the same SKU and channel stand in line {before} already")
        if words:
            found.append(f"line {row.line}: {'; '.join(words)}")
    return found


def _fault(row: SafetyRow, skus: Collection[str], channels: Collection[str]) -> Iterable[str]:
    if row.sku not in skus:
        yield f"no SKU {row.sku[:40]!r} is counted here"
    if row.channel and row.channel not in channels:
        yield f"no channel {row.channel[:40]!r}; known are {', '.join(sorted(channels)) or 'none'}"
    if row.units and not (row.units.isascii() and row.units.isdecimal() and int(row.units) <= MOST_UNITS):
        yield f"units {row.units[:40]!r} are no number from 0 to {MOST_UNITS:,}"


def wanted(rows: Iterable[SafetyRow]) -> dict[tuple[str, str], int | None]:
    """Read rows that have no fault."""
    return {(row.sku, row.channel): int(row.units) if row.units else None for row in rows}


def changes(before: Safety, asked: Wanted) -> dict[tuple[str, str], int | None]:
    """Leave out what stands there already."""
    return {place: units for place, units in sorted(asked.items()) if before.get(place) != units}


def difference(before: Safety, asked: Wanted) -> list[str]:
    """List for people what would be new (+), gone (-) and changed (~)."""
    lines = []
    for (sku, channel), units in changes(before, asked).items():
        place, old = f"{sku} {channel or '(not core)'}", before.get((sku, channel))
        if old is None:
            lines.append(f"+ {place}: {units}")
        else:
            lines.append(f"- {place}: {old}" if units is None else f"~ {place}: {old} -> {units}")
    return lines
