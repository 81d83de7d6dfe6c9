"""Whole days at simulated platforms: buyers of every fate, pulled and pushed through our connectors, until all is done.

INT-1, INT-2, INT-3: either way alone loses nothing, and nothing is shipped or told twice.
"""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.inbound import Outcome, Push
from connectors.outbound import SalesChannel
from domain.errors import OmsError
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import CaseHinted, ChannelStatus, OrderHinted, OrderObserved
from simulator.settings import Config
from store import settings_docs
from tests.connectors.simulated import utc_now, window
from tests.connectors.test_simulated_platforms import ALL, At
from tests.simulator.erp import Erp, config
from tests.simulator.market_erp import PULL_EVERY_SECONDS

MAP = settings_docs.status_map_of(1, {"channels": {}})


class ConnectedErp(Erp):
    """An order system that knows of an order only what our connectors read."""

    def __init__(self, config: Config, at: At) -> None:
        super().__init__(config, subscribes=True)
        self.row = at.row()
        self.orders: dict[str, OrderObserved] = {}
        self.told: Counter[tuple[str, str]] = Counter()
        self.refused: list[tuple[str, str]] = []

    @property
    def channel(self) -> SalesChannel:
        return registry.sales_channel(self.row, self.client, utc_now)

    async def _gateway(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.split("/")[2] != self.row.vendor:
            return await super()._gateway(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        push = Push(dict(request.url.params), headers, request.content, utc_now())
        receiver = registry.inbound(self.row)
        receiver.verify(push)
        for seen in receiver.parse(push).observations:
            if isinstance(seen, OrderHinted):
                await self._take(seen.no)
        answer = receiver.answer(Outcome.ACCEPTED, "", push.received_at)
        return httpx.Response(answer.status, content=answer.body)

    async def _take(self, no: str) -> None:
        order, _ = await self.channel.read_order(no)
        await self._book(order)

    async def _book(self, order: OrderObserved) -> None:
        order = MAP.resolve(order)
        self.orders[order.no] = order
        if order.status is ChannelStatus.PAID and order.may_ship:
            await self.fulfil(order.no, {line.sku: line.quantity for line in order.lines})

    async def pull(self) -> None:
        """Read a window to its end; a shop whose lists are dead is left for its pushes."""
        cursor, first = "", True
        while first or cursor:
            try:
                page = await self.channel.pull(window(20), cursor)
            except OmsError:
                return
            for seen in page.observations:
                if isinstance(seen, OrderObserved):
                    await self._book(seen)
                elif isinstance(seen, OrderHinted):
                    await self._take(seen.no)
            cursor, first = page.next_cursor, False

    async def read_cases(self) -> None:
        """Read the cases of a window, each whole."""
        page = await self.channel.pull_cases(window(20), "")
        for seen in page.observations:
            if isinstance(seen, CaseHinted):
                await self.channel.read_case(seen.case_no)

    async def write_back(self, order_no: str, waybill: str, told: dict[str, Any]) -> None:
        """Tell the platform of a parcel by the lines it holds."""
        order = self.orders[order_no]
        packed = {item["sku"]: item["quantity"] for item in told["items"]}
        lines = tuple(ShippedLine(one.line_no, one.sku, packed[one.sku]) for one in order.lines if one.sku in packed)
        whole = packed == {one.sku: one.quantity for one in order.lines}
        notice = ShipmentNotice(order_no, "SF", waybill, utc_now(), lines, whole, f"write_back:{order_no}:{waybill}")
        self.told[order_no, waybill] += 1
        try:
            await self.channel.write_back(notice)
            await self.channel.write_back(replace(notice))
        except OmsError:
            self.refused.append((order_no, waybill))

    async def live(self, seconds: float = 25.0) -> dict[str, Any]:
        """Let the world live, pulling all the time, until it is finished; give the books."""
        deadline = time.monotonic() + seconds
        self.world.start()
        while not (self.world.finished() and self.world.tally.undelivered == 0):
            assert time.monotonic() < deadline, "the world does not finish"
            await self.pull()
            await asyncio.sleep(PULL_EVERY_SECONDS)
        await self.pull()
        books = await self.books()
        assert "broken_actors" not in books["faults"]
        return books


BAD_DAY: dict[str, Any] = {
    "duplicate_share": 0.3,
    "reorder_share": 0.3,
    "split_package_share": 0.4,
    "never_pay_share": 0.15,
    "close_unpaid_after": 0.1,
    "cancel_unpaid_share": 0.1,
    "cancel_paid_share": 0.15,
    "cancel_within": 0.2,
    "late_pay_share": 0.1,
    "late_pay_delay": 0.1,
    "forbid_consign_share": 0.4,
    "forbid_consign_seconds": 0.05,
    "stage_patience": 0.5,
    "ship_patience": 0.5,
    "case_share": 0.2,
    "case_return_after": 0.02,
    "confirm_after": 0.05,
}
WAYS = [(at, dead) for at in ALL for dead in ("", *(("push_dead", "pull_dead") if at.pushes else ()))]


@pytest.mark.parametrize(("at", "dead"), WAYS, ids=lambda one: str(one) or "both")
async def test_a_bad_day_ends_well_by_either_way(at: At, dead: str) -> None:
    shop = {**at.seller(), **({dead: True} if dead else {})}
    erp = ConnectedErp(config(count=14, marketplaces=[shop], **BAD_DAY), at)
    try:
        books = await erp.live()
        if dead != "pull_dead":
            await erp.read_cases()
    finally:
        await erp.close()
    shown = {no for no, order in erp.world.shop.orders.items() if at.shows_unpaid or order.paid_at}
    assert set(erp.orders) == shown
    assert {one["shipments"] for one in books["warehouse"].values()} <= {0, 1}, "nothing is shipped twice"
    for no, seen in erp.orders.items():
        order = erp.world.shop.orders[no]
        assert seen.total_minor == order.plan.basket.total_minor
        if order.status == "refunded":
            assert (seen.status.value, seen.refunded_minor) == ("refunded", order.paid_minor)
        elif order.status == "paid":
            assert seen.paid_minor == order.paid_minor
        assert all(times == 1 for times in order.written_back.values()), "a repeat books nothing"
    assert books["shops"][f"{at.vendor}/s1"]["orders"] == len(shown)
    assert {order["status"] for order in books["orders"].values()} <= {"paid", "refunded", "cancelled"}
