"""Goods come back over the warehouse's real wire: announced, received, paid once; lost confirms found; withdrawn ones
called off (AFT-3, AFT-6, AFT-7, INT-17). A real worker carries the cases, the simulator keeps the warehouse.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.bulkhead import Bulkheads, Limits
from activities.channels import TokenKeeper
from activities.drain import DrainActivities
from activities.returns import ReturnCalls
from clients.clock import utc_now
from clients.gateway.app import Gateway, application
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseKind, Choice
from domain.observations import LineObserved
from domain.outgoing import Queue
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.warehouse import Delivery, Fulfilment, Place
from simulator.world import World
from store import bundles
from store.database import Database
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.return_polls import SqlAwaitedReturns
from store.shops import Shops
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from tests.payments import payment
from tests.simulator.erp import config
from tests.store.builders import assert_counters_add_up
from tests.workflows.cases import CaseHouse
from tests.workflows.house import LOOPS, eventually, order, shipment, track
from workers.wiring import ShopVendors

SEED = 7
ACCOUNT = text(
    """
    UPDATE shop SET endpoint_url = 'http://sim/router/qimen/service',
        params = '{"customer_id": "cust", "owner": "OWN"}' WHERE vendor = 'qimen'
    """
)
COURIER = text("UPDATE shop SET endpoint_url = 'http://sim' WHERE vendor = 'kdniao'")


@dataclass
class ReturnHouse(CaseHouse):
    """A house with cases whose warehouse takes goods back over its real wire."""

    world: World = field(init=False)
    http: httpx.AsyncClient = field(init=False)

    async def furnish(self) -> None:
        """Connect the warehouse's account to the simulator."""
        await super().furnish()
        async with self.database.transaction() as tx:
            await tx.execute(ACCOUNT)
            await tx.execute(COURIER)

    async def drain(self, kind: str, vendor: str = "qimen", code: str = "w") -> None:
        """One look of a drain at an account, the warehouse's as a rule, then what came of it."""
        outgoing = SqlOutgoing(self.database, self.ring)
        keeper = TokenKeeper(SqlTokens(self.database, self.ring), utc_now)
        strangers = ShopVendors(Shops(self.database, self.ring), self.http, Bulkheads(utc_now, Limits(0.0)), keeper)
        tracking, rereads = SqlTracking(self.database, self.ring, 60), SqlReread(self.database, self.ring)
        drains = DrainActivities(outgoing, tracking, rereads, strangers, utc_now)
        returns = ReturnCalls(outgoing, SqlAwaitedReturns(self.database, self.ring, 0), strangers, utc_now)
        drains.also("return", returns.tell)
        drains.also("return_query", returns.ask, returns.due)
        await ActivityEnvironment().run(drains.drain, Queue(kind, vendor, code), LOOPS, 1)
        await self.settle()

    async def announced(self, no: str) -> str:
        """Open the return of an order, until the warehouse expects its goods; give the case."""
        case = await self.open_case(no, CaseKind.RETURN)
        await self.case_until(case, state="returning")

        async def expected() -> bool:
            await self.drain("return")
            return case in self.world.inwards.returns.expected

        await eventually(expected, lambda: self.whole_case(case))
        return case

    async def drained(self, case: str, kind: str, **wanted: Any) -> None:
        """Drain until a case's row has these values."""

        async def there() -> bool:
            await self.drain(kind)
            row = await self.case(case)
            return all(getattr(row, name) == value for name, value in wanted.items())

        await eventually(there, lambda: self.whole_case(case))

    async def stock(self, sku: str = "TEE") -> tuple[int, int]:
        """Give what our books hold, good and in quarantine."""
        await assert_counters_add_up(self.database)
        (row,) = await self.query(f"SELECT on_hand, quarantine FROM warehouse_stock WHERE sku = '{sku}'")  # noqa: S608
        return row.on_hand, row.quarantine

    async def bundle_returning(self, no: str) -> str:
        """Let a bundle be bought, picked as its components and delivered, and open its return."""
        key, line = f"own:s:{no}", LineObserved("1", "SET", "礼盒", 1, 31800, 0, 31800)
        await self.tell(order(no, lines=(line,)), payment(no, 30600, shop="s"))
        await self.until(key, logistics_status="pushed")
        await self.tell(shipment(no, no, TEE=1, CAP=2))
        await self.until(key, status="shipped")
        await self.tell(track(no))
        await self.until(key, status="completed")
        case = await self.open_case(no, CaseKind.RETURN)
        await self.case_until(case, state="returning")
        return case


