"""The plan of a world: every order with its buyer, moment and fate, and the stock that waits for them.

Owns what is decided before the start, from the seed alone. Knows no time of day and sends nothing.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from math import ceil
from random import Random

from simulator.buyers import make_ip, make_receiver
from simulator.catalogue import Bundle, Product, build_bundles, build_catalogue
from simulator.orders import (
    REMARKS,
    Act,
    Basket,
    Fate,
    PlannedOrder,
    add_product,
    fill_basket,
    fill_basket_for,
    single_unit,
)
from simulator.plan_burst import burst_baskets, burst_orders
from simulator.plan_cases import apply_for_cases
from simulator.plan_shops import (
    SILENT_ON_MONEY,
    before_it_left,
    choose_shop,
    fit_basket,
    marketplace_acts,
    order_no,
    replay_shop,
)
from simulator.presale import Supply, pay_deposits, sell_presale, supplies_for
from simulator.seeds import HAND, draw_evenly, jittered, rng
from simulator.settings import Config, ConfigError, Profile
from simulator.tmall_export import Row, net_minor, read_paid_rows, read_rows, sum_minor
from simulator.warehouse import SHIPPED

LEAST_ON_HAND = 20
# A buyer who cancels after paying does so soon, or exactly when the warehouse is at one of these stages.
CANCEL_STAGES = ("", "ACCEPT", "PRINT", "PICK", "CHECK", "PACKAGE", SHIPPED)


@dataclass(frozen=True)
class Plan:
    """`file_net_minor` is what stays paid of the rows that are replayed with their fates."""

    catalogue: list[Product]
    bundles: list[Bundle]
    supplies: list[Supply]
    on_hand: dict[str, int]
    defective: dict[str, int]
    orders: list[PlannedOrder]
    file_sum_minor: int | None
    file_net_minor: int | None


def build_plan(config: Config) -> Plan:
    """Decide everything that chance decides; raises ConfigError when the file or the knobs cannot be used."""
    catalogue = build_catalogue(config.seed)
    scarce = _scarce_products(config.profile, catalogue)
    bundles = [one for one in build_bundles(catalogue) if not one.parts.keys() & {product.sku for product in scarce}]
    rows = _rows(config)
    baskets = _with_bundles(config, _baskets(config, catalogue, scarce, rows), bundles)
    baskets = sell_presale(config, baskets)
    supplies = supplies_for(config, baskets)
    rush = burst_baskets(config, [product for product in catalogue if product not in scarce])
    orders = sorted([*_orders(config, baskets, rows), *burst_orders(config, rush)], key=lambda one: one.arrival)
    on_hand = _stock(config.profile, catalogue, [*baskets, *rush], bundles)
    on_hand |= {catalogue[index].sku: units for index, units in config.profile.scarce.items()}
    on_hand |= {one.sku: 0 for one in supplies}
    # Defective units lie beside the good ones: whoever adds them up oversells.
    defective = {product.sku: rng(config.seed, "defective", product.sku).choice((0, 0, 1, 3)) for product in catalogue}
    total = None if rows is None else sum_minor(rows)
    net = None if rows is None or replay_shop(config) is None else net_minor(rows)
    return Plan(catalogue, bundles, supplies, on_hand, defective, orders, total, net)


def _rows(config: Config) -> list[Row] | None:
    """Read the file: through a Taobao shop every fate is replayed, through the own shop paid rows only."""
    if config.orders.file is None:
        return None
    read = read_paid_rows if replay_shop(config) is None else read_rows
    return read(config.orders.file, config.orders.count)


def _scarce_products(profile: Profile, catalogue: list[Product]) -> list[Product]:
    for index in profile.scarce:
        if not 0 <= index < len(catalogue):
            raise ConfigError(f"profile.scarce: there is no product {index} (0 to {len(catalogue) - 1})")
    if len(profile.scarce) == len(catalogue):
        raise ConfigError("profile.scarce: at least one product must not be scarce")
    return [catalogue[index] for index in sorted(profile.scarce)]


def _baskets(config: Config, catalogue: list[Product], scarce: list[Product], rows: list[Row] | None) -> list[Basket]:
    count = config.orders.count if rows is None else len(rows)
    plenty = [product for product in catalogue if product not in scarce]
    wanted = _wanted(config, scarce, count)
    baskets = []
    for n in range(count):
        source = rng(config.seed, "basket", n)
        if n in wanted:
            baskets.append(single_unit(wanted[n], rows[n].total_minor if rows else wanted[n].unit_minor))
        elif rows is not None:
            baskets.append(fill_basket_for(source, plenty, rows[n].total_minor))
        else:
            baskets.append(fill_basket(source, plenty))
    return baskets


def _with_bundles(config: Config, baskets: list[Basket], bundles: list[Bundle]) -> list[Basket]:
    """Add a bundle to a share of the baskets; a replayed row's total is given, so it never has one."""
    share = config.profile.bundle_share if config.orders.file is None else 0.0
    found = []
    for n, basket in enumerate(baskets):
        source = rng(config.seed, "bundle", n)
        has_one = draw_evenly(config.seed, "bundles", n, source) < share
        more = add_product(source, basket, source.choice(bundles)) if has_one else basket
        found.append(more)
    return found


