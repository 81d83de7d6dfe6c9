"""Whatever happens to stock in whatever order, its books are right after every step (INV-1, INV-2, INV-3).

Hypothesis draws the steps: orders, payments, cancellations, refunds, expiry, shipments, receipts, counts, transfers,
pools, breakers, deaths in the middle of a step, and repeats. `make soak` draws many more, from a seed that it prints.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any, cast

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput, Broken
from domain.grades import Grade
from domain.observations import ChannelStatus, Package
from domain.orders import order_key
from domain.pool_changes import Lock, Release, Transfer
from store import stock, stock_ledger
from store.database import Database
from store.keyring import KeyRing
from store.stock_ledger import Change
from tests.store.builders import TABLES, confirm, package, rows
from tests.store.stock_world import BUNDLES, CHANGED, HOUSES, SHOPS, SKUS, Died, Step, World, dies_at

S = ChannelStatus
FATES = ("unpaid", "paid", "planned", "stopped", "recalled", "expired", "whole", "partial", "short", "over")
"""How far an order gets at once; the rest of its life is drawn."""
SHIPMENTS = ("whole", "partial", "short", "over")
MINUTES = 10
"""A soft lock lasts three steps."""
DRAWN = (Phase.generate, Phase.shrink)
"""No phase that explains: it traces every line that runs."""
QUICK = settings(max_examples=40, stateful_step_count=32, phases=DRAWN)
PLANTED = settings(max_examples=60, stateful_step_count=32, phases=(Phase.generate,), report_multiple_bugs=False)
LONG = settings(max_examples=600, stateful_step_count=80, phases=DRAWN, derandomize=False)
_PLANNED = "SELECT no FROM fulfillment WHERE order_key = :key AND state IN ('planned', 'pushed')"
_HELD = """
    SELECT sku, sum(quantity - shipped)::int AS n FROM allocation WHERE fulfillment_no = :no AND state = 'open'
    GROUP BY sku ORDER BY sku
"""
_OPEN = "SELECT channel_status FROM orders WHERE key = :key AND closed_at IS NULL"


class Stage:
    """One loop with a database of its own, emptied before each run."""

    def __init__(self, url: str, ring: KeyRing) -> None:
        self.loop = asyncio.new_event_loop()
        self.world = World(Database(url, pool=2), ring)
        self._broom: Any = self.run(asyncpg.connect(url.replace("+asyncpg", "")))
        self._empty([*TABLES, "shop", "warehouse"])
        self.run(self.world.furnish())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something to its end."""
        return self.loop.run_until_complete(work)

    def begin(self) -> World:
        """Give the world as it was made."""
        self._empty(CHANGED)
        self.run(self.world.begin())
        return self.world

    def _empty(self, tables: list[str]) -> None:
        statements = [f"DELETE FROM {table}" for table in tables]  # noqa: S608  (our own words)
        self.run(self._broom.execute(";".join(["SET session_replication_role = replica", *statements])))

    def close(self) -> None:
        """Give everything back."""
        self.run(self._broom.close())
        self.run(self.world.database.close())
        self.loop.close()


