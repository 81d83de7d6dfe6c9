"""Messages that Shopee pushes. Owns their codes; one about an order is a hint, never the order.

Signed is the address as the platform knows it, and the body; there is no time window and no number of the message, so
that its key is a digest of the body. Whether and when a refused push comes again is not documented: the list tells too.
"""

import hashlib
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.platforms.shopee_api import CHANNEL, LATEST_SECOND, SHOP_ID, moment
from connectors.platforms.shopee_sign import push_sign
from connectors.shapes import Code, Id, Lenient
from domain.errors import Forged, Unparsable
from domain.observations import ChannelStatus, OrderHinted
from domain.shops import Shop

CALLBACK = "callback_url"
AUTHORIZATION = "authorization"
ORDER_STATUS, TRACKING_NO = 3, 4
HINTING = frozenset({ORDER_STATUS, TRACKING_NO})
"""Every other code is accepted and kept: authorisations, promotions, chats."""


class _Push(Lenient):
    code: Annotated[int, Field(ge=0, le=10_000)]
    shop_id: Code = ""
    timestamp: Annotated[int, Field(ge=0, le=LATEST_SECOND)] = 0
    data: Any = None


class _Order(Lenient):
    ordersn: Id
    status: Code = ""
    update_time: Annotated[int, Field(ge=0, le=LATEST_SECOND)] = 0


class ShopeeInbound:
    """Receives what the platform pushes for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check the signature over our address and the body as received, with every key of the shop."""
        given = push.headers.get(AUTHORIZATION, "")
        if not given:
            raise Forged(f"header missing: {AUTHORIZATION}")
        url = fields.param(self._shop, CALLBACK)
        wanted = [push_sign(secret, url, push.body) for secret in fields.usable_secrets(self._shop)]
        if not any(fields.same(given, one) for one in wanted):
            raise Forged(f"{AUTHORIZATION} does not fit {CALLBACK} and the body with any key of this shop")

    def parse(self, push: Push) -> Genuine:
        """Read a push; Unparsable names the field that is wrong and the fault."""
        try:
            told = _Push.model_validate_json(push.body)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        if told.shop_id and told.shop_id != self._shop.params.get(SHOP_ID):
            raise Unparsable(f"{SHOP_ID} is not that of this shop: push it to its own address")
        sent_at = moment(told.timestamp) if told.timestamp else None
        key = hashlib.sha256(push.body).hexdigest()
        if told.code not in HINTING:
            return Genuine(key, sent_at, ())
        return Genuine(key, sent_at, (self._hint(told.data, sent_at or push.received_at),))

    def _hint(self, data: Any, sent_at: datetime) -> OrderHinted:
        try:
            order = _Order.model_validate(data)
        except ValidationError as error:
            raise Unparsable(f"data: {fields.explain(error)}") from error
        changed = moment(order.update_time) if order.update_time else sent_at
        return OrderHinted(CHANNEL, self._shop.code, order.ordersn, ChannelStatus.UNMAPPED, changed, order.status)

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say 200 and nothing else, as the platform wants; 401 with the reason for a forged one.

        An unreadable one is kept here and gets 200: sending it again would not help.
        """
        if outcome is Outcome.FORGED:
            return Answer(401, "text/plain; charset=utf-8", reason.encode())
        return Answer(200, "text/plain; charset=utf-8", b"")