def _wanted(config: Config, scarce: list[Product], count: int) -> dict[int, Product]:
    """Pick the orders that want exactly one scarce product: `scarce_demand` orders for each."""
    demand = config.profile.scarce_demand * len(scarce)
    if demand > count:
        raise ConfigError(f"profile.scarce_demand: {demand} orders for scarce products, but only {count} in all")
    picked = rng(config.seed, "scarce").sample(range(count), k=demand)
    return {n: scarce[i % len(scarce)] for i, n in enumerate(picked)}


def _stock(profile: Profile, catalogue: list[Product], baskets: list[Basket], bundles: list[Bundle]) -> dict[str, int]:
    parts = {bundle.sku: bundle.parts for bundle in bundles}
    demand: Counter[str] = Counter()
    for line in (line for basket in baskets for line in basket.lines):
        for sku, n in parts.get(line.sku, {line.sku: 1}).items():
            demand[sku] += line.quantity * n
    return {product.sku: max(LEAST_ON_HAND, ceil(demand[product.sku] * profile.stock_factor)) for product in catalogue}


def _orders(config: Config, baskets: list[Basket], rows: list[Row] | None) -> list[PlannedOrder]:
    pace = rng(config.seed, "arrivals")
    arrivals = _bent(accumulate(pace.expovariate(config.orders.per_second) for _ in baskets), config)
    newest = max((row.moment for row in rows), default=None) if rows else None
    return [
        _order(config, n, arrival, basket, (rows[n], newest) if rows and newest else None)
        for n, (arrival, basket) in enumerate(zip(arrivals, baskets, strict=True))
    ]


def _bent(arrivals: Iterable[float], config: Config) -> Iterator[float]:
    """Let more buyers come in one part of the time than in another, in the same time and the same order."""
    weights = config.orders.curve
    if not sum(weights):
        yield from arrivals
        return
    length = config.orders.count / config.orders.per_second
    part, until = length / len(weights), list(accumulate(weights))
    for arrival in arrivals:
        # Where an even stream would be, as a share of all buyers: the part in which the curve has let in so many.
        wanted = min(arrival / length, 1.0) * until[-1]
        place = min(bisect_left(until, wanted), len(weights) - 1)
        before = until[place] - weights[place]
        within = (wanted - before) / weights[place] if weights[place] else 0.0
        yield (place + within) * part + max(arrival - length, 0.0)


