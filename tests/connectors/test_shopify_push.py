"""Shopify's signatures by their vectors in both directions, and what its pushes hint at (INT-6, INT-14)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.inbound import Outcome
from connectors.platforms.shopify_push import TOPICS as ASKED
from connectors.platforms.shopify_push import ShopifyInbound
from connectors.platforms.shopify_sign import callback_sign, push_sign
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from tests.connectors.shopify_answers import OLD_SECRET, SHOPIFY, pushed
from tests.connectors.worlds import NOW, push

VECTORS = [
    ("SHP-WH-1", b'"my secret message"', "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI="),
    (
        "SHP-WH-2",
        b'{"id":820982911946154508,"email":"jon@example.com","financial_status":"paid","name":"#9999"}',
        "c57ioxZM9iNtFP/cbGUT03x16Mw6MtL3Vdk2UO/hz/w=",
    ),
]
CALLBACK = {
    "code": "a94a110d86d2452eb3e2af4cfb8a3828",
    "shop": "some-shop.myshopify.com",
    "timestamp": "1337178173",
}
CALLBACKS = [
    ("SHP-OAUTH", CALLBACK, "2cb1a277650a659f1b11e92a4a64275b128e037f2c3390e3c8fd2d8721dac9e2"),
    (
        "SHP-OAUTH-2",
        {**CALLBACK, "code": "0907a61c0c8d55e99db179b68161bc00", "state": "0.6784241404160823"},
        "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
    ),
]
INBOUND = ShopifyInbound(SHOPIFY)


@pytest.mark.parametrize(("name", "body", "signed"), VECTORS)
def test_what_the_platform_signed_is_accepted_and_a_flipped_bit_is_not(name: str, body: bytes, signed: str) -> None:
    assert push_sign("hush", body) == signed, name
    headers = {"x-shopify-hmac-sha256": signed, "x-shopify-topic": "orders/paid"}
    INBOUND.verify(push(body, headers=headers))
    for bad in (
        push(bytes([body[0] ^ 1]) + body[1:], headers=headers),
        push(body, headers={**headers, "x-shopify-hmac-sha256": "A" + signed[1:]}),
        push(body, headers={**headers, "x-shopify-hmac-sha256": ""}),
        push(body, headers={**headers, "x-shopify-hmac-sha256": "é"}),
    ):
        with pytest.raises(Forged):
            INBOUND.verify(bad)


@pytest.mark.parametrize(("name", "query", "signed"), CALLBACKS)
def test_the_callback_of_an_authorisation_is_signed_as_published(name: str, query: dict[str, str], signed: str) -> None:
    assert callback_sign("hush", query) == signed, name
    assert callback_sign("hush", {**query, "hmac": "x"}) == signed
    assert callback_sign("hush", {**query, "shop": "some-shop.myshopify.con"}) != signed
    assert callback_sign("hushh", query) != signed


def test_the_key_before_counts_and_an_empty_one_lets_nobody_sign() -> None:
    """INT-14."""
    INBOUND.verify(pushed({"id": 1}, secret=OLD_SECRET))
    with pytest.raises(Forged):
        ShopifyInbound(replace(SHOPIFY, secrets=("",))).verify(pushed({"id": 1}, secret=""))


TOPICS = [
    ("orders/paid", {"id": 9007199254740993}, ("9007199254740993", ChannelStatus.PAID)),
    ("orders/create", {"id": 5, "financial_status": "paid"}, ("5", ChannelStatus.PAID)),
    ("orders/create", {"id": 5, "financial_status": "pending"}, ("5", ChannelStatus.UNMAPPED)),
    ("orders/cancelled", {"id": 5}, ("5", ChannelStatus.CANCELLED)),
    ("orders/updated", {"order": {"id": 5}}, ("5", ChannelStatus.UNMAPPED)),
    ("orders/edited", {"order_edit": {}, "order_id": 5}, ("5", ChannelStatus.UNMAPPED)),
    ("fulfillments/create", {"id": 9, "order_id": 5}, ("5", ChannelStatus.UNMAPPED)),
    ("fulfillment_events/create", {"fulfillment_event": {"id": 9, "order_id": 5}}, ("5", ChannelStatus.UNMAPPED)),
    ("refunds/create", {"id": 9, "order_id": 5}, ("5", ChannelStatus.UNMAPPED)),
]


@pytest.mark.parametrize(("topic", "body", "wanted"), TOPICS)
def test_every_topic_of_an_order_hints_at_it(
    topic: str, body: dict[str, Any], wanted: tuple[str, ChannelStatus]
) -> None:
    seen = INBOUND.parse(pushed(body, topic))
    (hint,) = seen.observations
    assert isinstance(hint, OrderHinted)
    assert (hint.no, hint.status, hint.vendor_time, hint.raw_status) == (*wanted, NOW, "")
    assert seen.key == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert seen.sent_at == datetime(2026, 11, 22, 13, 29, 58, 123456, UTC)


def test_a_return_hints_at_its_order_and_at_the_case() -> None:
    for body in ({"id": 7, "order": {"id": 5}}, {"return": {"id": 7, "order_id": 5}}):
        order, case = INBOUND.parse(pushed(body, "returns/request")).observations
        assert isinstance(order, OrderHinted)
        assert isinstance(case, CaseHinted)
        assert (order.no, case.case_no, case.no) == ("5", "7", "5")
    (case,) = INBOUND.parse(pushed({"id": 7}, "returns/close")).observations
    assert isinstance(case, CaseHinted)


def test_other_topics_are_kept_and_ask_nothing() -> None:
    assert INBOUND.parse(pushed({"anything": 1}, "app/uninstalled")).observations == ()


def test_without_a_usable_id_the_topic_and_the_body_are_the_key() -> None:
    keys = {
        INBOUND.parse(pushed({"id": 1}, topic, **{"x-shopify-webhook-id": given})).key
        for topic in ("orders/paid", "orders/updated")
        for given in ("", "é", "x" * 300)
    }
    assert len(keys) == 2


BAD: list[tuple[bytes, str, str]] = [
    (b"", "orders/paid", "not JSON"),
    (b"\xff\xfe", "orders/paid", "not JSON"),
    (b'{"id": 1', "orders/paid", "not JSON"),
    (b"[" * 100_000, "orders/paid", "JSON"),
    (b"[1]", "orders/paid", "not accepted"),
    (b"{}", "orders/paid", "id is missing"),
    (b'{"id": null}', "orders/paid", "id is missing"),
    (b'{"id": -5}', "orders/paid", "id has characters"),
    (b'{"id": 1.5}', "orders/paid", "id has characters"),
    (b'{"id": "12; DROP"}', "orders/paid", "id has characters"),
    (b'{"id": 1}', "refunds/create", "order_id is missing"),
    (b'{"id": 1}', "", "x-shopify-topic is missing"),
    (b'{"orders": [1]}', "orders/paid", "[0]"),
    (json.dumps({"orders": [{"id": 1}] * 251}).encode(), "orders/paid", "more than 250"),
    (b" " * (1024 * 1024 + 1), "orders/paid", "larger than"),
]


@pytest.mark.parametrize(("body", "topic", "words"), BAD, ids=[words for _, _, words in BAD])
def test_what_cannot_be_read_says_why(body: bytes, topic: str, words: str) -> None:
    with pytest.raises(Unparsable) as caught:
        INBOUND.parse(pushed(body, topic))
    assert words in caught.value.reason


def test_the_push_of_another_shop_is_not_taken() -> None:
    with pytest.raises(Unparsable, match="not the domain of this shop"):
        INBOUND.parse(pushed({"id": 1}, **{"x-shopify-shop-domain": "other.myshopify.com"}))


def test_a_duplicate_is_a_success_and_only_a_forged_one_is_turned_down() -> None:
    """After eight failures the platform drops a subscription: what cannot be read is kept here, and answered 200."""
    assert [INBOUND.answer(one, "", NOW).status for one in (Outcome.ACCEPTED, Outcome.DUPLICATE)] == [200, 200]
    assert INBOUND.answer(Outcome.UNPARSABLE, "id is missing", NOW).status == 200
    assert INBOUND.answer(Outcome.FORGED, "no", NOW).status == 401


NAMES = st.sampled_from(["id", "order_id", "order", "orders", "return", "refund", "fulfillment", "financial_status"])
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**25) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)


@given(st.binary(max_size=200) | NONSENSE.map(lambda told: json.dumps(told).encode()), st.sampled_from([*ASKED]))
def test_signed_nonsense_is_read_or_unparsable(body: bytes, topic: str) -> None:
    arrived = pushed(body, topic)
    INBOUND.verify(arrived)
    try:
        INBOUND.parse(arrived)
    except Unparsable:
        return
