"""Goods that are sold before they are there: who buys them, with a deposit or without, and when they come.

Owns the supplies and their arrival at the warehouse; that orders wait for them is the order system's work.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.catalogue import Product
from simulator.orders import Act, Basket, Fate, add_product
from simulator.plan_shops import choose_shop
from simulator.seeds import draw_evenly, rng
from simulator.settings import Config
from simulator.tally import Tasks
from simulator.warehouse import Warehouse

PRODUCTS = (
    Product("COAT-DOWN-M", "白鹅绒长款羽绒服 预售 M", 89_900),
    Product("BOOTS-SNOW-41", "羊皮毛一体雪地靴 预售 41", 45_900),
)
SPARE_UNITS = 5


@dataclass(frozen=True)
class Supply:
    """Units that come `after` seconds from the start, although the supplier said `due`."""

    code: str
    sku: str
    title: str
    units: int
    due: float
    after: float


def sell_presale(config: Config, baskets: Sequence[Basket]) -> list[Basket]:
    """Add a presale product to a share of the own shop's baskets; never to a replayed file's."""
    share = config.profile.presale_share if config.orders.file is None else 0.0
    found = []
    for n, basket in enumerate(baskets):
        source = rng(config.seed, "presale", n)
        buys = draw_evenly(config.seed, "presales", n, source) < share and choose_shop(config, n)[0] == "own"
        found.append(_with_presale(add_product(source, basket, source.choice(PRODUCTS))) if buys else basket)
    return found


def _with_presale(basket: Basket) -> Basket:
    return replace(basket, lines=(*basket.lines[:-1], replace(basket.lines[-1], presale=True)))


def pay_deposits(config: Config, n: int, fate: Fate, basket: Basket, acts: tuple[Act, ...]) -> tuple[Act, ...]:
    """Let a share of the presale buyers who mean to pay do so in two parts."""
    pays = rng(config.seed, "deposit", n).random() < config.profile.deposit_share
    if fate != "paid" or not pays or not any(line.presale for line in basket.lines):
        return acts
    wait = config.profile.pay_delay
    return (Act("unpaid", 0.0), Act("deposit", wait), Act("paid", wait))


def supplies_for(config: Config, baskets: Sequence[Basket]) -> list[Supply]:
    """Let a supplier bring what was sold and a little more; the last supply comes later than it was said."""
    wanted: Counter[str] = Counter()
    for line in (line for basket in baskets for line in basket.lines if line.presale):
        wanted[line.sku] += line.quantity
    profile = config.profile
    late = [profile.presale_late_by if product is PRODUCTS[-1] else 0.0 for product in PRODUCTS]
    return [
        Supply(f"PO-{product.sku}", product.sku, product.title, wanted[product.sku] + SPARE_UNITS, due, due + by)
        for product, by in zip(PRODUCTS, late, strict=True)
        if wanted[product.sku] and (due := profile.presale_due)
    ]


class Supplier:
    """Brings the supplies to the warehouse in their time."""

    def __init__(self, supplies: Sequence[Supply], warehouse: Warehouse, tasks: Tasks) -> None:
        self.supplies = supplies
        self.arrived: set[str] = set()
        self._warehouse = warehouse
        self._tasks = tasks

    def start(self) -> None:
        """Send everything on its way."""
        for one in self.supplies:
            self._tasks.spawn(self._bring(one))

    async def _bring(self, one: Supply) -> None:
        await asyncio.sleep(one.after)
        self._warehouse.receive(one.sku, one.units)
        self.arrived.add(one.code)
