"""I-14: at 80,000 orders a day the connection pool ran dry; states came 40 minutes late, paid orders counted as unpaid.

Accepting needs one short transaction that many messages share, from a pool that nothing else draws on; what is behind
is measured per lane, and what is paid goes first, so that the end of a stock lock finds the payment. (INT-4, INT-5)

To see it fail: give MOST_AT_ONCE in store/inbox.py the value 1 (each message has a commit of its own); let _TAKE in
store/observations.py order by id alone (the payments wait behind the reports).
"""

import asyncio
from time import perf_counter

import httpx

from clients.clock import utc_now
from domain.observations import ChannelStatus, ProcessReported
from domain.timing import Timing
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reads.watch import WatchReads
from tests.clients.worlds import HandClock, connect, gateway_of, message, send, signed
from tests.connectors.worlds import NOW, OWN
from tests.store.builders import rows, stocked
from tests.workflows.house import LOOPS, PULLS, QUICK, order
from workers.apply import BATCH, apply_some

PUSHES, POOL = 160, 2
MEAN_SECONDS = 1.2
"""INT-4's mean answer; two seconds of its 80 pushes a second come in one moment."""
REPORTS, PAID = 600, 20


async def test_two_seconds_of_pushes_at_once_are_accepted_while_every_other_connection_is_taken(
    database: Database, ring: KeyRing
) -> None:
    await connect(database, ring, OWN)
    address = database.engine.url.render_as_string(hide_password=False)
    small, busy = Database(address, POOL), Database(address, POOL)
    held = [busy.transaction() for _ in range(POOL)]
    for one in held:
        await one.__aenter__()
    took: list[float] = []

    async def push(client: httpx.AsyncClient, n: int) -> int:
        body = message(no=f"I14-{n}")
        began = perf_counter()
        answer = await send(client, body, signed(body, f"i14-{n}"))
        took.append(perf_counter() - began)
        return answer.status_code

    async with gateway_of(small, ring, HandClock(NOW)) as client:
        answers = await asyncio.gather(*(push(client, n) for n in range(PUSHES)))
    assert set(answers) == {200}
    assert sum(took) / len(took) <= MEAN_SECONDS
    assert len(await rows(database, "SELECT id FROM inbox WHERE state = 'accepted'")) == PUSHES
    commits = await rows(database, "SELECT count(DISTINCT xmin::text) AS n FROM inbox")
    assert commits[0].n <= PUSHES // 4, "they share their commits: many at once need no more connections than few"
    for one in held:
        await one.__aexit__(None, None, None)
    for other in (small, busy):
        await other.close()


async def test_payments_pass_a_backlog_and_no_lock_ends_unpaid(database: Database, ring: KeyRing) -> None:
    inbox, now = Inbox(database, ring), utc_now()
    await stocked(database, ring, TEE=10_000, CAP=10_000)

    async def say(key: str, seen: object) -> None:
        await inbox.accept(Arrival("own", "s", "push", {}, key.encode(), now), key, None, (seen,))  # type: ignore[arg-type]

    for n in range(PAID):
        await say(f"placed-{n}", order(f"L{n}", ChannelStatus.UNPAID))
    timing = Timing(1, QUICK, LOOPS, PULLS)
    await apply_some(database, ring, timing, now)
    await asyncio.gather(*(say(f"r{n}", ProcessReported(f"X{n}-1", "PRINT", now)) for n in range(REPORTS)))
    await asyncio.gather(*(say(f"paid-{n}", order(f"L{n}", minute=1)) for n in range(PAID)))

    lanes = {one.lane: one.waiting for one in (await WatchReads(database).figures(3600, utc_now())).apply}
    assert lanes == {0: PAID, 2: REPORTS}
    turn = await apply_some(database, ring, timing, utc_now())
    assert turn.taken == BATCH
    left = {one.lane: one.waiting for one in (await WatchReads(database).figures(3600, utc_now())).apply}
    assert 0 not in left, "nothing that is paid waits any more"
    facts = SqlOrderFacts(database, ring)
    ends = [await facts.end_lock(f"own:s:L{n}", 3600, utc_now()) for n in range(PAID)]
    assert all(one.paid for one in ends)
