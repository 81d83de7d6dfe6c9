"""Grades of goods in a warehouse (AFT-6): good may be sold, defective and quarantine may not. Owns what moves where."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import BadInput
from domain.stock import Counters


class Grade(StrEnum):
    """How good a unit is; `quarantine` waits for somebody to look at it."""

    GOOD = "good"
    DEFECTIVE = "defective"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Regrade:
    """Units of a SKU in one warehouse that get another grade; BadInput when that is no change."""

    warehouse: str
    sku: str
    units: int
    was: Grade
    becomes: Grade

    def __post_init__(self) -> None:
        """Refuse what moves nothing."""
        if self.units <= 0:
            raise BadInput(f"{self.sku}: {self.units} units cannot be moved; name 1 or more")
        if self.was is self.becomes:
            raise BadInput(f"{self.sku}: {self.was.value} units stay {self.was.value}; name another grade")

    def moved(self, grade: Grade) -> int:
        """Say by how many units the counter of a grade changes."""
        return {self.was: -self.units, self.becomes: self.units}.get(grade, 0)


@dataclass(frozen=True, slots=True)
class Here:
    """What a warehouse has of a SKU by grade, and how many of the good ones it has promised to orders."""

    on_hand: int
    allocated: int
    defective: int
    quarantine: int


def refusal(wish: Regrade, here: Here, counters: Counters) -> str:
    """Say why these units cannot leave their grade; empty when they can. Promised units stay good."""
    if wish.was is not Grade.GOOD:
        there = here.defective if wish.was is Grade.DEFECTIVE else here.quarantine
        return "" if wish.units <= there else f"{wish.sku}: {wish.warehouse} has {there} {wish.was.value} units"
    free = max(0, min(here.on_hand - here.allocated, counters.common))
    if wish.units <= free:
        return ""
    promised = "the others are promised to orders or locked for a channel pool"
    return f"{wish.sku}: {free} of {here.on_hand} good units in {wish.warehouse} are free; {promised}"