@asynccontextmanager
async def returning(temporal: Client, database: Database, ring: KeyRing, **profile: Any) -> AsyncIterator[ReturnHouse]:
    """A house and its simulated warehouse."""
    print(f"seed {SEED}")
    plain = config(count=1, seed=SEED, **profile).model_dump()
    for name in ("own", "wms", "courier"):
        opened = plain[name].items()
        plain[name] = {key: v.get_secret_value() if hasattr(v, "get_secret_value") else v for key, v in opened}
    wms = {"shop": "w", "app_key": "k", "secret": "secret", "warehouse": "GZ01"}
    courier = {"shop": "c", "business_id": "k", "api_key": "secret"}
    settings = Config.model_validate(plain | {"wms": plain["wms"] | wms, "courier": courier})
    gateway = httpx.ASGITransport(application(Gateway(database, ring, utc_now, 65536), database))
    house = ReturnHouse(temporal, database, ring)
    house.world = World(settings, build_plan(settings), gateway)
    house.world.warehouse.stock = Counter({("TEE", "ZP"): 8, ("CAP", "ZP"): 9})
    house.http = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(house.world)))
    try:
        async with house.open():
            yield house
    finally:
        await house.world.stop()
        await house.http.aclose()


async def test_a_good_and_a_damaged_unit_come_back_and_are_paid_once(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    async with returning(temporal, database, ring, return_after=0.01, return_fates={"mixed": 1.0}) as house:
        await house.bought("RJ-1", delivered=True)
        case = await house.open_case("RJ-1", CaseKind.RETURN, units={"1": 2})
        await house.case_until(case, state="returning")
        await house.drained(case, "return", differs="", state="paying")
        await house.case_ended(case)
        assert await house.stock() == (9, 1)
        assert sum(house.provider.payouts.values()) == 1
        (back,) = (await house.http.get("http://sim/sim/returns")).json()
        assert (back["code"], back["creates"], back["confirms"], back["fate"]) == (case, 1, 1, "mixed")
        assert (await house.case(case)).waybill_no == back["waybill"]
        assert house.world.warehouse.on_hand()["TEE"] == 9


async def test_bundles_come_back_as_their_components_and_one_in_part_waits_for_a_person(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """AFT-3, AFT-6, INV-1: the warehouse knows no bundles, and would refuse one (`item-not-found`)."""
    async with returning(temporal, database, ring, return_after=None) as house:
        async with house.database.transaction() as tx:
            await bundles.put(tx, "SET", {"TEE": 1, "CAP": 2}, utc_now(), "alice")
        whole, part = [await house.bundle_returning(no) for no in ("RJ-5", "RJ-6")]
        returns = house.world.inwards.returns

        async def announced() -> bool:
            await house.drain("return")
            return {whole, part} <= returns.expected.keys()

        await eventually(announced, lambda: house.query("SELECT state, reason FROM outgoing WHERE kind = 'return'"))
        expected = [(line.sku, line.quantity) for line in returns.expected[whole].lines]
        assert expected == [("CAP", 2), ("TEE", 1)]
        returns.send(whole, "good")
        await house.case_until(whole, state="paying", differs="")
        returns.send(part, "fewer")
        await house.case_until(part, state="review", differs="CAP 1 of 2; SET whole 0 of 1")
        await house.case_ended(whole)
        assert len(house.provider.payouts) == 1
        named = CaseDecision(Choice.APPROVE, "alice", "one cap is missing", amount_minor=20000)
        await decide_case(temporal, part, named, f"a-{part}")
        await house.case_ended(part)
        assert [await house.stock(sku) for sku in ("TEE", "CAP")] == [(10, 0), (9, 0)]
        granted = await house.query("SELECT amount_minor FROM refund_grant ORDER BY case_no")
        assert [row.amount_minor for row in granted] == [29800, 20000]
        assert not await house.query("SELECT words FROM alert WHERE kind = 'return_refused'")


async def test_a_lost_confirm_is_found_by_asking_and_its_late_copy_books_nothing(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    profile = {"return_after": None, "confirm_lost_share": 1.0}
    async with returning(temporal, database, ring, **profile) as house:
        await house.bought("RJ-2", delivered=True)
        case = await house.announced("RJ-2")
        await house.drain("return_query")
        assert (await house.case(case)).received_at is None
        house.world.inwards.returns.send(case, "good")
        await house.drained(case, "return_query", state="paying")
        assert await house.stock() == (9, 0)
        await house.came_back(case)
        assert await house.stock() == (9, 0)
        await house.case_ended(case)
        assert sum(house.provider.payouts.values()) == 1


async def test_goods_of_which_no_word_came_before_their_case_closed_are_found_when_the_warehouse_is_told(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """INT-17: of a closed case nobody asks any more, so these units would lie there uncounted for good."""
    profile = {"return_after": None, "confirm_lost_share": 1.0}
    async with returning(temporal, database, ring, **profile) as house:
        await house.bought("RJ-9", delivered=True)
        case = await house.announced("RJ-9")
        house.world.inwards.returns.send(case, "good")
        await decide_case(temporal, case, CaseDecision(Choice.WITHDRAW, "buyer"), f"w-{case}")
        await house.case_until(case, state="closed")
        assert await house.stock() == (8, 0)

        async def counted() -> bool:
            await house.drain("return")
            return await house.stock() != (8, 0)

        await eventually(counted, lambda: house.whole_case(case))
        assert sum(await house.stock()) == 9
        assert house.world.inwards.returns.expected[case].status == "FULFILLED"


async def test_a_withdrawn_return_is_called_off_and_a_parcel_of_nobody_waits(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    async with returning(temporal, database, ring, return_after=None) as house:
        await house.bought("RJ-3", delivered=True)
        case = await house.open_case("RJ-3", CaseKind.RETURN)
        await house.case_until(case, state="returning")
        await decide_case(temporal, case, CaseDecision(Choice.WITHDRAW, "buyer"), f"w-{case}")
        await house.case_until(case, state="closed")
        expected = house.world.inwards.returns.expected

        async def called_off() -> bool:
            await house.drain("return")
            async with house.database.transaction() as tx:  # what was told too early waits a few seconds
                await tx.execute(text("UPDATE outgoing SET next_at = created_at WHERE kind = 'return'"))
            return case in expected and expected[case].status == "CANCELED"

        await eventually(called_off, lambda: house.whole_case(case))
        house.world.inwards.returns.stray("CAP", 2, "SF99")

        async def kept() -> bool:
            await house.settle()
            return bool(await house.query("SELECT 1 FROM unmatched_return WHERE state = 'open'"))

        await eventually(kept, lambda: house.query("SELECT state, reason FROM inbox"))
        assert await house.stock("CAP") == (9, 2)


async def test_the_buyers_parcel_is_followed_from_its_first_scan_until_it_is_signed_for(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """AFT-4, LOG-1: its number is typed after the return was announced; warehouse and courier both hear of it."""
    async with returning(temporal, database, ring, return_after=None, courier_step=0.01) as house:
        await house.bought("RJ-4", delivered=True)
        shop, buyer = Place("13900005678", "广东省", "广州市"), Place("13800138000", "广东省", "深圳市")
        delivery = Delivery("RJ-4-1", "JYCK", "SF", shop, buyer, ())
        house.world.warehouse.fulfilments["RJ-4-1"] = Fulfilment(delivery, "CK1", utc_now())
        case = await house.open_case("RJ-4", CaseKind.RETURN)
        await house.case_until(case, state="returning")
        returns, courier = house.world.inwards.returns, house.world.courier

        async def announced(creates: int) -> bool:
            await house.drain("return")
            return case in returns.expected and returns.expected[case].creates == creates

        await eventually(lambda: announced(1), lambda: house.whole_case(case))
        assert not courier.returning
        waybill = CaseDecision(Choice.WAYBILL, "buyer", carrier="SF", waybill_no="SFBACK4")
        await decide_case(temporal, case, waybill, f"p-{case}")
        await eventually(lambda: announced(2), lambda: house.whole_case(case))
        assert returns.expected[case].waybill == "SFBACK4"

        async def seen(state: str) -> bool:
            await house.drain("subscribe", "kdniao", "c")
            await house.settle()
            found = await house.query("SELECT state, traces FROM return_parcel WHERE waybill_no = 'SFBACK4'")
            return [row.state for row in found] == [state] and bool(found[0].traces)

        def parcel() -> Any:
            return house.query("SELECT * FROM return_parcel")

        await eventually(lambda: seen("out_for_delivery"), parcel)
        assert (await house.case(case)).state == "in_transit"
        returns.send(case, "good")
        await eventually(lambda: seen("signed"), parcel)
        await house.case_ended(case)
    (row,) = await house.query("SELECT signed_at, subscribed_at FROM return_parcel")
    assert row.signed_at is not None
    assert row.subscribed_at is not None
