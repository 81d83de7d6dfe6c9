"""What a SKU's books say of the same units, and which of them is believed when they differ (design: facts).

Holds are the truth for what is reserved and allocated, pools for what they have locked. For on hand, movements, ledger
and shelf are heard, and two of them outvote the third; where all differ, movements are believed. Owns that choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.stock import Counters


@dataclass(frozen=True, slots=True)
class InHouse:
    """What is written of one warehouse: on hand by its shelf, by movements, by the ledger; its promises too."""

    on_hand: int = 0
    moved: int = 0
    told: int = 0
    allocated: int = 0
    promised: int = 0
    told_allocated: int = 0

    @property
    def true_on_hand(self) -> int:
        """Give what two of three say, else what movements say."""
        return self.on_hand if self.on_hand == self.told else self.moved


@dataclass(frozen=True, slots=True)
class InPool:
    """What a pool has locked, and what the ledger says of it."""

    locked: int = 0
    told: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """All that is written of one SKU; `held` is the sum of its open soft holds, `told_reserved` the ledger's."""

    counters: Counters
    held: int
    told_reserved: int
    warehouses: Mapping[str, InHouse]
    pools: Mapping[str, InPool]


@dataclass(frozen=True, slots=True)
class Correction:
    """A line that sets the ledger right, in units."""

    warehouse: str = ""
    pool: str = ""
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0

    @property
    def empty(self) -> bool:
        """Say whether it changes nothing."""
        return not (self.on_hand or self.reserved or self.allocated or self.pooled)


@dataclass(frozen=True, slots=True)
class Mend:
    """What the books have to say: the counters, each warehouse's (on hand, allocated), ledger lines and movements.

    `refusal` says why nothing can be mended: more is promised than there is.
    """

    counters: Counters
    shelves: Mapping[str, tuple[int, int]]
    corrections: tuple[Correction, ...]
    moves: Mapping[str, int]
    refusal: str = ""


def mend(books: Books) -> Mend | None:
    """Say how the books of one SKU are set right; None when they agree."""
    shelves = {code: (one.true_on_hand, one.promised) for code, one in books.warehouses.items()}
    right = Counters(
        sum(on_hand for on_hand, _ in shelves.values()),
        books.held,
        sum(promised for _, promised in shelves.values()),
        sum(one.locked for one in books.pools.values()),
        books.counters.trial_left,
    )
    found = Mend(
        right,
        {code: true for code, true in shelves.items() if _shelf(books.warehouses[code]) != true},
        tuple(one for one in _corrections(books) if not one.empty),
        {code: one.true_on_hand - one.moved for code, one in books.warehouses.items() if one.moved != one.true_on_hand},
        _refusal(right, shelves),
    )
    agrees = right == books.counters and not (found.shelves or found.corrections or found.moves)
    return None if agrees else found


def _shelf(one: InHouse) -> tuple[int, int]:
    return one.on_hand, one.allocated


def _corrections(books: Books) -> list[Correction]:
    """Give what the ledger lacks: of soft holds, of each warehouse, of each pool."""
    lines = [Correction(reserved=books.held - books.told_reserved)]
    for code, house in sorted(books.warehouses.items()):
        by = house.true_on_hand - house.told
        lines.append(Correction(code, on_hand=by, allocated=house.promised - house.told_allocated))
    lines += [Correction(pool=code, pooled=one.locked - one.told) for code, one in sorted(books.pools.items())]
    return lines


def _refusal(right: Counters, shelves: Mapping[str, tuple[int, int]]) -> str:
    for code, (on_hand, promised) in sorted(shelves.items()):
        if promised > on_hand:
            return f"{code} has promised {promised} units and has {on_hand}: count it"
    if right.common < 0:
        wanted = right.reserved + right.allocated + right.pooled
        return f"{wanted} units are promised or locked and {right.on_hand} are there: count it"
    return ""


@dataclass(frozen=True)
class Audited:
    """What one look of the running audit came to: SKUs checked, drifted, repaired; orders freed or told of."""

    checked: int
    drifted: int
    repaired: int
    orders: int
