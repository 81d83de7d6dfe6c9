"""A Douyin shop and its pushes: signed hints of what a buyer or the seller did. Owns no state of orders."""

import hashlib

import httpx

from simulator import douyin_wire as wire
from simulator.cases import SaleCase
from simulator.clock import now
from simulator.douyin_cases import TAGS, type_of
from simulator.douyin_cases import status_of as case_status
from simulator.douyin_order import AFTER_SALE_DONE, seconds, status_of
from simulator.douyin_wire import Json
from simulator.market import Market, Surroundings
from simulator.plan_shops import child_no
from simulator.seeds import rng
from simulator.sending import Lane, Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings_shops import Douyin
from simulator.shop import ShopOrder

CREATED, PAID, SHIPPED, RECEIVED, CANCELLED = "100", "101", "102", "103", "106"
PARTLY_SHIPPED, PENDING, REFUNDED = "108", "110", "206"
ARBITRATION = "212"
"""The first of seven tags of an arbitration; which says what is not documented."""
MSG_ID_FROM = 73 * 10**17


class DouyinShop(Market):
    """One shop: every change is pushed as a hint, and may be asked for."""

    def __init__(self, settings: Douyin, around: Surroundings, url: str, sender: Sender) -> None:
        super().__init__(settings, around)
        self.settings = settings
        self.requests: dict[str, str] = {}
        self._url = f"{url.rstrip('/')}/in/douyin/{settings.shop}"
        self._sender = sender
        self._lanes: dict[str, Lane] = {}

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Push what the buyer did."""
        order.messages_sent += 1
        order.unheard = True
        self._push(order, *_news(order), hold=hold)

    async def told(self, order: ShopOrder) -> None:
        lane = self._lanes.get(order.plan.no)
        if lane is not None:
            await lane.empty()

    def tell_sent(self, order: ShopOrder) -> None:
        """Push that a write-back was taken."""
        self._push(order, SHIPPED if order.wholly_sent else PARTLY_SHIPPED, {}, hold=False)

    def tell_received(self, order: ShopOrder) -> None:
        self._push(order, RECEIVED, {"finish_time": seconds(order.received_at)}, hold=False)

    def tell_case(self, case: SaleCase) -> None:
        """Push that a case came to a state; its order is hinted at with it."""
        tag = TAGS.get(case.state)
        if tag is None:
            return
        told: Json = {"aftersale_id": int(case.no), "aftersale_status": case_status(case), "refund_amount": case.minor}
        told |= {"aftersale_type": type_of(case), "update_time": seconds(now())}
        self._push(case.order, tag, told, hold=False)
        if case.state == "refused" and self._is_disputed(case):
            self._push(case.order, ARBITRATION, told, hold=False)

    def _is_disputed(self, case: SaleCase) -> bool:
        """Say whether the buyer calls the platform in; the seed decides."""
        return rng(self.seed, "dispute", case.no).random() < self._around.profile.case_dispute_share

    def _push(self, order: ShopOrder, tag: str, more: Json, *, hold: bool) -> None:
        order.messages += 1
        number, event = order.messages, f"{order.plan.no}-{order.messages}-{tag}"
        body = self._body(order, event, tag, more)

        def sign() -> Request:
            self.counts["pushes_sent"] += 1
            secret = self.settings.secret.get_secret_value()
            signed = wire.event_sign(self.settings.app_key, body, secret)
            headers = {"app-id": self.settings.app_key, "event-sign": signed, "Content-Type": "application/json"}
            return Request(self._url, headers, body)

        def done(verdict: Verdict) -> None:
            if verdict is Verdict.ACCEPTED:
                order.accepted_messages += 1
                # An older hint says nothing of what came after it.
                order.unheard = order.unheard and number < order.messages

        lane = self._sender.lane("douyin", dead=self.settings.push_dead)
        lane = self._lanes.setdefault(order.plan.no, lane)
        lane.post(Letter("douyin", event, sign, _read, done), hold=hold)

    def _body(self, order: ShopOrder, event: str, tag: str, more: Json) -> bytes:
        lines = order.plan.basket.lines
        data = {
            "p_id": int(order.plan.no),
            "s_ids": [int(child_no(order.plan.no, place, len(lines))) for place in range(len(lines))],
            "shop_id": int(self.settings.shop_id),
            "order_status": status_of(order),
            "order_type": 0,
            "biz": 2,
            **more,
        }
        number = MSG_ID_FROM + int(hashlib.sha256(event.encode()).hexdigest(), 16) % 10**17
        return wire.canonical([{"tag": tag, "msg_id": str(number), "data": wire.canonical(data)}]).encode()


def _news(order: ShopOrder) -> tuple[str, Json]:
    """Give the tag of the last act and what only that tag tells."""
    update: Json = {"update_time": seconds(order.updated_at)}
    if order.status == "unpaid":
        return CREATED, {"create_time": seconds(order.placed_at)}
    if order.status == "cancelled":
        return CANCELLED, {"cancel_reason": "不想要了", "cancel_time": seconds(order.updated_at)}
    if order.refunds:
        latest = [one for one in order.refunds if one.at == order.refunds[-1].at]
        sale = {"aftersale_id": int(latest[0].id), "aftersale_status": AFTER_SALE_DONE}
        kind = 1 if latest[0].shipped else 2
        return REFUNDED, {**sale, "aftersale_type": kind, "refund_amount": sum(one.minor for one in latest), **update}
    paid: Json = {"pay_amount": order.paid_minor, "pay_time": seconds(order.paid_at)}
    return (PENDING if order.held else PAID), paid


def _read(response: httpx.Response) -> Verdict:
    verdict = verdict_of_status(response.status_code)
    if verdict is not Verdict.ACCEPTED:
        return verdict
    try:
        answer = response.json()
    except ValueError:
        return Verdict.AGAIN
    good = response.status_code == 200 and isinstance(answer, dict) and answer.get("code") == 0
    return Verdict.ACCEPTED if good else Verdict.AGAIN
