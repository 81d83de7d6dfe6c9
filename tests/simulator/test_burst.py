"""A burst: buyers of the own shop beside all others, in whose orders the books believe as in any other."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from simulator.plan import build_plan
from simulator.settings import Burst, Config
from tests.simulator.erp import Erp, config, until

BURST = Burst(after_seconds=0.05, seconds=0.5, buyers=6, messages=5)


def with_burst(**profile: Any) -> Config:
    world = config(count=4, **profile)
    return world.model_copy(update={"orders": world.orders.model_copy(update={"burst": BURST})})


def test_a_burst_leaves_all_other_orders_as_they_are_and_has_its_own_stock() -> None:
    plain, plan = build_plan(config(count=4)), build_plan(with_burst())
    assert [one for one in plan.orders if not one.burst] == plain.orders
    burst = [one for one in plan.orders if one.burst]
    assert len(burst) == BURST.buyers
    assert {(one.channel, one.fate, len(one.acts)) for one in burst} == {("own", "paid", BURST.messages)}
    assert len({one.no for one in plan.orders}) == len(plan.orders)
    arrivals = [one.arrival for one in plan.orders]
    assert arrivals == sorted(arrivals)
    assert all(0.05 <= one.arrival < 0.55 for one in burst)
    demand: Counter[str] = Counter()
    for line in (line for one in plan.orders for line in one.basket.lines):
        demand[line.sku] += line.quantity
    assert all(plan.on_hand[sku] >= units for sku, units in demand.items())


async def test_every_message_of_a_burst_counts_once_and_only_its_remark_changes(
    erp_for: Callable[..., Erp],
) -> None:
    """INT-4: 80 messages a second are so many different ones; repeats that are accepted too are told apart."""
    erp = erp_for(with_burst(duplicate_share=1))
    await erp.client.post("/sim/start")
    world = erp.world
    await until(lambda: world.finished() and world.tally.undelivered == 0)
    books = await erp.books()
    told = books["burst"]
    assert told["taken"] == told["planned"] == sum(told["by_second"]) == BURST.buyers * BURST.messages
    assert BURST.buyers * BURST.messages <= told["repeats_taken"] <= 2 * BURST.buyers * BURST.messages
    for no in (one.no for one in world.plan.orders if one.burst):
        bodies = [erp.bodies[f"{no}-{n}-{'unpaid' if n == 1 else 'paid'}"] for n in range(1, BURST.messages + 1)]
        assert [one["status"] for one in bodies] == ["unpaid", *["paid"] * (BURST.messages - 1)]
        assert len({one["remark"] for one in bodies[2:]}) == BURST.messages - 2
        assert len({one["updated_at"] for one in bodies}) == BURST.messages
        assert len({one["total_minor"] for one in bodies}) == 1
        assert books["orders"][no]["status"] == "paid"
