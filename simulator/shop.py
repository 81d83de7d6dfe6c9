"""The own shop and its buyers. Owns each order's true state, the messages about it, and the write-backs."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from simulator import own_shop
from simulator.clock import iso, now
from simulator.orders import Act, PlannedOrder
from simulator.seeds import rng
from simulator.sending import Lane, Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings import OwnShop
from simulator.tally import Tally
from simulator.warehouse import Warehouse

# A buyer who waits in vain for the warehouse to pick (no stock, an outage) cancels after this long anyway.
STAGE_PATIENCE_SECONDS = 10.0


@dataclass
class ShopOrder:
    """What the shop knows of one order. `status` is "planned" until the buyer acts."""

    plan: PlannedOrder
    status: str = "planned"
    placed_at: datetime | None = None
    paid_at: datetime | None = None
    updated_at: datetime | None = None
    paid_minor: int = 0
    refunded_minor: int = 0
    messages: int = 0
    messages_sent: int = 0
    accepted_messages: int = 0
    acted: bool = False
    written_back: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Hints:
    """Which messages say only that something changed; the seed decides."""

    seed: int
    share: float

    def has(self, event: str) -> bool:
        return rng(self.seed, "hint", event).random() < self.share


class Shop:
    """The shop's orders by number, the buyers' behaviour, and the shop's own order system."""

    def __init__(self, settings: OwnShop, gateway_url: str, sender: Sender, warehouse: Warehouse, hints: Hints) -> None:
        self._settings = settings
        self._url = f"{gateway_url.rstrip('/')}/in/own/{settings.shop}"
        self._sender = sender
        self._warehouse = warehouse
        self._hints = hints
        self._events: set[str] = set()
        self.orders: dict[str, ShopOrder] = {}

    def admit(self, plan: PlannedOrder) -> ShopOrder:
        order = ShopOrder(plan)
        self.orders[plan.no] = order
        return order

    async def live(self, order: ShopOrder, started_at: datetime) -> None:
        """Play one buyer from the first click to the last, each message after the one before."""
        lane = self._sender.lane("shop")
        for n, act in enumerate(order.plan.acts):
            await self._wait(order, act)
            self.change(order, act, started_at)
            self._post(lane, order, hold=order.plan.reordered and n == 0)
        await lane.empty()
        order.acted = True

    def book_as_accepted(self, order: ShopOrder, started_at: datetime) -> None:
        """Plant `lost`: claim that this order was sent and accepted; it never was."""
        self.change(order, Act("paid", 0.0), started_at)
        order.messages_sent = order.accepted_messages = 1
        order.acted = True

    def change(self, order: ShopOrder, act: Act, started_at: datetime) -> None:
        """Do to the order what the buyer did, in the shop's books."""
        moment, plan = now(), order.plan
        if order.updated_at is not None and moment - order.updated_at < timedelta(milliseconds=1):
            moment = order.updated_at + timedelta(milliseconds=1)
        order.status, order.updated_at = act.status, moment
        if order.placed_at is None:
            order.placed_at = moment if plan.placed_before is None else started_at - plan.placed_before
        if act.status == "paid":
            order.paid_at = moment if plan.paid_before is None else started_at - plan.paid_before
            order.paid_minor = plan.basket.total_minor
        elif act.status == "refunded":
            order.refunded_minor = order.paid_minor

    async def _wait(self, order: ShopOrder, act: Act) -> None:
        if act.stage:
            reached = self._warehouse.reached(order.plan.no, act.stage)
            with suppress(TimeoutError):
                await asyncio.wait_for(reached.wait(), STAGE_PATIENCE_SECONDS)
        await asyncio.sleep(act.wait)

    def _post(self, lane: Lane, order: ShopOrder, *, hold: bool) -> None:
        order.messages += 1
        event = f"{order.plan.no}-{order.messages}-{order.status}"
        body = self._body(order, event)

        def sign() -> Request:
            order.messages_sent += 1
            secret = self._settings.secret.get_secret_value()
            headers = own_shop.signed_headers(self._settings.key_id, secret, event, now(), body)
            return Request(self._url, headers, body)

        def done(verdict: Verdict) -> None:
            order.accepted_messages += verdict is Verdict.ACCEPTED

        lane.post(Letter("shop", event, sign, _read, done), hold=hold)

    def _body(self, order: ShopOrder, event: str) -> bytes:
        if self._hints.has(event):
            return own_shop.hint_body(order.plan.no, order.status, order.updated_at)
        return own_shop.order_body(order.plan, _changing(order))

    def tell(self, headers: Mapping[str, str], no: str) -> bytes | None:
        """Answer a question for one order as it is now; None when the shop has no such order. Raises BadSignature."""
        own_shop.verify(self._settings.key_id, self._settings.secret.get_secret_value(), headers, b"", now())
        order = self.orders.get(no)
        if order is None or order.status == "planned":
            return None
        return own_shop.order_body(order.plan, _changing(order))

    def receive(self, headers: Mapping[str, str], body: bytes, tally: Tally) -> bool:
        """Take a write-back, or say that it is a repetition; raises BadSignature or BadMessage."""
        secret = self._settings.secret.get_secret_value()
        event = own_shop.verify(self._settings.key_id, secret, headers, body, now())
        if event in self._events:
            tally.faults["shop_repeated_events"] += 1
            return False
        shipment = own_shop.read_shipment(body)
        order = self._shippable(shipment)
        self._events.add(event)
        order.written_back[shipment.waybill_no] += 1
        return True

    def _shippable(self, shipment: own_shop.Shipment) -> ShopOrder:
        order = self.orders.get(shipment.order_no)
        if order is None or order.status == "planned":
            raise own_shop.BadMessage("shipment.order_no: this shop has no such order")
        if order.status in ("unpaid", "cancelled"):
            raise own_shop.BadMessage(f"shipment.order_no: the order is {order.status}")
        ordered = {line.sku: line.quantity for line in order.plan.basket.lines}
        for item in shipment.items:
            if item.quantity > ordered.get(item.sku, 0):
                raise own_shop.BadMessage(f"shipment.items: more of {item.sku} than was ordered")
        return order


def _changing(order: ShopOrder) -> dict[str, object]:
    moments = {"updated_at": order.updated_at, "placed_at": order.placed_at, "paid_at": order.paid_at}
    return {
        "status": order.status,
        **{name: iso(moment) if moment else None for name, moment in moments.items()},
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
    }


def _read(response: httpx.Response) -> Verdict:
    verdict = verdict_of_status(response.status_code)
    if verdict is not Verdict.ACCEPTED:
        return verdict
    try:
        answer = response.json()
    except ValueError:
        return Verdict.AGAIN
    return Verdict.ACCEPTED if isinstance(answer, dict) and answer.get("accepted") is True else Verdict.AGAIN
