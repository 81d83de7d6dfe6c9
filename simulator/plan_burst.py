"""A burst: buyers of the own shop beside all others, who all come within a short time and write to the shop again.

Owns who they are, what they buy and when they write. They all pay: what a burst sells has to leave the warehouse.
"""

from collections.abc import Sequence

from simulator.buyers import make_ip, make_receiver
from simulator.catalogue import Product
from simulator.orders import Act, Basket, PlannedOrder, fill_basket
from simulator.plan_shops import order_no
from simulator.seeds import jittered, rng
from simulator.settings import Burst, Config

LIFE_SHARE = 0.1
"""Of the burst's time: so long each buyer writes. The last one comes so much before its end."""
EDITS = ("请尽快发货", "改成放前台", "不要放驿站，送货上门", "晚上七点后送", "麻烦包装好一点")


def burst_baskets(config: Config, products: list[Product]) -> list[Basket]:
    """Fill a basket for each buyer of the burst."""
    burst = config.orders.burst
    return [fill_basket(rng(config.seed, "burst", n), products) for n in range(burst.buyers)] if burst else []


def burst_orders(config: Config, baskets: Sequence[Basket]) -> list[PlannedOrder]:
    """Plan the burst's orders, evenly over its time; their numbers follow those of all others."""
    burst = config.orders.burst
    return [_order(config, burst, n, basket) for n, basket in enumerate(baskets)] if burst else []


def _order(config: Config, burst: Burst, n: int, basket: Basket) -> PlannedOrder:
    source = rng(config.seed, "burst buyer", n)
    return PlannedOrder(
        channel="own",
        shop=config.own.shop,
        no=order_no(config, "own", config.orders.count + n, None),
        arrival=burst.after_seconds + burst.seconds * (1 - LIFE_SHARE) * n / burst.buyers,
        basket=basket,
        receiver=make_receiver(source),
        buyer_id=f"b-{source.randint(1000, 9_999_999)}",
        buyer_ip=make_ip(source),
        remark="",
        fate="paid",
        acts=_acts(config, burst, n),
        burst=True,
    )


def _acts(config: Config, burst: Burst, n: int) -> tuple[Act, ...]:
    """Place, pay, and edit the remark, at even distances."""
    source = rng(config.seed, "burst acts", n)
    step = burst.seconds * LIFE_SHARE / burst.messages
    waits = [jittered(source, step, config.profile.jitter) for _ in range(burst.messages - 1)]
    edits = [Act("paid", wait, remark=EDITS[place % len(EDITS)]) for place, wait in enumerate(waits[1:])]
    return (Act("unpaid", 0.0), Act("paid", waits[0]), *edits)
