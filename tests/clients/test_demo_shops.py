"""The demo's shops: both sides know the same of them, and nothing that a vendor needs is missing."""

import pytest

from clients.cli.demo_shops import MORE, Marketplace, accounts, as_the_simulator_knows_it, params_of
from connectors import registry
from domain.shops import Role, Shop
from simulator.settings_shops import Seller, Taobao

SIMULATOR, GATEWAY = "http://127.0.0.1:18080", "http://127.0.0.1:18081"


@pytest.mark.parametrize(
    "vendor", ["taobao", "jd", "kuaishou", "pdd", "shopee", "wechatshop", "xhs", "shopify", "amazon"]
)
def test_a_shop_of_the_demo_lacks_nothing_on_either_side(vendor: str) -> None:
    (account,) = accounts((Marketplace(vendor, "s1", 0.1, "push + pull"),))
    needs, params = registry.vendor(vendor), params_of(account, SIMULATOR, GATEWAY)
    row = Shop(
        vendor,
        "s1",
        Role.SALES,
        needs.zone,
        needs.currency,
        f"{SIMULATOR}/{vendor}",
        account.app_key,
        (account.secret,),
        params,
        sealed=dict(MORE.get(vendor, {})),
    )
    assert registry.missing(row) == []
    known = as_the_simulator_knows_it(account)
    assert (Taobao if vendor == "taobao" else Seller).model_validate(known).shop == "s1"


def test_addresses_of_the_demo_are_filled_in() -> None:
    pdd, shopee = (
        params_of(account, SIMULATOR, GATEWAY)
        for account in accounts((Marketplace("pdd", "p", 0.1, ""), Marketplace("shopee", "s", 0.1, "")))
    )
    assert pdd["message_url"] == "ws://127.0.0.1:18080/pdd"
    assert shopee["callback_url"] == "http://127.0.0.1:18081/in/shopee/s"
