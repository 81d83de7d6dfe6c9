"""Whatever Shopify says: an order that adds up, or one of our own words."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.platforms.shopify_orders import read_order as read_shopify
from connectors.platforms.shopify_push import TOPICS
from domain.errors import Forged, Unparsable
from tests.connectors import shopify_answers
from tests.connectors.shopify_answers import SHOPIFY
from tests.connectors.test_any_input import JSON, receive

SHOPIFY_NAMES = ["id", "order_id", "order", "orders", "return", "refund", "fulfillment", "financial_status"]
SHOPIFY_JSON = st.recursive(
    JSON | st.integers(1, 10**25),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(SHOPIFY_NAMES), inner, max_size=4),
    max_leaves=15,
)


@given(st.binary(max_size=200) | SHOPIFY_JSON.map(lambda told: json.dumps(told).encode()), st.sampled_from([*TOPICS]))
def test_signed_nonsense_never_raises_anything_else_at_shopify(body: bytes, topic: str) -> None:
    try:
        receive(SHOPIFY, shopify_answers.pushed(body, topic))
    except (Forged, Unparsable):
        return


MONEY_JSON = JSON | st.sampled_from(["12.30", "0", "-1", "1e9", "PAID", "2026-11-22T10:00:00Z"])
BAGS = st.builds(shopify_answers.bag, MONEY_JSON, MONEY_JSON | st.just("USD")) | MONEY_JSON


@given(
    st.dictionaries(st.sampled_from(sorted(shopify_answers.order())), BAGS, max_size=4),
    st.dictionaries(st.sampled_from(sorted(shopify_answers.line())), BAGS, max_size=4),
)
def test_any_order_of_shopify_adds_up_or_is_unparsable(order: dict[str, Any], line: dict[str, Any]) -> None:
    told = {**shopify_answers.order(lineItems={"nodes": [shopify_answers.line(**line)]}), **order}
    try:
        seen = read_shopify(json.loads(json.dumps(told)), SHOPIFY)
    except Unparsable:
        return
    assert seen.total_minor == seen.goods_minor - seen.shop_discount_minor + seen.freight_minor
    assert seen.goods_minor == sum(line.amount_minor for line in seen.lines)
    assert 0 <= seen.refunded_minor <= seen.paid_minor
