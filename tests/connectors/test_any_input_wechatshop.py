"""Whatever a WeChat shop's platform says: an order that adds up, or one of our own words."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.platforms.wechatshop_orders import read_order
from domain.errors import Forged, OmsError, Unparsable
from domain.pulling import Window
from tests.connectors import wechatshop_answers
from tests.connectors.test_any_input import JSON, receive
from tests.connectors.worlds import NOW, Stranger


@given(
    st.dictionaries(st.sampled_from(sorted(wechatshop_answers.order())), JSON),
    st.dictionaries(st.sampled_from(sorted(wechatshop_answers.order()["order_detail"])), JSON),
    st.dictionaries(st.sampled_from(sorted(wechatshop_answers.product())), JSON),
)
def test_an_order_of_a_wechat_shop_with_nonsense_in_it_is_read_or_unparsable(
    order: dict[str, Any], detail: dict[str, Any], product: dict[str, Any]
) -> None:
    lines = {"product_infos": [wechatshop_answers.product(**product)]}
    told = {**wechatshop_answers.order(detail={**lines, **detail}), **order}
    try:
        seen = read_order(json.loads(json.dumps(told)), wechatshop_answers.WECHATSHOP)
    except Unparsable:
        return
    discounts = seen.shop_discount_minor + seen.platform_discount_minor
    assert seen.total_minor == seen.goods_minor - discounts + seen.freight_minor
    assert min(seen.shop_discount_minor, seen.platform_discount_minor) >= 0


WECHAT_FIELDS = st.sampled_from(["Event", "CreateTime", "order_info", "order_id", "after_sale_order_id", "x"])
WECHAT_JSON = st.recursive(
    JSON | st.sampled_from(["channels_ec_order_pay", "channels_ec_aftersale_update", 7]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WECHAT_FIELDS, inner, max_size=6),
    max_leaves=15,
)


@given(st.binary(max_size=200) | WECHAT_JSON.map(lambda told: json.dumps(told).encode()))
def test_sealed_nonsense_never_raises_anything_else_at_a_wechat_shop(told: bytes) -> None:
    try:
        receive(wechatshop_answers.WECHATSHOP, wechatshop_answers.pushed(told))
    except (Forged, Unparsable):
        return


@given(st.dictionaries(st.sampled_from(["order_id_list", "next_key", "has_more", "errmsg", "order"]), JSON))
async def test_any_list_of_a_wechat_shop_is_a_page_or_has_our_words(said: dict[str, Any]) -> None:
    window = Window(NOW - timedelta(minutes=30), NOW)
    shop = wechatshop_answers.platform(Stranger(wechatshop_answers.says(**said)))
    for ask in (shop.pull, shop.roll, shop.pull_cases):
        try:
            await ask(window, "")
        except OmsError:
            continue
