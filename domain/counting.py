"""Counting against a warehouse system (INV-10): which difference is believed, and how accurate the numbers are.

A difference may be no loss but a message under way: parcels have left and the confirmation has not come, goods have
arrived and were not reported. So it is looked at twice, and believed when nothing under way could explain it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SUSPICIOUS_LEAST_SKUS = 10
SUSPICIOUS_PERCENT = 90.0
"""Of so many SKUs or more, fewer than this share agree: that is a fault of the count before it is one of the stock."""


class Grade(StrEnum):
    """The condition of units in a warehouse."""

    GOOD = "good"
    DEFECTIVE = "defective"


class LineVerdict(StrEnum):
    """What a count makes of one SKU and grade."""

    AGREES = "agrees"
    DIFFERS = "differs"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Counted:
    """Units of one SKU and grade that a warehouse says it has; `locked` of them are bound to orders there."""

    units: int
    locked: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one SKU and grade: units here and there.

    `allocated` is promised here to orders and transfers of this warehouse, `locked` is bound there. `expected` is on
    its way to the warehouse. `moved` says that our own number changed while the warehouse was asked.
    """

    ours: int
    theirs: int
    allocated: int = 0
    locked: int = 0
    expected: int = 0
    moved: bool = False

    @property
    def difference(self) -> int:
        """What the warehouse has more (or less, when negative) than our books."""
        return self.theirs - self.ours


def doubt(look: Look) -> str:
    """Say what under way could explain a difference; empty when nothing could."""
    if look.moved:
        return "it moved while it was counted"
    if look.difference < 0 and look.allocated > look.locked:
        return f"{look.allocated - look.locked} units may have left without a confirmation yet"
    if 0 < look.difference <= look.expected:
        return f"{look.expected} units are expected and may have arrived without a confirmation yet"
    return ""


def judge(first: Look, second: Look | None = None) -> tuple[LineVerdict, str]:
    """Say what to believe of a line, with the reason where it is not settled."""
    last = second or first
    if not last.difference:
        return LineVerdict.AGREES, ""
    if second is None:
        return LineVerdict.UNSETTLED, "to be counted again"
    if doubt(second):
        return LineVerdict.UNSETTLED, doubt(second)
    if first.difference != second.difference:
        return LineVerdict.UNSETTLED, f"{first.difference:+d} at first, {second.difference:+d} when counted again"
    return LineVerdict.DIFFERS, ""


def accuracy_percent(agreed: int, differing: int) -> float:
    """SKUs that agree of those that could be counted, in percent; 100 when there were none."""
    return 100.0 * agreed / (agreed + differing) if agreed + differing else 100.0


def believable(agreed: int, differing: int) -> bool:
    """Say whether a count may book anything by itself: one that finds nearly everything wrong is wrong itself."""
    return agreed + differing < SUSPICIOUS_LEAST_SKUS or accuracy_percent(agreed, differing) >= SUSPICIOUS_PERCENT


@dataclass(frozen=True, slots=True)
class Ours:
    """What our books say of one SKU in one warehouse; `allocated` only what the warehouse may already have sent off."""

    on_hand: int = 0
    defective: int = 0
    allocated: int = 0
    expected: int = 0


Answer = Mapping[tuple[str, Grade], Counted]
"""What a warehouse says it has, by SKU and grade; what is not there is none."""


def look_at(grade: Grade, before: Ours, after: Ours, seen: Counted) -> Look:
    """Put our number beside the warehouse's; ours is taken before it was asked and after."""
    if grade is Grade.DEFECTIVE:
        moved = before.defective != after.defective
        return Look(after.defective, seen.units, moved=moved)
    moved = before.on_hand != after.on_hand
    return Look(after.on_hand, seen.units, after.allocated, seen.locked, after.expected, moved)


@dataclass(frozen=True, slots=True)
class CountStart:
    """What a count is started with; `reported` counts only what the warehouse has reported changes of."""

    warehouse: str
    asked_by: str
    recheck_seconds: float
    reported: bool = False


@dataclass(frozen=True, slots=True)
class OpenCount:
    """A count that runs, and whom to ask."""

    no: str
    warehouse: str
    vendor: str
    account: str


@dataclass(frozen=True, slots=True)
class CountOutcome:
    """How a count ended, in SKUs; `failed` says why it could not be made."""

    no: str
    agreed: int = 0
    differing: int = 0
    unsettled: int = 0
    failed: str = ""

    @property
    def accuracy(self) -> float:
        """SKUs that agree of those that could be counted, in percent."""
        return accuracy_percent(self.agreed, self.differing)
