"""The own-shop channel, as docs/own-shop-api.md promises it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.inbound import Outcome, Push
from connectors.platforms.own import OwnInbound, OwnShop, signature
from domain.contacts import Contact, ContactForm
from domain.errors import Broken, Forged, OmsError, Refused, Unavailable, Unparsable
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, LineObserved, OrderObserved
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

SENT = "2026-11-22T21:30:00+08:00"
VECTOR = "9b7bfda71c6394e25341d7c6e531ed02d1e3cbbdf605bdbee486461b5ef3bf1a"
VECTOR_BODY = b'{"order":{"no":"T1"}}'
PERSONAL = ("李小明", "13812345678", "科技园南路9号", "请放前台李小明")


def order(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "no": "D2611220001",
        "status": "paid",
        "updated_at": "2026-11-22T21:30:00.120+08:00",
        "placed_at": "2026-11-22T21:29:40+08:00",
        "paid_at": "2026-11-22T13:30:00Z",
        "currency": "CNY",
        "goods_minor": 31800,
        "shop_discount_minor": 2000,
        "platform_discount_minor": 0,
        "freight_minor": 800,
        "total_minor": 30600,
        "paid_minor": 30600,
        "refunded_minor": 0,
        "lines": [line()],
        "receiver": receiver(),
        "buyer": {"id": "b-1007", "ip": "203.0.113.7"},
        "remark": "请放前台李小明",
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def line(**changes: Any) -> dict[str, Any]:
    base = {"no": "1", "sku": "TEE-WHITE-M", "title": "纯棉圆领短袖 白 M", "quantity": 2}
    return {**base, "unit_minor": 15900, "discount_minor": 0, "amount_minor": 31800, **changes}


def receiver(**changes: Any) -> dict[str, Any]:
    where = {"province": "广东省", "city": "深圳市", "district": "南山区", "address": "科技园南路9号"}
    base = {"name": "李小明", "phone": "13812345678", **where, **changes}
    return {name: value for name, value in base.items() if value is not ...}


def arriving(body: bytes, event: str = "evt-1", secret: str = OWN.secrets[0], sent: str = SENT) -> Push:
    headers = {
        "x-steadfast-key": "k1",
        "x-steadfast-timestamp": sent,
        "x-steadfast-event": event,
        "x-steadfast-signature": signature(secret, sent, event, body),
    }
    return push(body, headers=headers)


def read(body: bytes) -> OrderObserved:
    arrived = arriving(body)
    OwnInbound(OWN).verify(arrived)
    (observed,) = OwnInbound(OWN).parse(arrived).observations
    assert isinstance(observed, OrderObserved)
    return observed


def told(content: object) -> str:
    with pytest.raises(Unparsable) as caught:
        read(content if isinstance(content, bytes) else json.dumps(content).encode())
    return caught.value.reason


def test_we_sign_what_the_protocol_signs() -> None:
    assert signature("own-shop-test-secret", SENT, "evt-1", VECTOR_BODY) == VECTOR


def test_we_accept_what_the_protocol_signs_and_the_key_before() -> None:
    arrived = arriving(VECTOR_BODY)
    assert arrived.headers["x-steadfast-signature"] == VECTOR
    OwnInbound(OWN).verify(arrived)
    OwnInbound(OWN).verify(arriving(VECTOR_BODY, secret="own-shop-old-secret"))


@pytest.mark.parametrize(
    ("header", "value", "reason"),
    [
        ("x-steadfast-key", "k2", "x-steadfast-key is not the key id"),
        ("x-steadfast-key", "", "header missing: x-steadfast-key"),
        ("x-steadfast-signature", VECTOR.replace("9", "8", 1), "x-steadfast-signature does not fit"),
        ("x-steadfast-signature", "签", "x-steadfast-signature does not fit"),
        ("x-steadfast-event", "evt-2", "x-steadfast-signature does not fit"),
        ("x-steadfast-event", "e" * 129, "x-steadfast-event is not 1-128"),
        ("x-steadfast-event", "é", "x-steadfast-event is not 1-128"),
        ("x-steadfast-timestamp", "2026-11-22T21:30:01+08:00", "x-steadfast-signature does not fit"),
        ("x-steadfast-timestamp", "2026-11-22T21:30:00", "not ISO 8601 with an offset"),
        ("x-steadfast-timestamp", "1763818200", "not ISO 8601 with an offset"),
        ("x-steadfast-timestamp", "2026-11-22T21:19:59+08:00", "more than 10 minutes"),
    ],
)
def test_a_changed_message_is_forged(header: str, value: str, reason: str) -> None:
    arrived = arriving(VECTOR_BODY)
    changed = replace(arrived, headers={**arrived.headers, header: value})
    with pytest.raises(Forged, match=reason):
        OwnInbound(OWN).verify(changed)


@pytest.mark.parametrize("secrets", [("other",), (), ("",)])
def test_another_key_or_none_is_forged(secrets: tuple[str, ...]) -> None:
    for arrived in (arriving(VECTOR_BODY), arriving(VECTOR_BODY, secret="")):
        with pytest.raises(Forged, match="does not fit"):
            OwnInbound(replace(OWN, secrets=secrets)).verify(arrived)


def test_a_changed_body_is_forged() -> None:
    with pytest.raises(Forged, match="does not fit"):
        OwnInbound(OWN).verify(replace(arriving(VECTOR_BODY), body=b'{"order":{"no":"T2"}}'))


def test_a_late_message_is_forged_and_may_be_replayed_with_its_time_of_receiving() -> None:
    arrived = arriving(VECTOR_BODY)
    OwnInbound(OWN).verify(replace(arrived, received_at=NOW + timedelta(minutes=10)))
    with pytest.raises(Forged, match="10 minutes"):
        OwnInbound(OWN).verify(replace(arrived, received_at=NOW + timedelta(seconds=601)))


def test_a_whole_order_is_read() -> None:
    arrived = arriving(json.dumps({"order": order(), "later_field": 1}).encode())
    genuine = OwnInbound(OWN).parse(arrived)
    assert (genuine.key, genuine.sent_at) == ("evt-1", NOW)
    assert genuine.observations == (
        OrderObserved(
            channel="own",
            shop="mall",
            no="D2611220001",
            status=ChannelStatus.PAID,
            raw_status="paid",
            vendor_time=NOW + timedelta(milliseconds=120),
            placed_at=NOW - timedelta(seconds=20),
            paid_at=NOW,
            currency="CNY",
            goods_minor=31800,
            shop_discount_minor=2000,
            platform_discount_minor=0,
            freight_minor=800,
            total_minor=30600,
            paid_minor=30600,
            refunded_minor=0,
            lines=(LineObserved("1", "TEE-WHITE-M", "纯棉圆领短袖 白 M", 2, 15900, 0, 31800, "TEE-WHITE-M"),),
            contact=Contact(ContactForm.PLAIN, "广东省", "深圳市", "南山区", "李小明", "13812345678", "科技园南路9号"),
            buyer_id="b-1007",
            buyer_ip="203.0.113.7",
            remark="请放前台李小明",
        ),
    )


def test_buyer_remark_and_district_may_be_absent() -> None:
    content = order(buyer=..., remark=..., receiver=receiver(district=...))
    observed = read(json.dumps({"order": content}).encode())
    assert (observed.buyer_id, observed.remark, observed.contact.district) == ("", "", "")


WRONG_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"no": 7}, "order.no is not a text: put it in quotes"),
    ({"no": ""}, "order.no is empty: fill it"),
    ({"no": "a b"}, "order.no has characters"),
    ({"no": "a\x00b"}, "order.no has characters"),
    ({"no": ...}, "order.no is missing: send it"),
    ({"status": "shipped"}, "order.status is none of 'unpaid', 'deposit', 'paid', 'cancelled' or 'refunded'"),
    ({"currency": "cny"}, "order.currency has characters or a form"),
    ({"total_minor": True}, "order.total_minor is not a whole number"),
    ({"total_minor": "30600"}, "order.total_minor is not a whole number"),
    ({"total_minor": 306.5}, "order.total_minor is not a whole number"),
    ({"total_minor": float("nan")}, "order.total_minor is not a whole number"),
    ({"total_minor": None}, "order.total_minor is not a whole number"),
    ({"total_minor": 2**53}, "order.total_minor is above 10000000000: send 10000000000 or less"),
    ({"total_minor": 10**30}, "order.total_minor is above 10000000000"),
    ({"freight_minor": -1}, "order.freight_minor is below 0: send 0 or more"),
    ({"placed_at": "2026-11-22T21:29:40"}, "order.placed_at is not ISO 8601 with an offset"),
    ({"placed_at": 1763818200}, "order.placed_at is not a text: send ISO 8601 with an offset"),
    ({"placed_at": "2026-02-30T00:00:00Z"}, "order.placed_at is"),
    ({"placed_at": "0001-01-01T00:00:00+08:00"}, "order.placed_at is not between the years 2000"),
    ({"paid_at": None}, "order.paid_at is null although status is paid: send the time of payment"),
    ({"status": "unpaid"}, "order.paid_at is given although status is unpaid: send null"),
    ({"status": "unpaid", "paid_at": None}, "order.paid_minor is 30600 although status is unpaid: send 0"),
    ({"goods_minor": 31801}, "order.goods_minor is 31801, but the lines add up to 31800: mend one of them"),
    ({"total_minor": 30601}, "platform_discount + freight is 30600: mend one of them"),
    ({"refunded_minor": 30601}, "order.refunded_minor is 30601, more than paid_minor, 30600"),
    ({"lines": []}, "order.lines has fewer than 1 entries"),
    ({"lines": [line()] * 201}, "order.lines has more than 200 entries: send fewer"),
    ({"lines": {}}, "order.lines is not a list"),
    ({"lines": ["x"]}, "order.lines[0] is not an object"),
    ({"lines": [line(), line(quantity=1)]}, "order.lines[1].no is the same as that of lines[0]"),
    ({"lines": [line(quantity=0)]}, "order.lines[0].quantity is below 1"),
    ({"lines": [line(quantity=10_000)]}, "order.lines[0].quantity is above 9999"),
    ({"lines": [line(amount_minor=31700)]}, "31700, but quantity x unit_minor - discount_minor is 31800"),
    ({"receiver": ...}, "order.receiver is missing"),
    ({"receiver": receiver(name="")}, "order.receiver.name is empty"),
    ({"receiver": receiver(phone=13812345678)}, "order.receiver.phone is not a text"),
    ({"receiver": receiver(address="科技园南路9号\x00")}, "order.receiver.address has characters"),
    ({"receiver": receiver(address="科技园南路9号" * 100)}, "order.receiver.address is longer than 500"),
    ({"receiver": "李小明 13812345678 科技园南路9号"}, "order.receiver is not an object"),
    ({"buyer": {"ip": "李小明"}}, "order.buyer.ip has characters"),
    ({"remark": "李小明" * 1000}, "order.remark is longer than 2000"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), WRONG_FIELDS)
def test_a_wrong_field_is_named_with_what_to_do_and_no_personal_value(changes: dict[str, Any], words: str) -> None:
    reason = told({"order": order(**changes)})
    assert words in reason
    assert not [value for value in PERSONAL if value in reason]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"order": {"no": "\\ud800"}}', "not JSON"),
        (b"[]", "is not an object"),
        (b"{}", "order is missing"),
        (b'{"order": "x"}', "order is not an object"),
        (b" " * (1024 * 1024 + 1), "larger than 1048576 bytes"),
    ],
)
def test_what_is_no_order_at_all_is_refused(body: bytes, words: str) -> None:
    assert words in told(body)


def test_at_most_five_errors_are_told() -> None:
    reason = told({"order": {"no": "1"}})
    assert reason.count(" is missing") == 5
    assert reason.endswith("; and 8 more")


def test_several_contradictions_are_told_together() -> None:
    reason = told({"order": order(goods_minor=1, paid_at=None)})
    assert [part.split()[0] for part in reason.split("; ")] == [
        "order.goods_minor",
        "order.total_minor",
        "order.paid_at",
    ]


@pytest.mark.parametrize(
    ("outcome", "status", "said"),
    [
        (Outcome.ACCEPTED, 200, {"accepted": True, "duplicate": False}),
        (Outcome.DUPLICATE, 200, {"accepted": True, "duplicate": True}),
        (Outcome.FORGED, 401, {"accepted": False, "error": "why"}),
        (Outcome.UNPARSABLE, 422, {"accepted": False, "error": "why"}),
    ],
)
def test_answers_are_those_of_the_protocol(outcome: Outcome, status: int, said: dict[str, Any]) -> None:
    answer = OwnInbound(OWN).answer(outcome, "why", NOW)
    assert (answer.status, json.loads(answer.body)) == (status, said)


SHIPPED = datetime(2026, 11, 22, 14, 10, tzinfo=UTC)
NOTICE = ShipmentNotice(
    "D2611220001", "SF", "SF1380000000012", SHIPPED, (ShippedLine("1", "TEE-WHITE-M", 2),), whole=True, key="ship:F1:1"
)


async def write_back(stranger: Stranger) -> None:
    await OwnShop(OWN, stranger.client(), clock).write_back(NOTICE)


async def test_a_shipment_is_told_in_the_protocols_words_and_signed() -> None:
    stranger = Stranger(httpx.Response(204))
    await write_back(stranger)
    request = stranger.asked[0]
    assert str(request.url) == "http://shop.example/shipments"
    assert json.loads(request.content) == {
        "shipment": {
            "order_no": "D2611220001",
            "carrier": "SF",
            "waybill_no": "SF1380000000012",
            "shipped_at": "2026-11-22T22:10:00+08:00",
            "items": [{"sku": "TEE-WHITE-M", "quantity": 2}],
        }
    }
    OwnInbound(OWN).verify(push(request.content, headers=request.headers))
    assert request.headers["x-steadfast-event"] == "ship:F1:1"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.Response(404, json={"error": "no such order"}), Refused, "refused (http-404): no such order"),
        (httpx.Response(422, json={"error": "联系13812345678"}), Refused, "refused (http-422): 联系***"),
        (httpx.Response(400, text="<html>"), Refused, "the shop gave no reason"),
        (httpx.Response(302), Broken, "HTTP 302 about ship:F1:1"),
        (httpx.Response(429, headers={"retry-after": "5"}), Unavailable, "HTTP 429"),
        (httpx.Response(500), Unavailable, "HTTP 500"),
        (httpx.ReadTimeout("x"), Unavailable, "in time"),
    ],
)
async def test_every_answer_has_one_of_three_words(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await write_back(Stranger(answer))
    assert words in str(caught.value)
