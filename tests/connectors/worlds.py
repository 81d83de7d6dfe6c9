"""Shops, orders and a scripted stranger for the connector tests."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import httpx

from connectors.inbound import Push
from domain.contacts import Contact, ContactForm
from domain.fulfillment import FulfillmentLine, FulfillmentOrder
from domain.shops import Role, Shop, Token

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)  # 21:30 in Shanghai

QIMEN = Shop(
    vendor="qimen",
    code="wms1",
    role=Role.WAREHOUSE,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="http://wms.example/router/qimen/service",
    key_id="testerp_appkey",
    secrets=("test", "the-one-before"),
    params={
        "customer_id": "stub-cust-code",
        "owner": "OWN1",
        "sender_name": "广州仓",
        "sender_mobile": "13900000001",
        "sender_province": "广东省",
        "sender_city": "广州市",
        "sender_district": "白云区",
        "sender_address": "物流路 1 号",
    },
)
KDNIAO = replace(
    QIMEN,
    vendor="kdniao",
    code="bird",
    role=Role.COURIER,
    endpoint_url="http://bird.example/",
    key_id="1237100",
    secrets=("56da2cf8-c8a2-44b2-b6fa-476cd7d1ba17", "old-key"),
    params={},
)
OWN = replace(
    QIMEN,
    vendor="own",
    code="mall",
    role=Role.SALES,
    endpoint_url="http://shop.example/shipments",
    key_id="k1",
    secrets=("own-shop-test-secret", "own-shop-old-secret"),
    params={},
)
TAOBAO = replace(
    OWN,
    vendor="taobao",
    code="flagship",
    endpoint_url="http://top.example/router/rest",
    key_id="12345678",
    secrets=("helloworld", "the-one-before"),
    token=Token("session-1", "refresh-1", NOW, version=3),
)

RECEIVER = Contact(
    form=ContactForm.PLAIN,
    province="广东省",
    city="深圳市",
    district="南山区",
    name="李<小>明 & Co",
    phone="13812345678",
    address='科技园 "A" 座\x0b 3 楼',
)
ORDER = FulfillmentOrder(
    no="F2611220001",
    order_no="D2611220001",
    channel="own",
    shop="mall",
    warehouse="GZ01",
    carrier="SF",
    placed_at=datetime(2026, 11, 22, 13, 0, tzinfo=UTC),
    paid_at=datetime(2026, 11, 22, 13, 1, 2, tzinfo=UTC),
    created_at=datetime(2026, 11, 22, 13, 2, 3, tzinfo=UTC),
    currency="CNY",
    goods_minor=32_805,
    discount_minor=2_000,
    freight_minor=800,
    total_minor=31_605,
    receiver=RECEIVER,
    lines=(
        FulfillmentLine("1", "TEE-WHITE-M", "纯棉圆领短袖 白 M", 2, 15_900, 31_800),
        FulfillmentLine("2", "SOCK-3", "袜子", 3, 400, 1_005),
    ),
    remark="请放前台 <门口>",
)


def clock() -> datetime:
    """The aware UTC now of the tests."""
    return NOW


def push(
    body: bytes,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    received_at: datetime = NOW,
) -> Push:
    """An HTTP request as the gateway hands it over."""
    return Push(query or {}, headers or {}, body, received_at)


Answers = Callable[[httpx.Request], httpx.Response]


class Stranger:
    """Answers from a list, one after the other, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        # A response is read once; a repeated one has to be made anew.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def client(self) -> httpx.AsyncClient:
        """An HTTP client that reaches only this stranger."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