def _order(
    config: Config, n: int, arrival: float, basket: Basket, replayed: tuple[Row, datetime] | None
) -> PlannedOrder:
    source = rng(config.seed, "buyer", n)
    row, newest = replayed or (None, None)
    channel, shop = choose_shop(config, n)
    basket = fit_basket(channel, basket)
    receiver = make_receiver(source, row.province if row else None)
    fate, acts = _life(config, n, source, row)
    reordered = source.random() < config.profile.reorder_share
    if reordered and acts[0].status == "paid":
        acts = (Act("unpaid", 0.0), replace(acts[0], wait=_soon(source, config.profile)), *acts[1:])
    if basket.scarce:  # the warehouse may never pick it: nobody waits for that
        acts = tuple(replace(act, stage="") for act in acts)
    acts = pay_deposits(config, n, fate, basket, acts)
    if channel != "own":
        acts = marketplace_acts(config, n, fate, acts)
    if channel in SILENT_ON_MONEY:
        acts = before_it_left(acts)
    elif not basket.scarce:  # what never leaves nobody sends back
        acts = apply_for_cases(config, n, fate, acts)
    return PlannedOrder(
        channel=channel,
        shop=shop,
        no=order_no(config, channel, n, row),
        arrival=arrival,
        basket=basket,
        receiver=receiver,
        buyer_id=f"b-{source.randint(1000, 9_999_999)}",
        buyer_ip=make_ip(source),
        remark=source.choice(REMARKS),
        fate=fate,
        acts=acts,
        reordered=reordered and len(acts) > 1,
        placed_before=newest - min(row.placed_at, row.paid_at or row.placed_at) if row and newest else None,
        paid_before=newest - row.paid_at if row and row.paid_at and newest else None,
    )


def _life(config: Config, n: int, source: Random, row: Row | None) -> tuple[Fate, tuple[Act, ...]]:
    """Decide what a buyer means to do: by the row that is replayed, or by chance."""
    draw = draw_evenly(config.seed, "fates", n, source)
    if row is not None and replay_shop(config) is not None:
        return _row_life(source, row, config.profile)
    fate = _fate(draw, config.profile)
    return fate, _acts(source, fate, config.profile, _stage(n, draw, config.profile))


def _row_life(source: Random, row: Row, profile: Profile) -> tuple[Fate, tuple[Act, ...]]:
    if row.paid_at is None:
        return "expired", (Act("unpaid", 0.0),)
    paid = _paid(source, profile)
    if row.refund_minor == 0:
        return "paid", paid
    stage = source.choice(CANCEL_STAGES) if row.refund_minor == row.total_minor else SHIPPED
    wait = source.uniform(0, profile.wms_step if stage else profile.cancel_within)
    if row.refund_minor == row.total_minor:
        return "refunded", (*paid, Act("refunded", wait, stage))
    return "part_refunded", (*paid, Act("paid", wait, SHIPPED, refund_minor=row.refund_minor))


def _stage(n: int, draw: float, profile: Profile) -> str:
    """Say at which stage a buyer who has paid cancels; within a hand the stages take turns."""
    before = profile.never_pay_share + profile.late_pay_share + profile.cancel_unpaid_share
    nth = int((draw - before) * HAND) + n // HAND * round(profile.cancel_paid_share * HAND)
    return CANCEL_STAGES[nth % len(CANCEL_STAGES)]


def _fate(draw: float, profile: Profile) -> Fate:
    shares: tuple[tuple[Fate, float], ...] = (
        ("expired", profile.never_pay_share),
        ("late_paid", profile.late_pay_share),
        ("cancelled", profile.cancel_unpaid_share),
        ("refunded", profile.cancel_paid_share),
    )
    for fate, share in shares:
        if draw < share:
            return fate
        draw -= share
    return "paid"


def _acts(source: Random, fate: Fate, profile: Profile, stage: str) -> tuple[Act, ...]:
    unpaid = Act("unpaid", 0.0)
    if fate == "expired":
        return (unpaid,)
    if fate == "late_paid":
        return (unpaid, Act("paid", jittered(source, profile.late_pay_delay, profile.jitter)))
    if fate == "cancelled":
        return (unpaid, Act("cancelled", source.uniform(0, profile.cancel_within)))
    paid = _paid(source, profile)
    if fate == "paid":
        return paid
    wait = source.uniform(0, profile.wms_step if stage else profile.cancel_within)
    return (*paid, Act("refunded", wait, stage))


def _paid(source: Random, profile: Profile) -> tuple[Act, ...]:
    if source.random() < profile.unpaid_first:
        return (Act("unpaid", 0.0), Act("paid", _soon(source, profile)))
    return (Act("paid", 0.0),)


def _soon(source: Random, profile: Profile) -> float:
    return jittered(source, profile.pay_delay, profile.jitter)
