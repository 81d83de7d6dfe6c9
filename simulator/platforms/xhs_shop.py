"""A Xiaohongshu shop and its pushes: signed hints of what a buyer or the seller did. Owns no state of orders."""

import json

import httpx

from simulator.back_office import BackOffice
from simulator.cases import SaleCase
from simulator.clock import now
from simulator.market import Stall
from simulator.platform import Opening
from simulator.platforms import xhs_wire as wire
from simulator.platforms.xhs_shows import case_type, millis, status_of
from simulator.platforms.xhs_wire import Json
from simulator.sending import Lane, Letter, Request, Verdict, verdict_of_status
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

CASE_TAGS = {"asked": "create", "awaits_goods": "audit_pass", "paid": "refund_finished"}


class XhsShop(Stall):
    """One shop: every change is pushed as a hint, and may be asked for. Cases are answered on the platform's pages."""

    waybills = "one"

    def __init__(self, settings: Seller, opening: Opening) -> None:
        super().__init__(settings, opening.around)
        self.settings = settings
        self.office = BackOffice(opening.around, self.name)
        self._path = f"/in/xhs/{settings.shop}"
        self._url = opening.gateway_url + self._path
        self._sender = opening.sender
        self._lanes: dict[str, Lane] = {}

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        super().tell(order, hold=hold)
        self._push_status(order, hold=hold)

    async def told(self, order: ShopOrder) -> None:
        if (lane := self._lanes.get(order.plan.no)) is not None:
            await lane.empty()

    def tell_sent(self, order: ShopOrder) -> None:
        """Push that a write-back was taken."""
        self._push_status(order, hold=False)

    def tell_received(self, order: ShopOrder) -> None:
        self._push_status(order, hold=False)

    def tell_case(self, case: SaleCase) -> None:
        tag = CASE_TAGS.get(case.state)
        if tag is None:
            return
        news: Json = {"returnsId": case.no, "orderId": case.order.plan.no, "returnType": case_type(case)}
        news |= {"refundFee": case.minor / 100, "updateTime": millis(now())}
        self._push(case.order, f"msg_after_sale_{tag}", news, hold=False)

    def _push_status(self, order: ShopOrder, *, hold: bool) -> None:
        news: Json = {"orderId": order.plan.no, "orderStatus": status_of(order), "updateTime": millis(order.updated_at)}
        self._push(order, "msg_fulfillment_status_change", news, hold=hold)

    def _push(self, order: ShopOrder, tag: str, news: Json, *, hold: bool) -> None:
        order.messages += 1
        number = order.messages
        message = {"msgTag": tag, "sellerId": self.settings.shop_id, "data": json.dumps(news)}
        body = json.dumps([message], ensure_ascii=False).encode()

        def sign() -> Request:
            self.counts["pushes_sent"] += 1
            app, stamp = self.settings.app_key, str(int(now().timestamp()))
            signed = wire.push_sign(self._path, app, stamp, self.settings.secret.get_secret_value())
            headers = {"app-key": app, "timestamp": stamp, "sign": signed, "Content-Type": "application/json"}
            return Request(self._url, headers, body)

        def done(verdict: Verdict) -> None:
            if verdict is Verdict.ACCEPTED:
                order.accepted_messages += 1
                # An older hint says nothing of what came after it.
                order.unheard = order.unheard and number < order.messages

        lane = self._sender.lane("xhs", dead=self.settings.push_dead)
        lane = self._lanes.setdefault(order.plan.no, lane)
        lane.post(Letter("xhs", f"xhs-{order.plan.no}-{number}", sign, _read, done), hold=hold)


def _read(response: httpx.Response) -> Verdict:
    verdict = verdict_of_status(response.status_code)
    if verdict is not Verdict.ACCEPTED:
        return verdict
    try:
        answer = response.json()
    except ValueError:
        return Verdict.AGAIN
    return Verdict.ACCEPTED if isinstance(answer, dict) and answer.get("success") is True else Verdict.AGAIN
