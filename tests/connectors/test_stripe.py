"""Stripe: refunds and queries with every answer, events with every fault, no personal data anywhere."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors.inbound import Outcome
from connectors.payments.stripe_inbound import StripeInbound
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable, Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundState
from tests.connectors.stripe_answers import (
    ASK,
    EMAIL,
    INTENT,
    REFUND,
    SESSION,
    STRIPE,
    VECTOR_BODY,
    event,
    listed,
    merchant,
    notified,
    refuses,
)
from tests.connectors.worlds import NOW, Stranger, push

BEFORE = NOW - timedelta(seconds=1)
PAYMENT = PaymentObserved("stripe", "str", "own", "mall", "D1", "pi_1", 1000, "USD", BEFORE)
SEEN = RefundObserved("stripe", "str", "own", "mall", "D1", "pi_1", "R-1", "re_1", RefundState.SUCCEEDED, 888, NOW)


async def test_a_refund_says_what_and_how_much_under_our_number_and_is_asked_about() -> None:
    stranger = Stranger(httpx.Response(200, json=REFUND | {"status": "pending"}), listed(REFUND))
    seen, raw = await merchant(stranger).refund(ASK)
    asked, queried = stranger.asked
    assert (asked.method, str(asked.url)) == ("POST", "http://stripe.example/v1/refunds")
    assert asked.headers["authorization"] == "Bearer sk_test_0123456789"
    assert asked.headers["idempotency-key"] == "R-1"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert {name: values[0] for name, values in parse_qs(asked.content.decode()).items()} == {
        "payment_intent": "pi_1",
        "amount": "888",
        "reason": "requested_by_customer",
        "metadata[order_no]": "D1",
        "metadata[refund_no]": "R-1",
    }
    assert (queried.method, str(queried.url)) == (
        "GET",
        "http://stripe.example/v1/refunds?payment_intent=pi_1&limit=100",
    )
    assert "idempotency-key" not in queried.headers
    assert (seen, raw) == (SEEN, listed(REFUND).content), "what the question says counts, not what is repeated"


async def test_a_refund_that_the_list_does_not_show_yet_stands_as_the_answer_says() -> None:
    stranger = Stranger(httpx.Response(200, json=REFUND | {"status": "pending"}), listed())
    seen, _ = await merchant(stranger).refund(ASK)
    assert seen == replace(SEEN, state=RefundState.PROCESSING, succeeded_at=None)


async def test_yen_have_no_smaller_unit() -> None:
    yen = REFUND | {"currency": "jpy", "amount": 500}
    stranger = Stranger(httpx.Response(200, json=yen), listed(yen))
    seen, _ = await merchant(stranger).refund(replace(ASK, currency="JPY", amount_minor=500))
    assert "amount=500" in stranger.asked[0].content.decode()
    assert seen.amount_minor == 500
    (paid,) = (
        StripeInbound(STRIPE).parse(notified("payment_intent.succeeded", INTENT | {"currency": "jpy"})).observations
    )
    assert paid == replace(PAYMENT, currency="JPY")


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", RefundState.PROCESSING),
        ("requires_action", RefundState.PROCESSING),
        ("failed", RefundState.ABNORMAL),
        ("canceled", RefundState.CLOSED),
    ],
)
async def test_a_refund_is_found_among_others_by_our_number(status: str, state: RefundState) -> None:
    other = REFUND | {"id": "re_0", "metadata": {}}
    first, second = listed(other, has_more=True), listed(REFUND | {"status": status})
    stranger = Stranger(first, second)
    found = await merchant(stranger).query_refund(ASK)
    assert found is not None
    assert (found[0].state, found[0].succeeded_at) == (state, None)
    assert parse_qs(urlsplit(str(stranger.asked[1].url)).query)["starting_after"] == ["re_0"]


async def test_a_refund_that_nobody_knows_is_none_and_the_looking_has_an_end() -> None:
    other = REFUND | {"id": "re_0", "metadata": None}
    assert await merchant(Stranger(listed(other))).query_refund(ASK) is None
    with pytest.raises(Broken, match="more than 1000 refunds"):
        await merchant(Stranger(*[listed(other, has_more=True)] * 10)).query_refund(ASK)


async def test_a_payment_is_searched_for_by_the_orders_number() -> None:
    tried = INTENT | {"id": "pi_0", "status": "requires_payment_method", "amount_received": 0}
    stranger = Stranger(listed(tried, INTENT))
    found = await merchant(stranger).query_payment("D1")
    assert found is not None
    assert found[0] == PAYMENT
    query = parse_qs(urlsplit(str(stranger.asked[0].url)).query)
    assert query["query"] == ["metadata['order_no']:'D1'"]
    assert await merchant(Stranger(listed(tried))).query_payment("D1") is None
    quoted = Stranger(listed())
    assert await merchant(quoted).query_payment("D'1") is None
    assert parse_qs(urlsplit(str(quoted.asked[0].url)).query)["query"] == ["metadata['order_no']:'D\\'1'"]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refuses(429, "invalid_request_error", "rate_limit"), RateLimited, "429"),
        (refuses(400, "invalid_request_error", "rate_limit", "slow"), RateLimited, "rate_limit"),
        (refuses(500, "api_error"), Unavailable, "500"),
        (refuses(400, "api_error", "", "try again"), Unavailable, "try again"),
        (refuses(409, "idempotency_error", "", "concurrent"), Unavailable, "concurrent"),
        (refuses(400, "idempotency_error", "", "other parameters"), Broken, "other parameters"),
        (
            refuses(400, "invalid_request_error", "charge_already_refunded", "Charge has already been refunded."),
            Refused,
            "charge_already_refunded.*already been refunded",
        ),
        (refuses(402, "card_error", "", "Insufficient funds"), Refused, "card_error.*Insufficient funds"),
        (refuses(401, "invalid_request_error", "", "Invalid API Key"), Broken, "401.*Invalid API Key"),
        (refuses(400, "something_new"), Broken, "something_new"),
        (httpx.Response(400, content=b"<html>"), Broken, "not its format"),
        (httpx.Response(400, json={"error": "no"}), Broken, "not its format"),
        (httpx.Response(200, content=b"<html>"), Broken, "not JSON"),
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
    ("told", "words"),
    [
        (REFUND | {"payment_intent": "pi_2"}, "another refund"),
        (REFUND | {"currency": "eur"}, "in eur, not USD"),
        (REFUND | {"status": "maybe"}, "maybe"),
        (REFUND | {"metadata": {"refund_no": "R-1"}}, "metadata.order_no"),
        (REFUND | {"amount": 8.5}, "amount has decimals|not a whole number"),
    ],
)
async def test_an_answer_about_another_refund_is_broken(told: dict[str, Any], words: str) -> None:
    with pytest.raises(Broken, match=words):
        await merchant(Stranger(listed(told))).query_refund(ASK)
    with pytest.raises(Broken, match="another payment"):
        await merchant(Stranger(listed(INTENT))).query_payment("D2")


async def test_an_account_without_its_key_is_broken() -> None:
    bare = merchant(Stranger())
    bare._shop = replace(STRIPE, sealed={})
    with pytest.raises(Broken, match="has no api_key"):
        await bare.refund(ASK)


@pytest.mark.parametrize(
    ("kind", "carried"),
    [
        ("payment_intent.succeeded", INTENT),
        ("checkout.session.completed", SESSION),
        (
            "checkout.session.async_payment_succeeded",
            SESSION | {"client_reference_id": None, "metadata": {"order_no": "D1"}},
        ),
    ],
)
def test_a_payment_is_read_from_either_of_its_events(kind: str, carried: dict[str, Any]) -> None:
    read = StripeInbound(STRIPE).parse(notified(kind, carried))
    assert (read.key, read.sent_at, read.observations) == ("evt_1", NOW, (PAYMENT,))


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "refund.failed"])
def test_a_refund_of_ours_is_read_from_its_events(kind: str) -> None:
    (seen,) = StripeInbound(STRIPE).parse(notified(kind, REFUND)).observations
    assert seen == replace(SEEN, succeeded_at=BEFORE)
    (seen,) = StripeInbound(STRIPE).parse(notified(kind, REFUND | {"status": "failed"})).observations
    assert seen == replace(SEEN, state=RefundState.ABNORMAL, succeeded_at=None)


@pytest.mark.parametrize(
    "body",
    [
        VECTOR_BODY,
        event("customer.created", {}),
        event("checkout.session.completed", SESSION | {"payment_status": "unpaid"}),
        event("refund.updated", REFUND | {"metadata": {}}),
        event("refund.updated", REFUND | {"metadata": None}),
    ],
)
def test_what_is_about_no_payment_and_no_refund_of_ours_is_taken_and_says_nothing(body: bytes) -> None:
    assert StripeInbound(STRIPE).parse(push(body)).observations == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[]", "not an object"),
        (event("payment_intent.succeeded", INTENT, ""), "id is empty"),
        (event("payment_intent.succeeded", INTENT | {"metadata": {}}), "metadata.order_no is missing: the shop has to"),
        (event("payment_intent.succeeded", INTENT | {"metadata": {"order_no": "D" * 201}}), "longer than 200"),
        (event("payment_intent.succeeded", INTENT | {"amount_received": -1}), "amount_received is below 0"),
        (event("payment_intent.succeeded", INTENT | {"amount_received": 1.5}), "amount_received"),
        (event("checkout.session.completed", SESSION | {"payment_intent": None}), "payment_intent, amount_total"),
        (event("refund.updated", REFUND | {"status": None}), "status '' is none of"),
        (b'{"id":"evt_1","type":"refund.updated","data":{"object":7}}', "data.object"),
        (
            b'{"id":"evt_1","type":"refund.updated","created":99999999999999,"data":{"object":{}}}',
            "data.object|created",
        ),
    ],
)
def test_bad_events_name_field_fault_and_remedy_but_nobody(body: bytes, words: str) -> None:
    with pytest.raises(Unparsable, match=words) as caught:
        StripeInbound(STRIPE).parse(push(body))
    assert EMAIL not in str(caught.value)


def test_answers_are_statuses() -> None:
    receiver = StripeInbound(STRIPE)
    statuses = {outcome: receiver.answer(outcome, "why", NOW).status for outcome in Outcome}
    wanted = {Outcome.ACCEPTED: 200, Outcome.DUPLICATE: 200, Outcome.FORGED: 401, Outcome.UNPARSABLE: 422}
    assert statuses == wanted


def test_who_paid_is_in_no_observation() -> None:
    """SEC-1: the buyer's address stays in the sealed message."""
    assert EMAIL not in repr(StripeInbound(STRIPE).parse(notified("payment_intent.succeeded", INTENT)))
    assert "sk_test" not in repr(STRIPE)
