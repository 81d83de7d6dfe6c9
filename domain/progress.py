"""What the steps of an order return to its workflow. Ids and counts only: these values become history."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.timing import OrderTiming


@dataclass(frozen=True)
class OrderStart:
    """What an order's workflow is started with. `lock_until` ends the soft reservation of an unpaid order."""

    key: str
    lock_until: datetime
    timing: OrderTiming


@dataclass(frozen=True)
class LockEnd:
    """What the end of a stock lock did: `paid` or `deposit` when a payment is on file after all."""

    paid: bool
    late_until: datetime | None = None
    deposit: bool = False


@dataclass(frozen=True)
class Balance:
    """How an order with a deposit stands: `paid` in full, or until when its balance may be paid."""

    paid: bool
    until: datetime


@dataclass(frozen=True)
class Plan:
    """Who ships what: fulfilment numbers; `short` names the SKUs that nobody holds, `held` why a person must look.

    `ended` says that the channel has cancelled or refunded the order, `waits_for_channel` that it is paid and the
    channel forbids to ship it for now. `stopped`: the units that are short are there, but their sale is stopped.
    `waits_for_goods`: until when it was promised, while presale goods are to come. `elsewhere`: it is held because its
    channel says that it was shipped, and not from here.
    """

    fulfillments: list[str] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    ship_by: datetime | None = None
    held: str = ""
    ended: str = ""
    waits_for_channel: bool = False
    stopped: bool = False
    waits_for_goods: datetime | None = None
    elsewhere: bool = False


@dataclass(frozen=True)
class Shipped:
    """How far shipping is: `open_fulfillments` are still in a warehouse."""

    parcels: int
    open_fulfillments: int


@dataclass(frozen=True)
class Signed:
    """How far delivery is: parcels not signed yet."""

    open_parcels: int


@dataclass(frozen=True)
class OrderOutcome:
    """How an order ended, for the workflow's result."""

    status: str
    reason: str = ""
