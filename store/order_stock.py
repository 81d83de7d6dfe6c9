"""Holding stock for one order by all the rules: limits of its buyer, the reservation, and what a failure tells.

What an unpaid order is refused for its buyer's sake it gets when it is paid, if units are left. A failed lock is
counted for the oversell breaker of the component that was short (INV-7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.stock import Demand, per_sku
from store import breakers, bundles, carts, stock, stock_ledger
from store.breakers import Failure
from store.carts import Buyer
from store.settings_docs import Profile
from store.stock import Request


@dataclass(frozen=True, slots=True)
class Asking:
    """The order that asks: whose it is, whether it is paid, until when it holds what it gets."""

    buyer: Buyer
    paid: bool
    until: datetime
    profile: Profile


@dataclass(frozen=True, slots=True)
class Held:
    """What came of it. `short`: it got nothing because of these SKUs; `stopped`: the units are there, not for sale.

    `limited`: it got nothing because its buyer holds enough of these already. `before`: what it held already.
    """

    short: tuple[str, ...] = ()
    stopped: bool = False
    limited: tuple[str, ...] = ()
    before: tuple[Demand, ...] = ()


async def hold(tx: AsyncConnection, asking: Asking, wanted: Sequence[Demand], now: datetime) -> Held:
    """Hold every line of an order softly, or none."""
    if not asking.paid:
        units = per_sku(await bundles.expanded(tx, wanted))
        if limited := await carts.refused(tx, asking.buyer, units, asking.profile, now):
            return Held(limited=tuple(limited))
    key = asking.buyer.key
    holding = await stock.hold_all(tx, [Request(key, tuple(wanted), asking.until)], now)
    short, missing = holding.short.get(key, ()), holding.missing.get(key, ())
    if missing:
        counters = await stock_ledger.lock(tx, missing)
        units = per_sku(await bundles.expanded(tx, wanted))
        failures = [Failure(key, sku, units[sku], one.trial_left) for sku, one in counters.items()]
        await breakers.failed(tx, failures, asking.profile, now)
    return Held(missing or short, stopped=bool(short) and not missing)
