"""From a shop row to the classes that speak to its vendor. Finds the vendors; each says for itself what it needs.

The gateway takes receivers here, workers/wiring.py callers, `oms shop add` what a shop row must hold.
"""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import TypeVar

import httpx

from connectors import couriers, mail, payments, platforms, warehouses
from connectors.inbound import Inbound
from connectors.invoicing import CLERKS
from connectors.invoicing import NEEDS as INVOICE_NEEDS
from connectors.messengers import NEEDS, SENDERS, Needs
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
from connectors.vendor import LAG, PACE, Caller, Vendor
from domain.errors import BadInput, Broken, Unparsable
from domain.pulling import PullRules, RollRules
from domain.shops import Role, Shop
from domain.stock_push import PushRules

__all__ = ["VENDORS", "Vendor"]


def _messenger(name: str, needs: Needs, role: Role = Role.MESSAGES) -> Vendor:
    """Describe a vendor of messages, or of invoices, as any other."""
    return Vendor(
        name=name,
        role=role,
        zone="Asia/Shanghai",
        currency="CNY",
        endpoint_url=needs.endpoint_url,
        key_id=needs.key_id,
        secret=needs.secret,
        params=needs.params,
        optional_params=needs.optional_params,
        sealed_params=needs.sealed_params,
        sender=SENDERS.get(name),
        clerk=CLERKS.get(name),
    )


def _found(room: ModuleType) -> Iterator[Vendor]:
    """Look into every file of a room for a vendor: a new one is connected by its file alone."""
    for one in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
        said = getattr(importlib.import_module(one.name), "VENDOR", None)
        if isinstance(said, Vendor):
            yield said


VENDORS: Mapping[str, Vendor] = {
    **{one.name: one for room in (platforms, warehouses, couriers, payments, mail) for one in _found(room)},
    **{name: _messenger(name, needs) for name, needs in NEEDS.items()},
    **{name: _messenger(name, needs, Role.INVOICES) for name, needs in INVOICE_NEEDS.items()},
}

T = TypeVar("T")


def vendor(name: str) -> Vendor:
    """Look a vendor up; BadInput names it and the ones we know."""
    if name not in VENDORS:
        raise BadInput(f"vendor {name!r} is not known; known are {', '.join(sorted(VENDORS))}")
    return VENDORS[name]


def missing(shop: Shop) -> list[str]:
    """What the shop row still lacks to speak to its vendor: `name: explanation`, empty when complete."""
    needs = vendor(shop.vendor)
    given = {"endpoint_url": shop.endpoint_url, "key_id": shop.key_id, "secret": "".join(shop.secrets)}
    wanted = {"endpoint_url": needs.endpoint_url, "key_id": needs.key_id, "secret": needs.secret}
    lacking = [f"{name}: {why}" for name, why in wanted.items() if why and not given[name]]
    lacking += [f"{name}: {why}" for name, why in needs.params.items() if not shop.params.get(name)]
    lacking += [f"{name}: {why}" for name, why in needs.sealed_params.items() if not shop.sealed.get(name)]
    return lacking or (needs.faults(shop) if needs.faults else [])


def answers(shop: Shop) -> bool:
    """Say whether a shop can be asked for one order."""
    param = vendor(shop.vendor).asked_with
    return param is not None and (not param or bool(shop.params.get(param)))


def takes_stock(name: str, params: Collection[str]) -> bool:
    """Say whether a shop of this vendor with these params filled is told what it may sell (INV-6)."""
    needs = vendor(name)
    return needs.stock is not None and (not needs.stock_with or needs.stock_with in params)


def push_rules(name: str) -> PushRules:
    """What a vendor takes when it is told of stock; BadInput when it cannot be."""
    rules = vendor(name).stock
    if rules is None:
        raise BadInput(f"{name} cannot be told of stock")
    return rules


def inbound(shop: Shop) -> Inbound:
    """The receiver of a shop's pushes; BadInput when its vendor sends none."""
    receiver = vendor(shop.vendor).inbound
    if receiver is None:
        others = "its letters are read" if vendor(shop.vendor).mailbox else "its orders are pulled"
        how = "it is only written to" if shop.vendor in SENDERS else others
        raise BadInput(f"{shop.vendor} sends no webhooks: {how}")
    return receiver(shop)


def pull_rules(shop: Shop) -> PullRules | None:
    """What a shop allows when its orders are pulled; None when it has no list to pull."""
    return _behind(vendor(shop.vendor).pull, shop)


def case_rules(shop: Shop) -> PullRules | None:
    """What a shop allows when its after-sales cases are pulled; None when it has no list to pull."""
    needs = vendor(shop.vendor)
    return _behind(needs.cases, shop) if not needs.cases_with or shop.params.get(needs.cases_with) else None


