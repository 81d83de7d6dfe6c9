"""From a shop row to the vendor's classes."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from connectors import registry
from connectors.couriers.kdniao import KdniaoCourier, KdniaoInbound
from connectors.payments.alipay import AlipayMerchant
from connectors.payments.alipay_inbound import AlipayInbound
from connectors.payments.stripe import StripeMerchant
from connectors.payments.stripe_inbound import StripeInbound
from connectors.payments.wechatpay import WechatpayMerchant
from connectors.payments.wechatpay_inbound import WechatpayInbound
from connectors.platforms.douyin import DouyinShop
from connectors.platforms.douyin_push import DouyinInbound
from connectors.platforms.own import OwnInbound, OwnShop
from connectors.platforms.pdd import PddShop
from connectors.platforms.pdd_queue import PddQueue
from connectors.platforms.shopee import ShopeeShop
from connectors.platforms.shopee_push import ShopeeInbound
from connectors.platforms.taobao import TaobaoShop
from connectors.platforms.wechatshop import WechatShop
from connectors.platforms.wechatshop_push import WechatInbound
from connectors.warehouses.qimen import QimenWarehouse
from connectors.warehouses.qimen_inbound import QimenInbound
from domain.errors import BadInput, Broken
from domain.shops import Role, Shop
from tests.connectors.alipay_answers import ALIPAY
from tests.connectors.douyin_answers import DOUYIN
from tests.connectors.pdd_answers import PDD
from tests.connectors.shopee_answers import SHOPEE
from tests.connectors.stripe_answers import STRIPE
from tests.connectors.wechatpay_answers import WECHATPAY
from tests.connectors.wechatshop_answers import WECHATSHOP
from tests.connectors.worlds import KDNIAO, OWN, QIMEN, TAOBAO, clock


@pytest.mark.parametrize(
    ("shop", "inbound", "make", "outbound"),
    [
        (OWN, OwnInbound, registry.sales_channel, OwnShop),
        (DOUYIN, DouyinInbound, registry.sales_channel, DouyinShop),
        (SHOPEE, ShopeeInbound, registry.sales_channel, ShopeeShop),
        (WECHATSHOP, WechatInbound, registry.sales_channel, WechatShop),
        (QIMEN, QimenInbound, registry.warehouse, QimenWarehouse),
        (KDNIAO, KdniaoInbound, registry.courier, KdniaoCourier),
        (WECHATPAY, WechatpayInbound, registry.payment_provider, WechatpayMerchant),
        (ALIPAY, AlipayInbound, registry.payment_provider, AlipayMerchant),
        (STRIPE, StripeInbound, registry.payment_provider, StripeMerchant),
    ],
)
def test_a_vendor_is_built_from_its_shop(
    shop: Shop, inbound: type, make: Callable[..., object], outbound: type
) -> None:
    assert isinstance(registry.inbound(shop), inbound)
    assert isinstance(make(shop, httpx.AsyncClient(), clock), outbound)
    assert registry.vendor(shop.vendor).role is shop.role
    assert registry.missing(shop) == []


def test_a_vendor_that_is_pulled_has_no_receiver_but_rules_and_a_token() -> None:
    assert isinstance(registry.sales_channel(TAOBAO, httpx.AsyncClient(), clock), TaobaoShop)
    assert registry.missing(TAOBAO) == []
    assert registry.vendor("taobao").token
    assert registry.pull_rules(TAOBAO) is not None
    assert registry.pull_rules(OWN) is None
    with pytest.raises(BadInput, match="taobao sends no webhooks: its orders are pulled"):
        registry.inbound(TAOBAO)


def test_a_vendor_whose_news_wait_in_a_queue_has_one_and_no_receiver() -> None:
    assert [registry.has_queue(shop) for shop in (PDD, SHOPEE, DOUYIN)] == [True, False, False]
    assert isinstance(registry.sales_channel(PDD, httpx.AsyncClient(), clock), PddShop)
    assert isinstance(registry.message_queue(PDD, httpx.AsyncClient(), clock), PddQueue)
    with pytest.raises(BadInput, match="pdd sends no webhooks"):
        registry.inbound(PDD)


def test_cases_are_listed_by_platforms_and_by_an_own_shop_that_says_where() -> None:
    """Issue 8: refund lists of the channels present."""
    assert None not in (registry.case_rules(TAOBAO), registry.case_rules(DOUYIN))
    assert registry.case_rules(OWN) is None
    assert registry.case_rules(replace(OWN, params={"cases_url": "http://shop.example/cases"})) is not None
    assert registry.case_rules(QIMEN) is None


def test_an_unknown_vendor_is_named_beside_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"'acme' is not known; known are alipay, aliyun_sms, .*own, .*wecom"):
        registry.inbound(replace(OWN, vendor="acme"))


def test_a_vendor_in_another_role_is_refused() -> None:
    with pytest.raises(BadInput, match="'own' of shop mall is not a warehouse; known are qimen"):
        registry.warehouse(OWN, httpx.AsyncClient(), clock)


def test_what_a_shop_row_lacks_is_listed_with_its_meaning() -> None:
    bare = replace(QIMEN, endpoint_url="", key_id="", secrets=("",), params={"owner": "O"})
    lacking = [text.split(":")[0] for text in registry.missing(bare)]
    assert lacking[:3] == ["endpoint_url", "key_id", "secret"]
    assert "owner" not in lacking
    assert len(lacking) == 2 + len(registry.vendor("qimen").params)
    assert all(": " in text for text in registry.missing(bare))


def test_a_vendor_without_a_secret_is_not_asked_for_one_but_for_its_sealed_keys() -> None:
    lacking = [text.split(":")[0] for text in registry.missing(replace(ALIPAY, key_id="", sealed={}))]
    assert lacking == ["key_id", "private_key", "alipay_public_key"]
    lacking = [text.split(":")[0] for text in registry.missing(replace(STRIPE, secrets=(), params={}, sealed={}))]
    assert lacking == ["secret", "shop", "api_key"]


def test_what_a_queue_gave_can_be_read_once_more_wherever_there_is_one() -> None:
    queues = {name: vendor.reads is not None for name, vendor in registry.VENDORS.items() if vendor.queue is not None}
    assert queues == dict.fromkeys(["amazon", "pdd", "taobao"], True)


def test_every_vendor_says_what_it_is() -> None:
    for name, vendor in registry.VENDORS.items():
        assert vendor.name == name
        assert isinstance(vendor.role, Role)
        assert vendor.zone
        assert len(vendor.currency) == 3


def test_the_pace_of_an_account_is_its_vendors_unless_its_row_says_another() -> None:
    """INT-16: a changed limit is entered in the shop's row, without a deploy."""
    amazon = Shop("amazon", "az", Role.SALES, "UTC", "USD", "https://x.test", "id", ("s",), {})
    assert registry.pace(amazon) == registry.vendor("amazon").per_second
    assert registry.pace(replace(amazon, params={"calls_per_second": "12"})) == 12
    with pytest.raises(Broken, match="no whole number from 1"):
        registry.pace(replace(amazon, params={"calls_per_second": "0.5"}))
