"""What every sales platform is to the world: shops, addresses of its own, and how it numbers orders.

A platform in simulator/platforms/ is found by its file (kinds.py); its paths begin with its name: `/{vendor}/...`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter

from simulator.market import Stall, Surroundings
from simulator.sending import Sender
from simulator.settings_shops import Seller


@dataclass(frozen=True)
class Opening:
    """What a platform is opened with: its shops' settings, the world, where it pushes to and how."""

    shops: Sequence[Seller]
    around: Surroundings
    gateway_url: str
    sender: Sender
    faults: Counter[str]


class Platform(Protocol):
    """One vendor with all its shops. A handler may raise ListsDead and Unheard: the caller gets 503."""

    @property
    def shops(self) -> Sequence[Stall]: ...

    def routes(self) -> APIRouter:
        """Give the vendor's own paths, without the prefix."""


@dataclass(frozen=True)
class Kind:
    """One vendor; `order_no` makes a number as it would from the world's seed, the order's place and a drawn number.

    `most_lines`: so many lines an order has there at most.
    """

    vendor: str
    order_no: Callable[[int, int, int], str]
    open: Callable[[Opening], Platform]
    most_lines: int = 3
