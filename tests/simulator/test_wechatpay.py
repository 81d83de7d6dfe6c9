"""The simulator's payment provider, met with an independent client's own signing and opening."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from wechatpayv3.utils import aes_decrypt, build_authorization, rsa_verify

from simulator.app import create_app
from simulator.books import write_books
from simulator.plan import build_plan
from simulator.settings import Config, Pay
from simulator.world import World
from tests.simulator.erp import config
from tests.workflows.house import eventually

KEY, FIRST, SECOND = (rsa.generate_private_key(65537, 2048) for _ in range(3))
APIV3 = "0123456789abcdef0123456789ABCDEF"
PATH = "/v3/refund/domestic/refunds"
Json = dict[str, Any]


def private_pem(key: rsa.RSAPrivateKey) -> str:
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


PAY = {
    "shop": "pay",
    "mchid": "1900000001",
    "serial_no": "SERIAL",
    "apiv3_key": APIV3,
    "merchant_public_key": public_pem(KEY),
    "platform_keys": [
        {"serial": "PUB_KEY_ID_1", "private_key": private_pem(FIRST)},
        {"serial": "PUB_KEY_ID_2", "private_key": private_pem(SECOND)},
    ],
}
PUBLIC = {"PUB_KEY_ID_1": FIRST.public_key(), "PUB_KEY_ID_2": SECOND.public_key()}


@dataclass
class Meeting:
    """A world with a provider, a gateway that takes everything, and a merchant who signs."""

    settings: Config
    notices: list[tuple[Json, Json]] = field(default_factory=list)
    orders: list[Json] = field(default_factory=list)
    serials: set[str] = field(default_factory=set)
    refuse: int = 0

    def __post_init__(self) -> None:
        self.world = World(self.settings, build_plan(self.settings), httpx.MockTransport(self._gateway))
        transport = httpx.ASGITransport(create_app(self.world))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://sim", timeout=10)

    def _gateway(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith("/in/wechatpay/pay"):
            self.orders.append(json.loads(request.content))
            return httpx.Response(200, json={"accepted": True})
        if self.refuse:
            self.refuse -= 1
            return httpx.Response(401)
        self.prove(request.headers, request.content)
        told = json.loads(request.content)
        box = told["resource"]
        opened = aes_decrypt(box["nonce"], box["ciphertext"], box["associated_data"], APIV3)
        self.notices.append((told, json.loads(opened)))
        return httpx.Response(200)

    def prove(self, headers: httpx.Headers, body: bytes) -> None:
        serial = headers["wechatpay-serial"]
        self.serials.add(serial)
        given = (headers["wechatpay-timestamp"], headers["wechatpay-nonce"], body.decode())
        assert rsa_verify(*given, headers["wechatpay-signature"], PUBLIC[serial])

    async def ask(self, method: str, target: str, data: Json | None = None, **changed: str) -> tuple[int, Json]:
        body = json.dumps(data) if data else ""
        header = build_authorization(target, method, "1900000001", "SERIAL", KEY, data=body)
        for before, after in changed.items():
            header = header.replace(before, after)
        sent = {"authorization": header, "content-type": "application/json"}
        answer = await self.client.request(method, target, content=body.encode(), headers=sent)
        if answer.status_code != 503:
            self.prove(answer.headers, answer.content)
        return answer.status_code, answer.json() if answer.status_code != 503 else {}

    async def paid(self) -> tuple[str, Json]:
        """Let the buyers come; give one order that was paid, with its payment."""
        self.world.start()
        await eventually(self._finished, self._show)
        no, payment = sorted(self.books()["payments"].items())[0]
        return no, payment

    async def _finished(self) -> bool:
        return all(order.acted for order in self.world.shop.orders.values()) and len(self.world.shop.orders) > 0

    async def _show(self) -> Json:
        return self.books()

    def books(self) -> Json:
        return write_books(self.world)


@pytest.fixture
async def meet() -> AsyncIterator[Callable[..., Meeting]]:
    opened: list[Meeting] = []

    def open_world(**profile: Any) -> Meeting:
        settings = config(count=3, unpaid_first=1.0, notify_within=0.0, **profile)
        opened.append(Meeting(settings.model_copy(update={"pay": Pay.model_validate(PAY)})))
        return opened[-1]

    yield open_world
    for one in opened:
        await one.world.stop()
        await one.client.aclose()


def asked(payment: Json, number: str = "R-1", **amount: int) -> Json:
    money = {"refund": payment["amount_minor"], "total": payment["amount_minor"], "currency": "CNY"} | amount
    return {
        "transaction_id": payment["transaction_id"],
        "out_refund_no": number,
        "notify_url": "http://gateway/in/wechatpay/pay",
        "amount": money,
    }


async def test_every_buyer_pays_at_the_provider_and_a_sealed_notice_says_so(meet: Callable[..., Meeting]) -> None:
    here = meet()
    no, payment = await here.paid()
    await eventually(lambda: _is(len(here.notices) >= 3), here._show)
    told = {opened["out_trade_no"]: opened for _, opened in here.notices}
    assert told[no]["amount"]["total"] == payment["amount_minor"]
    assert told[no]["transaction_id"] == payment["transaction_id"]
    assert told[no]["trade_state"] == "SUCCESS"
    assert {notice["event_type"] for notice, _ in here.notices} == {"TRANSACTION.SUCCESS"}
    status, found = await here.ask("GET", f"/v3/pay/transactions/out-trade-no/{no}?mchid=1900000001")
    assert (status, found["transaction_id"]) == (200, payment["transaction_id"])
    assert here.serials == {"PUB_KEY_ID_1", "PUB_KEY_ID_2"}, "both keys are in use while they rotate"


async def test_the_same_refund_number_pays_once_and_the_shop_learns_of_it(meet: Callable[..., Meeting]) -> None:
    here = meet()
    no, payment = await here.paid()
    for _ in range(3):
        status, told = await here.ask("POST", PATH, asked(payment))
        assert (status, told["status"]) == (200, "SUCCESS")
    books = here.books()
    assert books["refunds"]["R-1"] == {
        "order_no": no,
        "amount_minor": payment["amount_minor"],
        "status": "SUCCESS",
        "asked": 3,
        "payouts": 1,
        "by": "merchant",
    }
    assert (books["orders"][no]["status"], books["orders"][no]["refunded_minor"]) == (
        "refunded",
        payment["amount_minor"],
    )
    await eventually(lambda: _is(any(one["event_type"] == "REFUND.SUCCESS" for one, _ in here.notices)), here._show)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"out_refund_no": "R:1"}, 400, "INVALID_REQUEST"),
        ({"transaction_id": "4200-none"}, 404, "RESOURCE_NOT_EXISTS"),
        ({"amount": {"refund": 1, "total": 1, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ({"amount": None}, 400, "INVALID_REQUEST"),
    ],
)
async def test_what_does_not_fit_is_refused(
    meet: Callable[..., Meeting], changed: Json, status: int, code: str
) -> None:
    here = meet()
    _, payment = await here.paid()
    given, told = await here.ask("POST", PATH, asked(payment) | changed)
    assert (given, told["code"]) == (status, code)
    assert here.books()["refunds"] == {}


async def test_no_more_goes_back_than_was_paid(meet: Callable[..., Meeting]) -> None:
    here = meet()
    _, payment = await here.paid()
    assert (await here.ask("POST", PATH, asked(payment, refund=1)))[0] == 200
    assert (await here.ask("POST", PATH, asked(payment, "R-2")))[1]["code"] == "INVALID_REQUEST"
    assert (await here.ask("POST", PATH, asked(payment, refund=2)))[1]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize("changed", [{"SERIAL": "OTHER"}, {'mchid="19': 'mchid="18'}, {'timestamp="1': 'timestamp="2'}])
async def test_a_call_that_is_not_signed_by_the_merchant_is_refused(
    meet: Callable[..., Meeting], changed: dict[str, str]
) -> None:
    status, told = await meet().ask("GET", f"{PATH}/R-1", None, **changed)
    assert (status, told["code"]) == (401, "SIGN_ERROR")


async def test_a_refund_may_take_a_while(meet: Callable[..., Meeting]) -> None:
    here = meet(refund_processing_share=1.0, refund_processing_seconds=0.05)
    _, payment = await here.paid()
    assert (await here.ask("POST", PATH, asked(payment)))[1]["status"] == "PROCESSING"

    async def done() -> bool:
        return bool((await here.ask("GET", f"{PATH}/R-1"))[1]["status"] == "SUCCESS")

    await eventually(done, here._show)


async def test_notices_may_get_lost_for_ever_or_be_refused_for_a_while(meet: Callable[..., Meeting]) -> None:
    lost = meet(notify_lost_share=1.0)
    await lost.paid()
    assert lost.books()["faults"]["payment_notices_lost"] == 3
    late = meet(retry_4xx=3)
    late.refuse = 2
    await late.paid()
    await eventually(lambda: _is(len(late.notices) >= 3), late._show)


async def test_of_twenty_calls_one_is_too_many(meet: Callable[..., Meeting]) -> None:
    here = meet(limit_share=0.05)
    answers = [await here.ask("GET", f"{PATH}/R-1") for _ in range(20)]
    assert [told["code"] for status, told in answers if status == 429] == ["FREQUENCY_LIMITED"]


async def test_an_answer_may_get_lost_after_the_work(meet: Callable[..., Meeting]) -> None:
    here = meet(lost_answer_share=1.0)
    _, payment = await here.paid()
    assert (await here.ask("POST", PATH, asked(payment)))[0] == 503
    assert here.books()["refunds"]["R-1"]["payouts"] == 1


async def test_what_the_shop_gives_back_itself_is_not_the_merchants_refund(meet: Callable[..., Meeting]) -> None:
    here = meet()
    no, payment = await here.paid()
    order = here.world.shop.orders[no]
    order.status, order.refunded_minor = "refunded", order.paid_minor
    here.world.own.tell(order, hold=False)
    refunds = [one for one in here.books()["refunds"].values() if one["order_no"] == no]
    assert [(one["by"], one["amount_minor"], one["payouts"]) for one in refunds] == [
        ("shop", payment["amount_minor"], 1)
    ]
    assert (await here.ask("POST", PATH, asked(payment)))[1]["code"] == "INVALID_REQUEST"


async def _is(true: bool) -> bool:
    await asyncio.sleep(0)
    return true
