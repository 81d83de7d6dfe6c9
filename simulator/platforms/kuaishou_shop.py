"""A Kuaishou shop and its pushes: sealed hints of what a buyer or the seller did. Owns no state of orders."""

import json

import httpx

from simulator.back_office import BackOffice
from simulator.cases import SaleCase
from simulator.clock import now
from simulator.market import Stall
from simulator.platform import Opening
from simulator.platforms import kuaishou_wire as wire
from simulator.platforms.kuaishou_shows import CASE_STATUS, HANDLING, millis, status_of
from simulator.platforms.kuaishou_wire import Json
from simulator.sending import Lane, Letter, Request, Verdict, verdict_of_status
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

ORDER, CASE = "kwaishop_order", "kwaishop_aftersales"
EVENTS = {10: "addOrder", 30: "paySuccess", 40: "delivering", 70: "orderSuccess", 80: "orderFail"}


class KuaishouShop(Stall):
    """One shop: every change is pushed as a hint, and may be asked for. Cases are answered on the platform's pages."""

    waybills = "one"

    def __init__(self, settings: Seller, opening: Opening) -> None:
        super().__init__(settings, opening.around)
        self.settings = settings
        self.office = BackOffice(opening.around, self.name)
        self._url = f"{opening.gateway_url}/in/kuaishou/{settings.shop}"
        self._sender = opening.sender
        self._lanes: dict[str, Lane] = {}

    def more(self, name: str) -> str:
        """Give what only this platform knows of a shop."""
        return self.settings.more[name].get_secret_value()

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        super().tell(order, hold=hold)
        event = EVENTS[status_of(order)] if order.status != "paid" or not order.sent else "delivering"
        self._push(order, f"{ORDER}_{event}", _order_news(order), hold=hold)

    async def told(self, order: ShopOrder) -> None:
        if (lane := self._lanes.get(order.plan.no)) is not None:
            await lane.empty()

    def tell_sent(self, order: ShopOrder) -> None:
        """Push that a write-back was taken."""
        self._push(order, f"{ORDER}_delivering", _order_news(order), hold=False)

    def tell_received(self, order: ShopOrder) -> None:
        self._push(order, f"{ORDER}_orderSuccess", _order_news(order), hold=False)

    def tell_case(self, case: SaleCase) -> None:
        news: Json = {
            "orderId": int(case.order.plan.no),
            "refundId": int(case.no),
            "handlingWay": HANDLING[case.kind],
            "status": CASE_STATUS[case.state],
            "updateTime": millis(now()),
        }
        event = "addRefund" if case.state == "asked" else "updateRefund"
        self._push(case.order, f"{CASE}_{event}", news, hold=False)

    def _push(self, order: ShopOrder, event: str, news: Json, *, hold: bool) -> None:
        order.messages += 1
        number, name = order.messages, f"{order.plan.no}-{order.messages}"
        body = self._body(order, name, event, news)

        def sign() -> Request:
            self.counts["pushes_sent"] += 1
            return Request(self._url, {"Content-Type": "text/plain"}, body)

        def done(verdict: Verdict) -> None:
            if verdict is Verdict.ACCEPTED:
                order.accepted_messages += 1
                # An older hint says nothing of what came after it.
                order.unheard = order.unheard and number < order.messages

        lane = self._sender.lane("kuaishou", dead=self.settings.push_dead)
        lane = self._lanes.setdefault(order.plan.no, lane)
        lane.post(Letter("kuaishou", f"ks-{name}", sign, _read, done), hold=hold)

    def _body(self, order: ShopOrder, name: str, event: str, news: Json) -> bytes:
        told = {
            "eventId": f"e-{name}",
            "msgId": f"m-{name}",
            "bizId": int(order.plan.no),
            "userId": int(self.settings.shop_id),
            "openId": "o",
            "appKey": self.settings.app_key,
            "event": event,
            "info": json.dumps(news),
            "createTime": millis(now()),
            "updateTime": millis(now()),
            "test": False,
        }
        return wire.seal(json.dumps(told, ensure_ascii=False).encode(), self.more("msg_secret"))


def _order_news(order: ShopOrder) -> Json:
    updated = {"updateTime": millis(order.updated_at)}
    return {"oid": int(order.plan.no), "sellerId": 1, "status": status_of(order), **updated}


def _read(response: httpx.Response) -> Verdict:
    verdict = verdict_of_status(response.status_code)
    if verdict is not Verdict.ACCEPTED:
        return verdict
    try:
        answer = response.json()
    except ValueError:
        return Verdict.AGAIN
    return Verdict.ACCEPTED if isinstance(answer, dict) and answer.get("result") == 1 else Verdict.AGAIN
