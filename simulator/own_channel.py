"""The own shop as the order system meets it: its messages, its order system, and the write-backs it takes."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import httpx

from simulator import own_cases, own_shop, own_stock, own_tickets
from simulator.cases import Cases, SaleCase
from simulator.clock import iso, now
from simulator.listings import Shelf
from simulator.seeds import rng
from simulator.sending import Lane, Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings import OwnShop
from simulator.shop import ShopOrder
from simulator.tally import Tally
from simulator.till import Tills


@dataclass(frozen=True)
class Hints:
    """Which messages say only that something changed; the seed decides."""

    seed: int
    share: float

    def has(self, event: str) -> bool:
        return rng(self.seed, "hint", event).random() < self.share


class OwnChannel:
    """Pushes every change of an order, answers questions, takes write-backs."""

    waybills = "all"
    uncharged = False
    provider: Tills | None = None
    """Where the buyers pay, in worlds that have one."""
    heard: Callable[[ShopOrder, str, Verdict], None] = staticmethod(lambda _order, _event, _verdict: None)
    """Who counts what became of each copy of a message about an order."""
    cases: Cases | None = None

    def __init__(
        self, settings: OwnShop, gateway_url: str, sender: Sender, orders: Mapping[str, ShopOrder], hints: Hints
    ) -> None:
        self._settings = settings
        self._url = f"{gateway_url.rstrip('/')}/in/own/{settings.shop}"
        self._sender = sender
        self._orders = orders
        self._lanes: dict[str, Lane] = {}
        self._events: set[str] = set()
        self._hints = hints
        self.counts: Counter[str] = Counter()
        self._began: float | None = None

    def _secrets(self) -> list[str]:
        """Give the keys that are valid now, the one to sign with first; after a rotation the old one is still read."""
        self._began = monotonic() if self._began is None else self._began
        old, new = self._settings.secret.get_secret_value(), self._settings.next_secret
        if new is None or monotonic() < self._began + self._settings.rotate_after:
            return [old]
        return [new.get_secret_value(), old]

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Post a message with the whole order, or a hint; a buyer who pays does so at the provider."""
        if self.provider is not None:
            self.provider.note(order)
        order.messages += 1
        event = f"{order.plan.no}-{order.messages}-{order.status}"
        body = self._body(order, event)

        def sign() -> Request:
            order.messages_sent += 1
            self.counts["pushes_sent"] += 1
            headers = own_shop.signed_headers(self._settings.key_id, self._secrets()[0], event, now(), body)
            return Request(self._url, headers, body)

        def done(verdict: Verdict) -> None:
            order.accepted_messages += verdict is Verdict.ACCEPTED
            self.heard(order, event, verdict)

        lane = self._lanes.setdefault(order.plan.no, self._sender.lane("shop"))
        lane.post(Letter("shop", event, sign, _read, done), hold=hold)

    def case_name(self, case: SaleCase) -> str:
        """Give its own number: it is told under that."""
        return case.no

    def tell_case(self, case: SaleCase) -> None:
        """Post a message with the case as it is now, and the order when its money moved."""
        event = f"{case.no}-{case.messages}-{case.state}"
        body = own_cases.case_body(case)

        def sign() -> Request:
            self.counts["pushes_sent"] += 1
            headers = own_shop.signed_headers(self._settings.key_id, self._secrets()[0], event, now(), body)
            return Request(self._url, headers, body)

        lane = self._lanes.setdefault(f"case {case.no}", self._sender.lane("shop"))
        lane.post(Letter("shop", event, sign, _read))
        if case.state == "paid":
            self.tell(case.order, hold=False)

    def complain(self, told: own_tickets.Complaint) -> None:
        """Post what a buyer says; messages of one conversation leave in their order."""
        body = own_tickets.ticket_body(told)
        self.counts["complaints"] += 1

        def sign() -> Request:
            self.counts["pushes_sent"] += 1
            headers = own_shop.signed_headers(self._settings.key_id, self._secrets()[0], told.event, now(), body)
            return Request(self._url, headers, body)

        lane = self._lanes.setdefault(f"ticket {told.ticket_no}", self._sender.lane("shop"))
        lane.post(Letter("shop", told.event, sign, _read))

    def show_cases(self, headers: Mapping[str, str], no: str, asked: Mapping[str, str]) -> bytes:
        """Answer for one case, or for a page of those that changed; raises BadSignature, or BadMessage without one."""
        own_shop.verify(self._settings.key_id, self._secrets(), headers, b"", now())
        if no:
            return own_cases.case_body(self._case(no))
        self.counts["lists_answered"] += 1
        try:
            window = [datetime.fromisoformat(asked[name]) for name in ("updated_from", "updated_to")]
            page = int(asked.get("page", "1"))
        except (KeyError, ValueError):
            raise own_shop.BadMessage("updated_from, updated_to: ISO 8601 with an offset; page: from 1") from None
        return own_cases.page_body([*self._cases().of_shop(("own", self._settings.shop))], window[0], window[1], page)

    def show_roll(self, headers: Mapping[str, str], asked: Mapping[str, str]) -> bytes:
        """Answer which orders were placed in a window, oldest first; raises BadSignature or BadMessage."""
        own_shop.verify(self._settings.key_id, self._secrets(), headers, b"", now())
        self.counts["rolls_answered"] += 1
        try:
            window = [datetime.fromisoformat(asked[name]) for name in ("placed_from", "placed_to")]
            page = int(asked.get("page", "1"))
        except (KeyError, ValueError):
            raise own_shop.BadMessage("placed_from, placed_to: ISO 8601 with an offset; page: from 1") from None
        mine = [one for no in self._orders if (one := self._find(no)) is not None and one.placed_at is not None]
        return own_shop.roll_body(mine, window[0], window[1], page)

    def take_answer(self, headers: Mapping[str, str], no: str, body: bytes) -> None:
        """Take what the merchant decided, once per event; raises BadSignature or BadMessage."""
        event = own_shop.verify(self._settings.key_id, self._secrets(), headers, body, now())
        if event in self._events:
            return
        own_cases.take(self._cases(), self._case(no), body)
        self._events.add(event)

    def _case(self, no: str) -> SaleCase:
        case = self._cases().find(("own", self._settings.shop), no)
        if case is None:
            raise own_shop.BadMessage("this shop has no such case")
        return case

    def _cases(self) -> Cases:
        if self.cases is None:
            raise own_shop.BadMessage("this shop has no cases")
        return self.cases

    def paid_back(self, no: str, minor: int) -> None:
        """Hear from the provider that the merchant gave money back, and let the order system know."""
        order = self._orders[no]
        order.refunded_minor = min(order.paid_minor, order.refunded_minor + minor)
        if order.refunded_minor == order.paid_minor:
            order.status = "refunded"
        order.touch()
        self.tell(order, hold=False)

    async def told(self, order: ShopOrder) -> None:
        lane = self._lanes.pop(order.plan.no, None)
        if lane is not None:
            await lane.empty()

    def _body(self, order: ShopOrder, event: str) -> bytes:
        if self._hints.has(event):
            return own_shop.hint_body(order.plan.no, order.status, order.updated_at)
        return own_shop.order_body(order.plan, _changing(order))

    def read(self, headers: Mapping[str, str], no: str) -> bytes | None:
        """Answer a question for one order as it is now; None when the shop has no such order. Raises BadSignature."""
        own_shop.verify(self._settings.key_id, self._secrets(), headers, b"", now())
        order = self._find(no)
        if order is None:
            return None
        self.counts["details_answered"] += 1
        return own_shop.order_body(order.plan, _changing(order))

    def receive(self, headers: Mapping[str, str], body: bytes, tally: Tally) -> bool:
        """Take a write-back, or say that it is a repetition; raises BadSignature or BadMessage."""
        event = own_shop.verify(self._settings.key_id, self._secrets(), headers, body, now())
        if event in self._events:
            tally.faults["shop_repeated_events"] += 1
            return False
        shipment = own_shop.read_shipment(body)
        order = self._shippable(shipment)
        self._events.add(event)
        order.written_back.update([shipment.waybill_no, *shipment.other_waybills])
        self.counts["write_backs"] += 1
        return True

    def receive_stock(self, headers: Mapping[str, str], body: bytes, shelf: Shelf) -> list[dict[str, str]]:
        """Take what may be sold and give what is refused of it; raises BadSignature or BadMessage."""
        event = own_shop.verify(self._settings.key_id, self._secrets(), headers, body, now())
        if event in self._events:
            return []
        refused = own_stock.receive(shelf, body)
        self._events.add(event)
        return refused

    def hear_promise(self, headers: Mapping[str, str], body: bytes) -> None:
        """Hear that an order leaves later, once per event; raises BadSignature or BadMessage."""
        event = own_shop.verify(self._settings.key_id, self._secrets(), headers, body, now())
        order = self._find(own_shop.read_promise(body).order_no)
        if order is None:
            raise own_shop.BadMessage("promise.order_no: this shop has no such order")
        order.promised_again += event not in self._events
        self._events.add(event)

    def _find(self, no: str) -> ShopOrder | None:
        order = self._orders.get(no)
        mine = order is not None and (order.plan.channel, order.plan.shop) == ("own", self._settings.shop)
        return order if order is not None and mine and order.listed else None

    def _shippable(self, shipment: own_shop.Shipment) -> ShopOrder:
        order = self._find(shipment.order_no)
        if order is None:
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
    moments |= {"deposit_at": order.deposit_at}
    return {
        "status": order.status,
        **{name: iso(moment) if moment else None for name, moment in moments.items()},
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
        "remark": order.remark or order.plan.remark,
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
