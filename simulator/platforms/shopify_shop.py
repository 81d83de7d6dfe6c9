"""A Shopify shop and its pushes: signed, REST-shaped JSON of what a buyer or the seller did. Owns no state of orders.

Buyers ask for returns only. Who wants money before goods left gets it from the merchant at once, on the platform's own
pages, and an exchange is a return here: neither has a return of its own kind at the platform.
"""

import base64
import hashlib
import hmac
import json

import httpx

from simulator.cases import SaleCase
from simulator.clock import now
from simulator.market import Stall, Surroundings
from simulator.platforms.shopify_orders import (
    RETURN_STATUS,
    decimal,
    financial_status,
    fulfillment_status,
    line_number,
    when,
)
from simulator.sending import Lane, Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

VERSION = "2026-10"
CREATED, PAID, UPDATED, CANCELLED = "orders/create", "orders/paid", "orders/updated", "orders/cancelled"
SENT, PARTLY_SENT, REFUNDED = "orders/fulfilled", "orders/partially_fulfilled", "refunds/create"
RETURN_TOPICS = {
    "asked": "returns/request",
    "awaits_goods": "returns/approve",
    "refused": "returns/decline",
    "paid": "returns/close",
    "closed": "returns/cancel",
}
REST_GOODS = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}


class ShopifyShop(Stall):
    """One shop: every change is pushed, and may be asked for."""

    waybills = "shown"

    def __init__(self, settings: Seller, around: Surroundings, url: str, sender: Sender) -> None:
        super().__init__(settings, around)
        self.settings = settings
        self.domain = f"{settings.shop}.myshopify.com"
        currency = settings.more.get("currency")
        self.currency = currency.get_secret_value() if currency else "USD"
        self.keys: dict[str, str] = {}
        self._url = f"{url.rstrip('/')}/in/shopify/{settings.shop}"
        self._sender = sender
        self._lanes: dict[str, Lane] = {}

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Push what the buyer did."""
        super().tell(order, hold=hold)
        self._push(order, _topic(order), self._order(order), hold=hold)

    async def told(self, order: ShopOrder) -> None:
        lane = self._lanes.get(order.plan.no)
        if lane is not None:
            await lane.empty()

    def tell_sent(self, order: ShopOrder) -> None:
        """Push that a write-back was taken."""
        self._push(order, SENT if order.wholly_sent else PARTLY_SENT, self._order(order), hold=False)

    def tell_received(self, order: ShopOrder) -> None:
        self._push(order, UPDATED, self._order(order), hold=False)

    def case_name(self, case: SaleCase) -> str:
        """Give its number; money that is given back without a return is no case there."""
        return "" if case.kind == "refund" else case.no

    def tell_case(self, case: SaleCase) -> None:
        """Push that a case came to a state; what is no return is settled on the spot."""
        if self.settle(case):
            return
        if case.kind == "refund":
            self._push(case.order, REFUNDED, {"id": int(case.no), "order_id": int(case.order.plan.no)}, hold=False)
            return
        topic = RETURN_TOPICS.get(case.state)
        if topic is None:
            return
        about = {"id": int(case.order.plan.no), "admin_graphql_api_id": f"gid://shopify/Order/{case.order.plan.no}"}
        told = {"id": int(case.no), "status": RETURN_STATUS[case.state].lower(), "order": about}
        self._push(case.order, topic, told, hold=False)

    def settle(self, case: SaleCase) -> bool:
        """Give the money back where a buyer wants nothing else, and take an exchange as a return."""
        if case.kind == "exchange":
            case.kind = "return"
        if case.kind != "refund" or case.over:
            return False
        self.answers.agree_refund(case)
        return True

    def _push(self, order: ShopOrder, topic: str, told: dict[str, object], *, hold: bool) -> None:
        order.messages += 1
        number, event = order.messages, f"{order.plan.no}-{order.messages}-{topic}"
        body = json.dumps(told, ensure_ascii=False).encode()
        triggered = when(now()) or ""

        def sign() -> Request:
            self.counts["pushes_sent"] += 1
            secret = self.settings.secret.get_secret_value()
            signed = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
            return Request(self._url, self._headers(topic, event, signed) | {"X-Shopify-Triggered-At": triggered}, body)

        def done(verdict: Verdict) -> None:
            if verdict is Verdict.ACCEPTED:
                order.accepted_messages += 1
                # An older hint says nothing of what came after it.
                order.unheard = order.unheard and number < order.messages

        lane = self._sender.lane("shopify", dead=self.settings.push_dead)
        lane = self._lanes.setdefault(order.plan.no, lane)
        lane.post(Letter("shopify", event, sign, _read, done), hold=hold)

    def _headers(self, topic: str, event: str, signed: str) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": signed,
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-API-Version": VERSION,
            "X-Shopify-Webhook-Id": hashlib.sha256(f"{self.name}|{event}".encode()).hexdigest()[:36],
        }

    def _order(self, order: ShopOrder) -> dict[str, object]:
        """Write an order in the older, snake_case shape, as far as somebody may want to read of it."""
        plan = order.plan
        goods = fulfillment_status(order)
        return {
            "id": int(plan.no),
            "name": f"#{plan.no[-6:]}",
            "created_at": when(order.placed_at),
            "updated_at": when(order.updated_at),
            "financial_status": financial_status(order).lower(),
            "fulfillment_status": REST_GOODS.get(goods),
            "currency": self.currency,
            "total_price": decimal(plan.basket.total_minor),
            "line_items": [
                {"id": int(line_number(plan.no, place)), "sku": line.sku, "quantity": line.quantity}
                for place, line in enumerate(plan.basket.lines)
            ],
        }


def _topic(order: ShopOrder) -> str:
    if order.status in ("cancelled", "refunded"):
        return CANCELLED
    if order.refunds:
        return UPDATED
    return PAID if order.status == "paid" and not order.held else CREATED


def _read(response: httpx.Response) -> Verdict:
    """Any 2xx is a success to the platform, whatever the body says."""
    return verdict_of_status(response.status_code)
