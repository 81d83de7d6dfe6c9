"""What a demo is asked to show, what is seen of it while it runs, and the evidence at its end. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clients.cli.demo_ledger import Compared
from domain.proof import OrderFact, ShownFact, SkuFact
from domain.proof_cases import CaseFact, RedLetterFact
from store.reads.case_proof import CaseStanding
from store.reads.phases import Phase

PER_SECOND, FILE_PER_SECOND = 3.3, 10.0


@dataclass(frozen=True, slots=True)
class DemoBurst:
    """Buyers of the own shop beside all others, who come within `seconds`; of each the shop sends `messages`."""

    after_seconds: float
    seconds: float
    buyers: int
    messages: int

    @property
    def per_second(self) -> float:
        """Say how many messages are due in a second."""
        return self.buyers * self.messages / self.seconds


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the demo shall show; `days` bad days of `count` orders each, one after the other."""

    seed: int
    count: int
    file: Path | None = None
    plant: str | None = None
    calm: bool = False
    days: int = 1
    few: bool = False
    """Shops on three platforms, instead of one shop at least on each."""
    rate: float | None = None
    """Buyers a second; None: what a bad day has."""
    curve: tuple[float, ...] = ()
    """How many of them come in each part of the time, beside each other; empty: evenly."""
    cases: bool = True
    """Buyers apply for after-sales, and the desks have their work."""
    burst: DemoBurst | None = None
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What of which settings document is other than in its column for demos."""
    doses: Mapping[str, float | Sequence[str]] = field(default_factory=dict)
    """What the outside world does in another dose than usual (docs/simulator.md)."""

    @property
    def per_second(self) -> float:
        """Say how many buyers come in a second."""
        return self.rate or (FILE_PER_SECOND if self.file else PER_SECOND)

    @property
    def orders(self) -> int:
        """Count the orders of all days, without a burst's."""
        return self.count * self.days

    @property
    def sold(self) -> int:
        """Count all orders."""
        return self.orders + (self.burst.buyers if self.burst else 0)


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen at one moment."""

    sent: int
    planned: int
    counts: dict[str, int]
    parcels_signed: int
    messages: int
    mischief: int
    idle: bool
    finished: bool
    news: tuple[str, ...] = ()
    burst: Mapping[str, Any] | None = None
    """What the simulator says of a burst (docs/simulator.md)."""

    @classmethod
    def empty(cls, news: list[str]) -> "View":
        """Before anything could be seen."""
        return cls(0, 1, {}, 0, 0, 0, False, False, tuple(news))

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Change whenever anything moved."""
        return (self.sent, tuple(sorted(self.counts.items())), self.parcels_signed, self.messages)


@dataclass(frozen=True, slots=True)
class StockNews:
    """How many orders found no units, how often a sale was stopped and went on, how many deaf shops caught up."""

    failed: int = 0
    stopped: int = 0
    resumed: int = 0
    caught_up: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the proof compares, and what was done to us meanwhile."""

    orders: list[OrderFact]
    skus: list[SkuFact]
    work: Any
    books: dict[str, Any]
    kills: list[str]
    told: set[str]
    messages: dict[str, dict[str, int]]
    replayed: int
    phases: dict[str, Phase]
    shown: list[ShownFact]
    stock: StockNews = field(default_factory=StockNews)
    cases: list[CaseFact] = field(default_factory=list)
    standings: list[CaseStanding] = field(default_factory=list)
    red_letters: list[RedLetterFact] = field(default_factory=list)
    ledger: dict[str, Compared] = field(default_factory=dict)

    @property
    def sold(self) -> list[OrderFact]:
        """The orders that somebody placed: goods that are sent again for a case were not sold."""
        return [order for order in self.orders if not order.case_no]
