"""The simulator's Alipay and Stripe, met with an independent library and with signatures of this file's own making."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from simulator.app import create_app
from simulator.books import write_books
from simulator.plan import build_plan
from simulator.settings import Alipay, Config, Stripe
from simulator.world import World
from tests.simulator.erp import config, stamp
from tests.workflows.house import eventually

KEY, FIRST, SECOND = (rsa.generate_private_key(65537, 2048) for _ in range(3))
API_KEY, OLD, NEW = "sk_test_0123456789", "whsec_old", "whsec_new"
Json = dict[str, Any]


def private_pem(key: rsa.RSAPrivateKey) -> str:
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


ALIPAY = {
    "shop": "ali",
    "app_id": "2026",
    "seller_id": "2088",
    "merchant_public_key": public_pem(KEY),
    "platform_keys": [private_pem(FIRST), private_pem(SECOND)],
}
STRIPE = {"shop": "str", "api_key": API_KEY, "signing_secrets": [NEW, OLD]}


def signed_text(form: Json, *without: str) -> bytes:
    return "&".join(f"{name}={form[name]}" for name in sorted(form) if form[name] and name not in without).encode()


def proven_by(text: bytes, signature: str) -> int:
    """Say which of Alipay's keys signed; raises when none did."""
    for n, key in enumerate((FIRST, SECOND)):
        try:
            key.public_key().verify(base64.b64decode(signature), text, PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return n
    raise AssertionError("signed by nobody we know")


@dataclass
class Meeting:
    """A world with both providers, a gateway that takes everything, and a merchant who signs."""

    settings: Config
    trades: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    keys: set[int] = field(default_factory=set)
    mumbled: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.settings, build_plan(self.settings), httpx.MockTransport(self._gateway))
        transport = httpx.ASGITransport(create_app(self.world))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://sim", timeout=10)

    def _gateway(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/in/alipay/ali":
            form = dict(parse_qsl(request.content.decode(), strict_parsing=True))
            self.keys.add(proven_by(signed_text(form, "sign", "sign_type"), form["sign"]))
            self.trades.append(form)
            if len(self.trades) <= self.mumbled:
                return httpx.Response(200, text="success\n")
            return httpx.Response(200, text="success")
        if request.url.path == "/in/stripe/str":
            for secret in (OLD, NEW):
                stripe.Webhook.construct_event(request.content, request.headers["stripe-signature"], secret)
            self.events.append(json.loads(request.content))
            return httpx.Response(204)
        return httpx.Response(200, json={"accepted": True})

    async def alipay(
        self, method: str, wanted: Json, changed: Json | None = None, key: rsa.RSAPrivateKey = KEY
    ) -> Json:
        """Ask Alipay, and prove its answer over the very text."""
        form: Json = {
            "app_id": "2026", "method": method, "format": "JSON", "charset": "utf-8", "sign_type": "RSA2",
            "timestamp": stamp(), "version": "1.0", "biz_content": json.dumps(wanted, ensure_ascii=False),
        } | (changed or {})  # fmt: skip
        form["sign"] = base64.b64encode(key.sign(signed_text(form), PKCS1v15(), hashes.SHA256())).decode()
        answer = await self.client.post("/gateway.do", content=urlencode(form))
        name = f"{method.replace('.', '_')}_response"
        told = answer.json()
        proven_by(answer.text[len(name) + 4 : answer.text.rindex(',"sign":')].encode(), told["sign"])
        return dict(told[name])

    async def stripe(self, method: str, path: str, form: Json | None = None, **headers: str) -> tuple[int, Json]:
        sent = {"authorization": f"Bearer {API_KEY}"} | {name.replace("_", "-"): headers[name] for name in headers}
        body = urlencode(form).encode() if form else b""
        answer = await self.client.request(method, f"/v1/{path}", content=body, headers=sent)
        return answer.status_code, answer.json()

    async def paid(self) -> tuple[str, Json]:
        """Let the buyers come; give one order that was paid, with its payment."""
        self.world.start()
        await eventually(self._quiet, self.books)
        payments: Json = (await self.books())["payments"]
        return sorted(payments.items())[0]

    async def _quiet(self) -> bool:
        orders = self.world.shop.orders.values()
        return bool(orders) and all(one.acted for one in orders) and not self.world.tally.undelivered

    async def books(self) -> Json:
        return write_books(self.world)


@pytest.fixture
async def meet() -> AsyncIterator[Callable[..., Meeting]]:
    opened: list[Meeting] = []

    def open_world(alipay: float = 0.0, stripe_: float = 0.0, count: int = 2, **profile: Any) -> Meeting:
        settings = config(count=count, unpaid_first=1.0, notify_within=0.0, **profile)
        providers = {
            "alipay": Alipay.model_validate(ALIPAY | {"share": alipay}),
            "stripe": Stripe.model_validate(STRIPE | {"share": stripe_}),
        }
        opened.append(Meeting(settings.model_copy(update=providers)))
        return opened[-1]

    yield open_world
    for one in opened:
        await one.world.stop()
        await one.client.aclose()


async def test_a_share_of_the_buyers_pays_at_each_provider_and_signed_notices_say_so(
    meet: Callable[..., Meeting],
) -> None:
    here = meet(alipay=0.5, stripe_=0.5, count=12)
    await here.paid()
    told = {one["out_trade_no"]: one["total_amount"] for one in here.trades}
    told |= {
        one["data"]["object"]["metadata"]["order_no"]: f"{one['data']['object']['amount_received'] / 100:.2f}"
        for one in here.events
    }
    books = await here.books()
    assert told == {no: f"{one['amount_minor'] / 100:.2f}" for no, one in books["payments"].items()}
    assert min(len(here.trades), len(here.events)) > 0
    assert len(told) == 12
    assert here.keys == {0, 1}, "both keys are in use while they rotate"


async def test_alipay_pays_once_per_number_and_tells_of_it_as_of_one_more_trade(meet: Callable[..., Meeting]) -> None:
    here = meet(alipay=1.0)
    no, payment = await here.paid()
    amount = f"{payment['amount_minor'] / 100:.2f}"
    query = {"trade_no": payment["transaction_id"], "out_request_no": "R-1"}
    assert await here.alipay("alipay.trade.fastpay.refund.query", query) == {"code": "10000", "msg": "Success"}
    changes = [
        (await here.alipay("alipay.trade.refund", query | {"refund_amount": amount}))["fund_change"] for _ in "ab"
    ]
    assert changes == ["Y", "N"]
    found = await here.alipay("alipay.trade.fastpay.refund.query", query)
    assert (found["refund_status"], found["refund_amount"]) == ("REFUND_SUCCESS", amount)
    assert (await here.alipay("alipay.trade.query", {"out_trade_no": no}))["trade_status"] == "TRADE_CLOSED"
    books = await here.books()
    assert (books["refunds"]["R-1"]["payouts"], books["orders"][no]["status"]) == (1, "refunded")

    async def told() -> bool:
        return any(one.get("out_biz_no") == "R-1" and one["refund_fee"] == amount for one in here.trades)

    await eventually(told, here.books)


@pytest.mark.parametrize(
    ("wanted", "changed", "codes"),
    [
        ({"out_trade_no": "none"}, {}, ("40004", "ACQ.TRADE_NOT_EXIST")),
        ({}, {"app_id": "1"}, ("40002", "isv.invalid-app-id")),
        ({}, {"timestamp": "2026-01-01 00:00:00"}, ("40002", "isv.invalid-timestamp")),
        ({}, {"biz_content": ""}, ("40001", "isv.missing-biz-content")),
    ],
)
async def test_alipay_refuses_in_its_words(
    meet: Callable[..., Meeting], wanted: Json, changed: dict[str, str], codes: tuple[str, str]
) -> None:
    told = await meet(alipay=1.0).alipay("alipay.trade.query", wanted, changed)
    assert (told["code"], told["sub_code"]) == codes


async def test_alipay_knows_its_merchants_key_gives_back_no_more_than_was_paid_and_may_be_out_of_money(
    meet: Callable[..., Meeting],
) -> None:
    here = meet(alipay=1.0, refunds_without_money=1)
    assert (await here.alipay("alipay.trade.query", {}, key=SECOND))["sub_code"] == "isv.invalid-signature"
    _, payment = await here.paid()
    wanted = {"trade_no": payment["transaction_id"], "out_request_no": "R-1"}
    for amount, code in (("1.00", "ACQ.SELLER_BALANCE_NOT_ENOUGH"), ("99999.00", "ACQ.REASON_TRADE_REFUND_FEE_ERR")):
        told = await here.alipay("alipay.trade.refund", wanted | {"refund_amount": amount})
        assert (told["code"], told["sub_code"]) == ("40004", code)
    assert (await here.books())["refunds"] == {}


async def test_alipay_repeats_what_was_not_answered_by_success_alone(meet: Callable[..., Meeting]) -> None:
    here = meet(alipay=1.0, count=1)
    here.mumbled = 2
    await here.paid()
    assert len(here.trades) == 3
    assert len({one["notify_id"] for one in here.trades}) == 1


async def test_stripe_pays_once_per_key_and_refuses_the_same_key_for_something_else(
    meet: Callable[..., Meeting],
) -> None:
    here = meet(stripe_=1.0)
    no, payment = await here.paid()
    form = {
        "payment_intent": payment["transaction_id"],
        "amount": payment["amount_minor"],
        "metadata[refund_no]": "R-1",
    }
    answers = [await here.stripe("POST", "refunds", form, idempotency_key="R-1") for _ in range(2)]
    assert answers[0] == answers[1]
    assert (answers[0][0], answers[0][1]["status"]) == (200, "succeeded")
    status, told = await here.stripe("POST", "refunds", form | {"amount": 1}, idempotency_key="R-1")
    assert (status, told["error"]["type"]) == (400, "idempotency_error")
    _, listed = await here.stripe("GET", f"refunds?payment_intent={payment['transaction_id']}")
    assert [one["metadata"]["refund_no"] for one in listed["data"]] == ["R-1"]
    _, found = await here.stripe("GET", f"payment_intents/search?query=metadata['order_no']:'{no}'")
    assert [one["id"] for one in found["data"]] == [payment["transaction_id"]]
    assert (await here.books())["refunds"]["R-1"]["payouts"] == 1

    async def told_of_it() -> bool:
        return [one["type"] for one in here.events].count("refund.updated") == 1

    await eventually(told_of_it, here.books)


async def test_stripe_refuses_in_its_words(meet: Callable[..., Meeting]) -> None:
    here = meet(stripe_=1.0)
    _, payment = await here.paid()
    form = {"payment_intent": payment["transaction_id"], "amount": payment["amount_minor"] + 1}
    assert (await here.stripe("GET", "refunds", authorization="Bearer sk_other"))[0] == 401
    assert (await here.stripe("GET", "charges"))[0] == 404
    assert (await here.stripe("POST", "refunds", form))[0] == 400
    status, told = await here.stripe("POST", "refunds", form, idempotency_key="R-1")
    assert (status, "greater than" in told["error"]["message"]) == (400, True)
    status, told = await here.stripe("POST", "refunds", form | {"payment_intent": "pi_none"}, idempotency_key="R-2")
    assert (status, told["error"]["code"]) == (404, "resource_missing")
    assert (await here.stripe("GET", "payment_intents/search?query=x"))[0] == 400
    assert (await here.books())["refunds"] == {}


def test_shares_that_add_up_to_more_than_everybody_are_refused() -> None:
    known = config().model_dump(exclude={"own", "wms", "courier"}) | {"alipay": ALIPAY, "stripe": STRIPE}
    own, courier = {"shop": "m", "key_id": "k", "secret": "s"}, {"shop": "c", "business_id": "1", "api_key": "k"}
    wms = {"shop": "w", "app_key": "a", "secret": "s", "customer_id": "c", "warehouse": "W", "owner": "O"}
    with pytest.raises(ValueError, match="alipay, stripe: the shares add up to more than 1"):
        Config.model_validate(known | {"own": own, "courier": courier, "wms": wms})
