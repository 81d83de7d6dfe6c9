"""What a vendor is to the rest of the house: what a shop row must hold for it, and the classes that speak to it.

Each vendor's file says its own as `VENDOR`; connectors/registry.py finds them there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import httpx

from connectors.inbound import Inbound
from connectors.outbound import (
    Clock,
    Courier,
    InvoiceClerk,
    Mailbox,
    MessageQueue,
    MessageSender,
    OrderRoll,
    PaymentProvider,
    Queued,
    ReturnsDesk,
    SalesChannel,
    Warehouse,
)
from domain.pulling import PullRules, RollRules
from domain.shops import Role, Shop
from domain.stock_push import PushRules

T = TypeVar("T")
LAG = "lag_seconds"
"""A param of every shop that is pulled: how far behind its clock a list ends, instead of what its vendor documents."""
PACE = "calls_per_second"
"""A param of every shop: how many calls a second its account takes from a process, instead of what is documented."""
Caller = Callable[[Shop, httpx.AsyncClient, Clock], T]
"""How a class that speaks to a vendor is made."""
Reader = Callable[[Shop, bytes, datetime], Queued | None]
"""Reads one message of a queue as it was stored, taken at a moment; None for one of another shop."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a vendor needs of a shop row, each with one line of explanation for whoever fills it in."""

    name: str
    role: Role
    zone: str
    currency: str
    endpoint_url: str
    key_id: str
    secret: str
    """Empty when the vendor has none: its keys are sealed params."""
    inbound: Callable[[Shop], Inbound] | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    optional_params: Mapping[str, str] = field(default_factory=dict)
    pull: PullRules | None = None
    asked_with: str | None = None
    """The param without which it cannot be asked for one order; empty when it always can, None when it never can."""
    token: str = ""
    """Where the access token comes from; empty when the vendor needs none."""
    sealed_params: Mapping[str, str] = field(default_factory=dict)
    """Params that are secret: given as NAME=@FILE and sealed with the keys."""
    optional_sealed_params: Mapping[str, str] = field(default_factory=dict)
    """Params that are secret and that only some shops have."""
    faults: Callable[[Shop], list[str]] | None = None
    """Looks at what was given before it is used: `name: what is wrong`."""
    per_second: float = 20.0
    """So many calls a second and process are let through to one account (INT-16)."""
    stock: PushRules | None = None
    """What it takes when it is told of stock; None when it cannot be."""
    stock_with: str = ""
    """The param without which a shop is told nothing of stock; empty when it always is."""
    cases: PullRules | None = None
    """What it allows when its after-sales cases are pulled; None when it has no list of them."""
    cases_with: str = ""
    """The param without which a shop has no list of cases; empty when it always has."""
    roll: RollRules | None = None
    """What it allows when it is asked which orders were placed in an hour (INT-9); None when it cannot be."""
    roll_with: str = ""
    """The param without which a shop has no such list; empty when it always has."""
    queue_with: str = ""
    """The param without which no queue of a shop is read; empty when it always is."""
    channel: Caller[SalesChannel] | None = None
    rolls: Caller[OrderRoll] | None = None
    queue: Caller[MessageQueue] | None = None
    reads: Reader | None = None
    """Reads a kept message of its queue once more, after what was wrong is mended."""
    warehouse: Caller[Warehouse] | None = None
    returns: Caller[ReturnsDesk] | None = None
    courier: Caller[Courier] | None = None
    payment: Caller[PaymentProvider] | None = None
    sender: Caller[MessageSender] | None = None
    clerk: Caller[InvoiceClerk] | None = None
    mailbox: Caller[Mailbox] | None = None
