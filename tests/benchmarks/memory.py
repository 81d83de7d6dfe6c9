"""What an open order takes in the memory of the real worker process: orders that wait for their buyer."""

from domain.observations import ChannelStatus
from tests.benchmarks.machine import process, resident_kb, servers
from tests.workflows.house import LINES, House, eventually, order

WARM_UP, ORDERS = 50, 400
"""The first ones load what a worker loads once; the figure is what each further one adds."""
PATIENCE_SECONDS = 60


async def measure() -> float:
    """Give the kilobytes that one more open order adds to a worker which keeps it in its cache."""
    async with servers() as hosts:
        house = House(hosts.client, hosts.database, hosts.ring)
        await house.furnish()
        for line in LINES:
            await house.set_stock(line.sku, (WARM_UP + ORDERS) * 3)
        async with process("workers.main", hosts.environment(), hosts.folder / "worker.log") as worker:
            await _wait_for_buyers(house, 0, WARM_UP)
            before = resident_kb(worker)
            await _wait_for_buyers(house, WARM_UP, ORDERS)
            return round((resident_kb(worker) - before) / ORDERS, 1)


async def _wait_for_buyers(house: House, first: int, count: int) -> None:
    """Let so many unpaid orders come and wait until each of them waits for its payment."""
    for n in range(first, first + count):
        await house.say(order(f"M{n}", ChannelStatus.UNPAID))

    async def waiting() -> bool:
        rows = await house.query("SELECT count(*) AS many FROM orders WHERE wait_for = 'payment'")
        return int(rows[0].many) == first + count

    await eventually(waiting, house.nothing, look_seconds=0.2, patience_seconds=PATIENCE_SECONDS)
