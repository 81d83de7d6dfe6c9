"""WeChat Pay: refunds and queries with every answer, notifications with every fault, no personal data anywhere."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.inbound import Outcome
from connectors.payments.wechatpay import WechatpayMerchant
from connectors.payments.wechatpay_inbound import WechatpayInbound
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable, Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundState
from tests.connectors.wechatpay_answers import (
    ASK,
    NEXT_SERIAL,
    OPENID,
    PAID,
    REFUNDED,
    WECHATPAY,
    merchant,
    next_key,
    notice,
    notified,
    refuses,
    says,
    sealed,
)
from tests.connectors.worlds import NOW, Stranger, clock, push

PAID_AT = datetime(2026, 11, 22, 13, 29, 59, tzinfo=UTC)
PAYMENT = PaymentObserved("wechatpay", "pay", "own", "mall", "D1", "4200001", 1000, "CNY", PAID_AT)
REFUND = RefundObserved(
    "wechatpay", "pay", "own", "mall", "D1", "4200001", "R-1", "5030001", RefundState.SUCCEEDED, 888, PAID_AT
)


async def test_a_refund_says_what_whose_and_how_much() -> None:
    stranger = Stranger(says(REFUNDED))
    shop = replace(WECHATPAY, params=WECHATPAY.params | {"notify_url": "https://oms.example/in/wechatpay/pay"})
    seen, raw = await WechatpayMerchant(shop, stranger.client(), clock).refund(ASK)
    (request,) = stranger.asked
    assert (request.method, str(request.url)) == ("POST", "http://pay.example/v3/refund/domestic/refunds")
    assert request.headers["accept"] == "application/json"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "transaction_id": "4200001",
        "out_refund_no": "R-1",
        "reason": "订单已取消",
        "notify_url": "https://oms.example/in/wechatpay/pay",
        "amount": {"refund": 888, "total": 1000, "currency": "CNY"},
    }
    assert (seen, json.loads(raw)) == (REFUND, REFUNDED)


async def test_a_refund_is_asked_for_by_our_number() -> None:
    stranger = Stranger(says(REFUNDED | {"status": "PROCESSING", "success_time": None}))
    found = await merchant(stranger).query_refund(ASK)
    assert found is not None
    assert (found[0].state, found[0].succeeded_at) == (RefundState.PROCESSING, None)
    assert str(stranger.asked[0].url) == "http://pay.example/v3/refund/domestic/refunds/R-1"


async def test_a_refund_that_nobody_knows_is_none() -> None:
    assert await merchant(Stranger(refuses("RESOURCE_NOT_EXISTS", 404))).query_refund(ASK) is None


async def test_a_payment_is_asked_for_by_the_orders_number() -> None:
    stranger = Stranger(says(PAID))
    assert await merchant(stranger).query_payment("D1") == (PAYMENT, says(PAID).content)
    assert str(stranger.asked[0].url) == "http://pay.example/v3/pay/transactions/out-trade-no/D1?mchid=1900009191"


@pytest.mark.parametrize("state", ["NOTPAY", "CLOSED", "REVOKED", "USERPAYING", "PAYERROR"])
async def test_what_is_not_paid_is_none(state: str) -> None:
    told = {"mchid": "1900009191", "out_trade_no": "D1", "trade_state": state}
    assert await merchant(Stranger(says(told))).query_payment("D1") is None


async def test_a_payment_that_went_back_was_one_and_an_unknown_order_is_none() -> None:
    assert await merchant(Stranger(says(PAID | {"trade_state": "REFUND"}))).query_payment("D1") is not None
    assert await merchant(Stranger(refuses("ORDER_NOT_EXIST", 404))).query_payment("D1") is None


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refuses("FREQUENCY_LIMITED", 429), RateLimited, "429"),
        (refuses("FREQUENCY_LIMITED", 403), RateLimited, "FREQUENCY_LIMITED"),
        (refuses("SYSTEM_ERROR", 500), Unavailable, "500"),
        (refuses("SYSTEM_ERROR", 400, "系统繁忙"), Unavailable, "系统繁忙"),
        (refuses("NOT_ENOUGH", 403, "基本账户余额不足"), Refused, "NOT_ENOUGH.*基本账户余额不足"),
        (refuses("INVALID_REQUEST", 400, "订单已全额退款"), Refused, "订单已全额退款"),
        (refuses("NO_AUTH", 403, "没有退款权限"), Refused, "没有退款权限"),
        (refuses("SIGN_ERROR", 401, "签名错误"), Broken, "SIGN_ERROR"),
        (refuses("SOMETHING_NEW", 400), Broken, "SOMETHING_NEW"),
        (httpx.Response(400, content=b"<html>"), Broken, "not its format"),
        (httpx.Response(502, content=b"<html>"), Unavailable, "502"),
        (httpx.Response(403, json={"code": 7}), Broken, "not its format"),
        (httpx.Response(200, json=REFUNDED), Broken, "proves nothing.*missing"),
        (says(REFUNDED, serial=NEXT_SERIAL, key=next_key()), Broken, "no platform key"),
        (says(REFUNDED | {"out_refund_no": "R-2"}), Broken, "another refund"),
        (says(REFUNDED | {"status": "MAYBE"}), Broken, "MAYBE"),
        (says(REFUNDED | {"amount": {}}), Broken, "amount.refund is missing"),
        (httpx.ReadTimeout("slow"), Unavailable, "in time"),
    ],
)
async def test_every_answer_is_one_of_three_words(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    for ask in (merchant(Stranger(answer)).refund, merchant(Stranger(answer)).query_refund):
        with pytest.raises(error, match=words) as caught:
            await ask(ASK)
        assert type(caught.value) is error


@pytest.mark.parametrize(
    "told",
    [PAID | {"out_trade_no": "D2"}, PAID | {"mchid": "1"}, {k: v for k, v in PAID.items() if k != "transaction_id"}],
)
async def test_an_answer_about_another_payment_is_broken(told: dict[str, Any]) -> None:
    with pytest.raises(Broken):
        await merchant(Stranger(says(told))).query_payment("D1")


def test_a_payment_is_read_from_its_notification() -> None:
    read = WechatpayInbound(WECHATPAY).parse(notified(PAID))
    assert (read.key, read.sent_at, read.observations) == ("EV-1", NOW, (PAYMENT,))


@pytest.mark.parametrize(
    ("event", "word", "state"),
    [
        ("REFUND.SUCCESS", "SUCCESS", RefundState.SUCCEEDED),
        ("REFUND.ABNORMAL", "ABNORMAL", RefundState.ABNORMAL),
        ("REFUND.CLOSED", "CLOSED", RefundState.CLOSED),
    ],
)
def test_a_refund_is_read_from_its_notification(event: str, word: str, state: RefundState) -> None:
    told = {name: value for name, value in REFUNDED.items() if name != "status"}
    told |= {"mchid": "1900009191", "refund_status": word}
    (seen,) = WechatpayInbound(WECHATPAY).parse(notified(told, event)).observations
    assert seen == replace(REFUND, state=state)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[]", "not an object"),
        (notice(PAID, "TRANSACTION.SECRET"), "event_type 'TRANSACTION.SECRET' is none of"),
        (notice(PAID, id=""), "id is empty"),
        (notice(PAID, resource={"algorithm": "AES"}), "resource.ciphertext is missing"),
        (notice(PAID, resource=sealed(PAID) | {"algorithm": "RC4"}), "resource.algorithm is not AEAD_AES_256_GCM"),
        (notice(PAID, resource=sealed(PAID, "0" * 32)), "no APIv3 key of this account opens it"),
        (notice(PAID, resource=sealed(PAID) | {"ciphertext": "?"}), "not base64"),
        (notice(PAID, resource=sealed(PAID) | {"associated_data": "x"}), "opens it"),
        (notice(PAID | {"mchid": "1900000001"}), "mchid is not the one of this account"),
        (notice(PAID | {"trade_state": "NOTPAY"}), "trade_state says otherwise"),
        (notice(PAID | {"amount": {"total": 10.5}}), "amount.total is not a whole number"),
        (notice(PAID | {"amount": {"total": -1}}), "amount.total is below 0"),
        (notice(PAID | {"success_time": "2026-11-22 21:29:59"}), "success_time: not ISO 8601 with an offset"),
        (notice(REFUNDED | {"status": "LOST"}, "REFUND.SUCCESS"), "status 'LOST' is none of"),
        (notice(REFUNDED | {"amount": {"refund": 0}}, "REFUND.SUCCESS"), "amount.refund"),
    ],
)
def test_bad_notifications_name_field_fault_and_remedy_but_nobody(body: bytes, words: str) -> None:
    with pytest.raises(Unparsable, match=words) as caught:
        WechatpayInbound(WECHATPAY).parse(push(body))
    assert OPENID not in str(caught.value)


def test_answers_are_statuses() -> None:
    receiver = WechatpayInbound(WECHATPAY)
    statuses = {outcome: receiver.answer(outcome, "why", NOW).status for outcome in Outcome}
    wanted = {Outcome.ACCEPTED: 200, Outcome.DUPLICATE: 200, Outcome.FORGED: 401, Outcome.UNPARSABLE: 422}
    assert statuses == wanted
    assert json.loads(receiver.answer(Outcome.FORGED, "why", NOW).body) == {"code": "FAIL", "message": "why"}


def test_who_paid_is_in_no_observation() -> None:
    """SEC-1: the payer's id stays in the sealed message."""
    assert OPENID not in repr(WechatpayInbound(WECHATPAY).parse(notified(PAID)))
    assert "零钱" not in repr(REFUND)
    assert "PRIVATE KEY" not in repr(WECHATPAY)