class StockMachine(RuleBasedStateMachine):
    """Draws what happens next; each step is checked."""

    orders: Bundle[str] = Bundle("orders")

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage
        self.world = stage.world
        self.told: dict[str, tuple[str, list[tuple[str, int]]]] = {}
        self.last: Step | None = None
        self.lived = True
        self.death = 0
        self.count_of_ids = 0

    @initialize()
    def begin(self) -> None:
        """Start with the first units on the shelves."""
        self.stage.begin()

    def teardown(self) -> None:
        """Ask for the numbers of some moments that were."""
        self.run(self.world.check_answers())

    # -- orders ----------------------------------------------------------------------------------------------------

    @rule(
        target=orders,
        shop=st.sampled_from(SHOPS),
        lines=st.lists(st.tuples(st.sampled_from([*SKUS, *BUNDLES]), st.integers(1, 2)), min_size=1, max_size=3),
        fate=st.sampled_from(FATES),
    )
    def order(self, shop: str, lines: list[tuple[str, int]], fate: str) -> str:
        """A buyer orders, and the order gets so far; two lines may have one SKU, and bundles share a component."""
        no = f"T{self.next_id()}"
        self.told[no] = (shop, lines)
        self.say(no, S.UNPAID if fate in ("unpaid", "stopped", "expired") else S.PAID)
        if fate in ("planned", "recalled", *SHIPMENTS):
            self.ship(no, fate)
        if fate == "expired":
            self.expire(no, swept=False)
        if fate in ("stopped", "recalled"):
            self.stop(no, S.CANCELLED)
        return no

    @rule(no=orders, status=st.sampled_from([S.PAID, S.CANCELLED]))
    def hear(self, no: str, status: ChannelStatus) -> None:
        """The channel tells of a payment, a cancellation or a refund while no workflow runs."""
        self.say(no, status)

    @rule(no=orders)
    def pay(self, no: str) -> None:
        """The buyer pays, in time or late, and the order is planned."""
        self.say(no, S.PAID)
        if self.channel_status(no) == S.PAID:
            self.do(partial(self.world.plan, self.key(no)))

    @rule(no=orders, status=st.sampled_from([S.CANCELLED, S.REFUNDED]))
    def stop(self, no: str, status: ChannelStatus) -> None:
        """The buyer cancels, or is refunded: the order is recalled and closed, unless it has left."""
        self.say(no, status)
        if self.channel_status(no) == status:
            self.do(partial(self.world.stop, self.key(no)))

    @rule(no=orders, swept=st.booleans())
    def expire(self, no: str, swept: bool) -> None:
        """The soft lock of an order ends; or the sweeper frees what expired for orders that never started."""
        if swept:
            self.do(self.world.sweep)
            self.last = None  # a later sweep would find more
        elif self.channel_status(no):
            self.do(partial(self.world.end_lock, self.key(no)))

    @rule(no=orders, how=st.sampled_from(SHIPMENTS))
    def send(self, no: str, how: str) -> None:
        """The warehouse ships an order: all of it, a part, less than all, or more than it was asked for."""
        self.ship(no, how)

    # -- shelves, pools, breakers ------------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(["receive", "count", "transfer", "regrade", "mend", "lock", "give back", "hand", "break"]),
        sku=st.sampled_from(SKUS),
        houses=st.permutations(HOUSES),
        n=st.integers(1, 4),
    )
    def change_stock(self, what: str, sku: str, houses: list[str], n: int) -> None:
        """Units come in or leave, are counted, graded, go to the other warehouse or a pool; a breaker moves."""
        here, there, once = houses[0], houses[1], f"once:{self.next_id()}"
        steps: dict[str, Step] = {
            "receive": partial(self.world.receive, here, sku, n - 2, once),
            "count": partial(self.world.count, here, sku, n),
            "transfer": partial(self.world.transfer, sku, here, there, n, once),
            "regrade": partial(self.world.regrade, here, sku, n, Grade.GOOD, once),
            "mend": partial(self.world.regrade, here, sku, n, Grade.DEFECTIVE, once),
            "lock": partial(self.world.pool, Lock("live", {sku: n}), once),
            "give back": partial(self.world.pool, Release("live", {sku: n}), once),
            "hand": partial(self.world.pool, Transfer("live", "spare", {sku: n}), once),
            "break": partial(self.world.breaker, sku, None if n > 2 else n - 1),
        }
        self.do(steps[what], may_refuse=True)

    # -- mischief ----------------------------------------------------------------------------------------------------

    @rule(statement=st.integers(1, 30))
    def die_soon(self, statement: int) -> None:
        """The process dies at this statement of the next step."""
        self.death = statement

    @precondition(lambda self: self.last is not None)
    @rule()
    def retry(self) -> None:
        """The last step is repeated: harmless where it was done, done where the process had died."""
        assert self.last is not None
        done, before = self.lived, self.run(self.world.counters())
        self.do(self.last, may_refuse=True)
        if done and self.lived:
            assert self.run(self.world.counters()) == before, "a repeat changed the counters"

    # -- how -----------------------------------------------------------------------------------------------------------

    def do(self, step: Step, *, may_refuse: bool = False) -> None:
        """Take one step, which may die, and check everything."""
        death, self.death, self.last = self.death, 0, step
        self.world.minute += MINUTES
        self.lived = True
        with dies_at(self.world.database, death) if death else nullcontext():
            try:
                self.run(step())
            except Died:
                self.lived = False
            except (BadInput, Broken) as refusal:
                if not may_refuse or (isinstance(refusal, Broken) and " on ck_" not in str(refusal)):
                    raise
        self.run(self.world.check())

    def ship(self, no: str, how: str) -> None:
        """Plan an order if it is paid, and ship what is planned if it shall be."""
        if self.channel_status(no) == S.PAID:
            self.do(partial(self.world.plan, self.key(no)))
        for planned in self.ask(_PLANNED, key=self.key(no)) if how in SHIPMENTS else ():
            units = {row.sku: row.n for row in self.ask(_HELD, no=planned.no)}
            confirm_id = f"c{self.next_id()}"
            packed = package(f"SF-{confirm_id}", **_packed(units, how))
            bare = Package(packed.carrier, packed.waybill_no, packed.weight_kg, ())
            final = how != "partial"
            seen = confirm(bare if how == "whole" else packed, no=planned.no, confirm_id=confirm_id, final=final)
            self.do(partial(self.world.ship, self.key(no), planned.no, seen))

    def say(self, no: str, status: ChannelStatus) -> None:
        """Book an observation of this moment."""
        shop, lines = self.told[no]
        self.do(partial(self.world.say, no, shop, status, lines, self.world.minute + MINUTES))

    def key(self, no: str) -> str:
        """Name the order."""
        return order_key("own", self.told[no][0], no)

    def channel_status(self, no: str) -> str | None:
        """Say what the channel said of an open order."""
        found = self.ask(_OPEN, key=self.key(no))
        return found[0].channel_status if found else None

    def ask(self, statement: str, **values: Any) -> list[Any]:
        """Read rows."""
        found: list[Any] = self.run(rows(self.world.database, statement, **values))
        return found

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something to its end."""
        return self.stage.run(work)

    def next_id(self) -> int:
        """Give a number that this run has not used."""
        self.count_of_ids += 1
        return self.count_of_ids


def _packed(units: dict[str, int], how: str) -> dict[str, int]:
    """Say what lies in the parcel: a part is one unit of the first SKU; short lacks one of it, over has one more."""
    first = min(units, default="A")
    if how == "partial":
        return {first: min(1, units.get(first, 0))} if units.get(first) else {}
    by = {"short": -1, "over": 1}.get(how, 0)
    return {sku: n for sku, n in (units | {first: units.get(first, 0) + by}).items() if n > 0}


@pytest.fixture(scope="module")
def stage(shared_url: str, ring: KeyRing) -> Iterator[Stage]:
    """The stage of all runs."""
    made = Stage(shared_url, ring)
    yield made
    made.close()


def play(stage: Stage, how: settings) -> None:
    """Let the machine run."""
    quiet = settings(how, suppress_health_check=list(HealthCheck), database=None)
    run_state_machine_as_test(cast(Any, partial(StockMachine, stage)), settings=quiet)


def test_whatever_happens_the_books_of_stock_are_right_after_every_step(stage: Stage) -> None:
    play(stage, QUICK)


@pytest.mark.soak
def test_whatever_happens_for_a_long_time_the_books_of_stock_are_right(stage: Stage) -> None:
    play(stage, LONG)


Book = Callable[[AsyncConnection, Any, Any], Coroutine[Any, Any, None]]


def _without(*reasons: str, **changed: int) -> Callable[[Book], Book]:
    """Lose a booking for these reasons: all of it, or of each change what `changed` says."""

    def plant(real: Book) -> Book:
        async def book(tx: AsyncConnection, changes: Any, now: Any) -> None:
            kept = [one for one in changes if one.reason not in reasons or changed]
            await real(tx, [_changed(one, changed) if one.reason in reasons else one for one in kept], now)

        return book

    return plant


def _changed(one: Change, changed: dict[str, int]) -> Change:
    return Change(**{name: changed.get(name, getattr(one, name)) for name in Change.__slots__})


def _unwritten(reason: str) -> Callable[[Book], Book]:
    """Change the counters, but lose the line in the ledger."""

    def plant(real: Book) -> Book:
        async def book(tx: AsyncConnection, changes: Any, now: Any) -> None:
            await real(tx, changes, now)
            await tx.execute(text("DELETE FROM stock_ledger WHERE reason = :reason"), {"reason": reason})

        return book

    return plant


PLANTS: dict[str, Callable[[Book], Book]] = {
    "a recall that frees nothing": _without("recalled"),
    "an expiry that frees nothing": _without("expired"),
    "an expiry that is not in the ledger": _unwritten("expired"),
    "a pool that does not get its units back": _without("expired", "released", "recalled", pooled=0),
    "a shipment that stays promised": _without("shipped", allocated=0),
}


@pytest.mark.parametrize("plant", PLANTS.values(), ids=list(PLANTS))
def test_a_planted_bug_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch, plant: Callable[[Book], Book]) -> None:
    monkeypatch.setattr(stock_ledger, "book", plant(stock_ledger.book))
    with pytest.raises((AssertionError, Broken)):  # the tables' constraints may be the first to notice
        play(stage, PLANTED)


def test_a_close_that_forgets_its_soft_holds_is_found(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgets(*_: Any) -> int:
        return 0

    monkeypatch.setattr(stock, "release_reservations", forgets)
    with pytest.raises(AssertionError):
        play(stage, PLANTED)
