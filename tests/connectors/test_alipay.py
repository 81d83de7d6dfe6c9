"""Alipay: refunds and queries with every answer, notifications with every fault, no personal data anywhere."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from connectors.inbound import Outcome
from connectors.payments.alipay import AlipayMerchant
from connectors.payments.alipay_inbound import AlipayInbound
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable, Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundState
from tests.connectors.alipay_answers import (
    ALIPAY,
    ASK,
    BACK,
    BUYER,
    NONE_OF_IT,
    NOTICE,
    QUERY,
    REFUND,
    REFUND_QUERY,
    REFUNDED,
    TAKEN,
    TRADE,
    merchant,
    next_key,
    notified,
    refuses,
    says,
)
from tests.connectors.worlds import NOW, Stranger, clock, push

PAID_AT = datetime(2026, 11, 22, 13, 29, 59, tzinfo=UTC)
PAYMENT = PaymentObserved("alipay", "ali", "own", "mall", "D1", "2026112222001", 1000, "CNY", PAID_AT)
SEEN = RefundObserved(
    "alipay", "ali", "own", "mall", "D1", "2026112222001", "R-1", "2026112222001/R-1", RefundState.SUCCEEDED, 888, NOW
)


def form_of(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode(), strict_parsing=True).items()}


async def test_a_refund_says_what_and_how_much_in_yuan_and_is_asked_about() -> None:
    stranger = Stranger(says(REFUND, TAKEN), says(REFUND_QUERY, REFUNDED))
    shop = replace(ALIPAY, params=ALIPAY.params | {"notify_url": "https://oms.example/in/alipay/ali"})
    seen, raw = await AlipayMerchant(shop, stranger.client(), clock).refund(ASK)
    asked, queried = (form_of(request) for request in stranger.asked)
    assert str(stranger.asked[0].url) == "http://ali.example/gateway.do"
    assert (asked["method"], queried["method"]) == ("alipay.trade.refund", "alipay.trade.fastpay.refund.query")
    assert (asked["timestamp"], asked["sign_type"], asked["notify_url"]) == (
        "2026-11-22 21:30:00",
        "RSA2",
        "https://oms.example/in/alipay/ali",
    )
    assert json.loads(asked["biz_content"]) == {
        "trade_no": "2026112222001",
        "refund_amount": "8.88",
        "refund_reason": "订单已取消",
        "out_request_no": "R-1",
    }
    assert json.loads(queried["biz_content"]) == {"trade_no": "2026112222001", "out_request_no": "R-1"}
    assert (seen, raw) == (SEEN, says(REFUND_QUERY, REFUNDED).content)


async def test_a_repeat_that_moves_no_fund_is_a_success() -> None:
    """AFT-7: `fund_change` N says that the first one did."""
    stranger = Stranger(says(REFUND, TAKEN | {"fund_change": "N"}), says(REFUND_QUERY, REFUNDED))
    assert (await merchant(stranger).refund(ASK))[0] == SEEN


async def test_a_refund_that_the_question_does_not_show_yet_is_under_way() -> None:
    seen, raw = await merchant(Stranger(says(REFUND, TAKEN), says(REFUND_QUERY, NONE_OF_IT))).refund(ASK)
    assert seen == replace(SEEN, state=RefundState.PROCESSING, succeeded_at=None)
    assert raw == says(REFUND, TAKEN).content


async def test_a_refund_whose_question_finds_nobody_home_is_not_told_as_done() -> None:
    with pytest.raises(Unavailable):
        await merchant(Stranger(says(REFUND, TAKEN), httpx.ReadTimeout("slow"))).refund(ASK)


@pytest.mark.parametrize(
    "answer",
    [
        says(REFUND_QUERY, NONE_OF_IT),
        says(REFUND_QUERY, {k: v for k, v in REFUNDED.items() if k != "refund_status"}),
        refuses("40004", "ACQ.TRADE_NOT_EXIST", name=REFUND_QUERY),
    ],
)
async def test_a_refund_that_nobody_knows_is_none(answer: httpx.Response) -> None:
    assert await merchant(Stranger(answer)).query_refund(ASK) is None


async def test_a_payment_is_asked_for_by_the_orders_number() -> None:
    stranger = Stranger(says(QUERY, TRADE))
    assert await merchant(stranger).query_payment("D1") == (PAYMENT, says(QUERY, TRADE).content)
    assert json.loads(form_of(stranger.asked[0])["biz_content"]) == {"out_trade_no": "D1"}


async def test_what_is_not_paid_is_none_and_what_went_back_whole_was_a_payment() -> None:
    unpaid = TRADE | {"trade_status": "WAIT_BUYER_PAY", "send_pay_date": ""}
    assert await merchant(Stranger(says(QUERY, unpaid))).query_payment("D1") is None
    closed = unpaid | {"trade_status": "TRADE_CLOSED"}
    assert await merchant(Stranger(says(QUERY, closed))).query_payment("D1") is None
    assert await merchant(Stranger(refuses("40004", "ACQ.TRADE_NOT_EXIST"))).query_payment("D1") is None
    back = says(QUERY, TRADE | {"trade_status": "TRADE_CLOSED"})
    assert (await merchant(Stranger(back)).query_payment("D1") or (None,))[0] == PAYMENT


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(429), RateLimited, "429"),
        (httpx.Response(502, content=b"<html>"), Unavailable, "502"),
        (refuses("20000", "isp.unknow-error", "系统繁忙"), Unavailable, "isp.unknow-error.*系统繁忙"),
        (refuses("40004", "ACQ.SYSTEM_ERROR", "系统错误"), Unavailable, "ACQ.SYSTEM_ERROR"),
        (
            refuses("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足"),
            Refused,
            "ACQ.SELLER_BALANCE_NOT_ENOUGH.*卖家余额不足",
        ),
        (refuses("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效"), Refused, "退款金额无效"),
        (refuses("40006", "isv.insufficient-isv-permissions"), Refused, "permissions"),
        (refuses("40002", "isv.invalid-signature"), Broken, "40002 isv.invalid-signature"),
        (refuses("20001", "aop.invalid-auth-token"), Broken, "20001"),
        (refuses("70000"), Broken, "70000"),
        (httpx.Response(200, content=b"<html>"), Broken, "not its format"),
        (httpx.Response(200, json=[]), Broken, "not its format"),
        (httpx.Response(200, json={REFUND: 7}), Broken, "not its format"),
        (httpx.Response(404, json={}), Broken, "not its format"),
        (httpx.Response(200, json={REFUND: TAKEN, REFUND_QUERY: REFUNDED}), Broken, "proves nothing.*missing"),
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
    ("answer", "words"),
    [
        (says(REFUND_QUERY, REFUNDED, next_key()), "does not fit"),
        (says(REFUND_QUERY, REFUNDED | {"out_request_no": "R-2"}), "another refund"),
        (says(REFUND_QUERY, REFUNDED | {"trade_no": "9"}), "another refund"),
        (says(REFUND_QUERY, REFUNDED | {"refund_amount": "8.888"}), "refund_amount is not an amount in yuan"),
        (says(REFUND_QUERY, REFUNDED | {"refund_amount": "-8.88"}), "refund_amount is below 0"),
    ],
)
async def test_an_answer_that_proves_nothing_or_is_about_another_refund_is_broken(
    answer: httpx.Response, words: str
) -> None:
    with pytest.raises(Broken, match=words):
        await merchant(Stranger(answer)).query_refund(ASK)


async def test_only_yuan_go_back_and_only_the_order_that_was_asked_for_is_believed() -> None:
    with pytest.raises(Refused, match="CNY, not USD"):
        await merchant(Stranger()).refund(replace(ASK, currency="USD"))
    with pytest.raises(Broken, match="another payment"):
        await merchant(Stranger(says(QUERY, TRADE))).query_payment("D2")


def test_a_payment_is_read_from_its_notification() -> None:
    read = AlipayInbound(ALIPAY).parse(notified(NOTICE))
    assert (read.key, read.sent_at, read.observations) == ("N-1", None, (PAYMENT,))


def test_a_refund_is_read_from_its_notification_whole_or_partial() -> None:
    at = datetime(2026, 11, 22, 13, 29, 59, 123000, tzinfo=UTC)
    for status in ("TRADE_SUCCESS", "TRADE_CLOSED"):
        (seen,) = AlipayInbound(ALIPAY).parse(notified(BACK | {"trade_status": status})).observations
        assert seen == replace(SEEN, succeeded_at=at)


@pytest.mark.parametrize("status", ["WAIT_BUYER_PAY", "TRADE_CLOSED"])
def test_a_trade_that_was_never_paid_says_nothing(status: str) -> None:
    assert AlipayInbound(ALIPAY).parse(notified(NOTICE | {"trade_status": status})).observations == ()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (NOTICE | {"notify_id": ""}, "notify_id is missing"),
        (NOTICE | {"notify_id": "N" * 201}, "longer than 200"),
        (NOTICE | {"out_trade_no": ""}, "out_trade_no is empty"),
        ({k: v for k, v in NOTICE.items() if k != "trade_no"}, "trade_no is missing"),
        (NOTICE | {"total_amount": "10.001"}, "total_amount is not an amount in yuan"),
        (NOTICE | {"total_amount": "-1"}, "total_amount is below 0"),
        (NOTICE | {"gmt_payment": "2026/11/22"}, "gmt_payment: not yyyy-MM-dd HH:mm:ss"),
    ],
)
def test_bad_notifications_name_field_fault_and_remedy_but_nobody(form: dict[str, Any], words: str) -> None:
    with pytest.raises(Unparsable, match=words) as caught:
        AlipayInbound(ALIPAY).parse(push(urlencode(form).encode()))
    assert BUYER not in str(caught.value)


def test_the_answer_is_the_word_success_and_nothing_else() -> None:
    receiver = AlipayInbound(ALIPAY)
    for outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE):
        answer = receiver.answer(outcome, "", NOW)
        assert (answer.status, answer.body) == (200, b"success")
    for outcome in (Outcome.FORGED, Outcome.UNPARSABLE):
        answer = receiver.answer(outcome, "why", NOW)
        assert (answer.status >= 400, answer.body) == (True, b"fail: why")


def test_who_paid_is_in_no_observation() -> None:
    """SEC-1: the payer's id stays in the sealed message."""
    assert BUYER not in repr(AlipayInbound(ALIPAY).parse(notified(NOTICE)))
    assert "PRIVATE KEY" not in repr(ALIPAY)
