"""One look at the queues of outgoing rows serves every drain of a process."""

from datetime import datetime, timedelta

from domain.observations import ChannelStatus, OrderHinted
from domain.outgoing import Queue
from store import calls
from store.database import Database
from store.due_queues import DueQueues
from store.reread import ask
from tests.conftest import NOON

FRESH = 0.1
KINDS = ("writeback", "reread", "case")
QUEUES = [Queue(kind, "douyin", f"shop{n}") for kind in KINDS for n in range(20)]


class Clock:
    """Stands still until it is told to go on."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


class Counted(DueQueues):
    """Counts its looks."""

    looks = 0

    async def _look(self, now: datetime) -> None:
        self.looks += 1
        await super()._look(now)


async def fill(database: Database) -> None:
    """One write-back that is due, one that is not yet, and one hint."""
    async with database.transaction() as tx:
        for shop, at in (("shop1", NOON), ("shop2", NOON + timedelta(seconds=9))):
            queue = Queue("writeback", "douyin", shop)
            await calls.add(tx, queue, f"writeback:{shop}", f"douyin:{shop}:1", {"at": at.isoformat()})
        await ask(tx, OrderHinted("douyin", "shop3", "T1", ChannelStatus.PAID, NOON), NOON)


async def test_only_queues_with_something_due_are_claimed_from(database: Database) -> None:
    """A row whose time has not come does not count; a hint's queue is another table's."""
    await fill(database)
    clock = Clock()
    queues = DueQueues(database, clock)
    held = {queue for queue in QUEUES if await queues.holds(queue, FRESH)}
    assert held == {Queue("writeback", "douyin", "shop1"), Queue("reread", "douyin", "shop3")}
    clock.now += timedelta(seconds=10)
    held = {queue for queue in QUEUES if await queues.holds(queue, FRESH)}
    assert Queue("writeback", "douyin", "shop2") in held


async def test_one_look_serves_all_drains_until_it_is_old(database: Database) -> None:
    clock = Clock()
    queues = Counted(database, clock)
    for queue in QUEUES:
        await queues.holds(queue, FRESH)
    known = queues.looks
    assert known == len(QUEUES), "a queue that is asked for the first time is looked at"
    for _ in range(5):
        assert not any([await queues.holds(queue, FRESH) for queue in QUEUES])
    assert queues.looks == known
    await fill(database)
    clock.now += timedelta(seconds=FRESH)
    assert await queues.holds(Queue("writeback", "douyin", "shop1"), FRESH)
    assert queues.looks == known + 1