def roll_rules(shop: Shop) -> RollRules | None:
    """What a shop allows when it is asked which orders were placed; None when it cannot be asked."""
    needs = vendor(shop.vendor)
    return _behind(needs.roll, shop) if not needs.roll_with or shop.params.get(needs.roll_with) else None


R = TypeVar("R", PullRules, RollRules)


def _behind(rules: R | None, shop: Shop) -> R | None:
    """Take how far behind the clock a list ends from the shop's row, where it says so (LAG)."""
    told = shop.params.get(LAG, "")
    if rules is None or not told:
        return rules
    if not told.isascii() or not told.isdigit():
        raise Broken(f"shop {shop.code} ({shop.vendor}): {LAG} is not whole seconds: mend it")
    return replace(rules, lag_seconds=float(told))


def pace(shop: Shop) -> float:
    """Give how many calls a second are let through to a shop's account (INT-16)."""
    told = shop.params.get(PACE, "")
    if told and not (told.isascii() and told.isdigit() and int(told)):
        raise Broken(f"shop {shop.code} ({shop.vendor}): {PACE} is no whole number from 1: mend it with oms shop set")
    return float(told) if told else vendor(shop.vendor).per_second


def pushes(name: str) -> bool:
    """Say whether a vendor tells of changes by itself, by webhook or by a queue that every shop has."""
    needs = vendor(name)
    return needs.inbound is not None or (needs.queue is not None and not needs.queue_with)


def hears(name: str, params: Collection[str]) -> bool:
    """Say whether a shop of this vendor with these params filled is told of changes, by webhook or by its queue."""
    needs = vendor(name)
    return pushes(name) or (needs.queue is not None and needs.queue_with in params)


def read_kept(shop: Shop, raw: bytes, at: datetime) -> Queued:
    """Read a kept message of a shop's queue once more; Unparsable with the reason, BadInput where nobody can."""
    reader = vendor(shop.vendor).reads
    if reader is None:
        raise BadInput(f"messages of {shop.vendor} are not read a second time: its orders are pulled")
    read = reader(shop, raw, at)
    if read is None or read.reason:
        raise Unparsable(read.reason if read else "it is about another shop: see what names this one in its row")
    return read


def has_queue(shop: Shop) -> bool:
    """Say whether a shop's news are taken from a queue of its vendor."""
    needs = vendor(shop.vendor)
    return needs.queue is not None and (not needs.queue_with or bool(shop.params.get(needs.queue_with)))


def warehouse(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> Warehouse:
    """The caller of a warehouse; BadInput when the vendor is none."""
    return _made(lambda one: one.warehouse, shop, "warehouse")(shop, http, clock)


def returns_desk(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> ReturnsDesk:
    """The caller of a warehouse that takes goods back; BadInput when the vendor is none."""
    return _made(lambda one: one.returns, shop, "warehouse")(shop, http, clock)


def courier(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> Courier:
    """The caller of a courier; BadInput when the vendor is none."""
    return _made(lambda one: one.courier, shop, "courier")(shop, http, clock)


def sales_channel(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> SalesChannel:
    """The caller of a sales channel; BadInput when the vendor is none."""
    return _made(lambda one: one.channel, shop, "sales channel")(shop, http, clock)


def order_roll(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> OrderRoll:
    """The caller of a channel that says which orders were placed; BadInput when the vendor is none."""
    return _made(lambda one: one.rolls, shop, "channel that lists what was placed")(shop, http, clock)


def message_queue(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> MessageQueue:
    """The caller of a channel whose news wait in a queue; BadInput when the vendor is none."""
    return _made(lambda one: one.queue, shop, "channel with a message queue")(shop, http, clock)


def payment_provider(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> PaymentProvider:
    """The caller of a payment provider; BadInput when the vendor is none."""
    return _made(lambda one: one.payment, shop, "payment provider")(shop, http, clock)


def message_sender(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> MessageSender:
    """The sender of an account for messages; BadInput when the vendor is none."""
    return _made(lambda one: one.sender, shop, "sender of messages")(shop, http, clock)


def invoice_clerk(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> InvoiceClerk:
    """The clerk of an account for invoices; BadInput when the vendor is none."""
    return _made(lambda one: one.clerk, shop, "service for invoices")(shop, http, clock)


def mailbox(shop: Shop, http: httpx.AsyncClient, clock: Clock) -> Mailbox:
    """The reader of a mail account; BadInput when the vendor is none."""
    return _made(lambda one: one.mailbox, shop, "mail account")(shop, http, clock)


def _made(of: Callable[[Vendor], Caller[T] | None], shop: Shop, role: str) -> Caller[T]:
    known = {name: caller for name, one in VENDORS.items() if (caller := of(one)) is not None}
    if shop.vendor not in known:
        names = ", ".join(sorted(known))
        raise BadInput(f"vendor {shop.vendor!r} of shop {shop.code} is not a {role}; known are {names}")
    return known[shop.vendor]
