"""The shops of the demo: one of each kind, and two that are half deaf. Owns which they are, and both sides' view.

A marketplace that only pushes and one that is only pulled show that either way alone loses nothing; one with both shows
that nothing is doubled (INT-2, INT-17).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from clients.cli.shops import Endpoint, connect_shop
from clients.clock import utc_now
from clients.installation import draw_secret
from domain.shops import Token
from store.shops import Shops
from store.tokens import SqlTokens

FIRST_TOKEN_SECONDS = 20.0
"""The life of an access token in the demo: short enough to be renewed several times."""


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One shop on a marketplace; `share` of all orders are its own."""

    vendor: str
    code: str
    share: float
    ways: str
    push_dead: bool = False
    pull_dead: bool = False


FEW = (
    Marketplace("taobao", "tm", 0.2, "queue + pull"),
    Marketplace("douyin", "dy", 0.15, "push + pull"),
    Marketplace("douyin", "dy-push", 0.1, "push, lists dead", pull_dead=True),
    Marketplace("douyin", "dy-pull", 0.1, "pull, push dead", push_dead=True),
)
ALL = (
    Marketplace("taobao", "tm", 0.15, "queue + pull"),
    Marketplace("douyin", "dy", 0.1, "push + pull"),
    Marketplace("douyin", "dy-push", 0.08, "push, lists dead", pull_dead=True),
    Marketplace("douyin", "dy-pull", 0.07, "pull, push dead", push_dead=True),
    Marketplace("jd", "jd", 0.04, "pull"),
    Marketplace("pdd", "pdd", 0.04, "queue + pull"),
    Marketplace("kuaishou", "ks", 0.04, "push + pull"),
    Marketplace("xhs", "xhs", 0.04, "push + pull"),
    Marketplace("wechatshop", "wx", 0.04, "push + pull"),
    Marketplace("shopify", "sf", 0.04, "push + pull"),
    Marketplace("shopee", "sp", 0.04, "pull, push dead", push_dead=True),
    Marketplace("amazon", "az", 0.04, "pull"),
)
"""One shop at least on every platform, of which one is half deaf on either ear, and some push nothing."""
OF_A_FILE = (Marketplace("taobao", "tm", 1.0, "queue + pull"),)
"""A Tmall export is replayed by the Tmall shop alone."""
OWN_WAYS = "push, cases pulled"
PAY = "pay"
PATHS = {"taobao": "/router/rest", "douyin": ""}
"""Where a vendor's own addresses begin in the simulator, unless under its name."""
SHOP_IDS: Mapping[str, tuple[str, ...]] = {
    "douyin": ("shop_id",),
    "jd": ("vender_id",),
    "pdd": ("mall_id",),
    "shopee": ("shop_id",),
    "amazon": ("seller_id",),
    "xhs": ("seller_id",),
    "taobao": ("seller_id",),
}
"""The params of a vendor that hold its number of the shop."""
PARAMS: Mapping[str, dict[str, str]] = {
    "taobao": {"tmc_group": "default"},
    "jd": {"operator": "demo"},
    "kuaishou": {"carriers": "SF=4,YTO=6,ZTO=7,STO=8,YUNDA=9,JD=10,EMS=11"},
    "pdd": {
        "carriers": "SF=44,YTO=85,ZTO=115,STO=1,YUNDA=121,JD=120,EMS=118",
        "message_url": "{messages}",
        "lag_seconds": "2",
    },
    "shopee": {"callback_url": "{gateway}/in/shopee/{shop}"},
    "xhs": {"carriers": "SF=shunfeng,YTO=yuantong,ZTO=zhongtong,STO=shentong,YUNDA=yunda,JD=jd,EMS=ems"},
    "shopify": {"location_id": "1001"},
    "wechatshop": {"minute_seconds": "2"},
    "amazon": {
        "marketplace_id": "ATVPDKIKX0DER",
        "product_type": "SHIRT",
        "token_url": "{simulator}/amazon/auth/o2/token",
        "calls_per_second": "12",
        "lag_seconds": "2",
    },
}
"""Further params; `{gateway}` and `{messages}` are addresses of this demo, `{shop}` the shop's code."""
MORE: Mapping[str, dict[str, str]] = {
    "kuaishou": {"app_secret": "the-apps-own", "msg_secret": "MDEyMzQ1Njc4OWFiY2RlZg=="},
    "amazon": {"behind_seconds": "1"},
    "wechatshop": {"push_token": "token", "encoding_aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"},
}
"""What else a vendor's shop row, and the simulator's, hold; not secret in a demo."""


@dataclass(frozen=True, slots=True)
class Account:
    """A shop with its names and secrets, drawn for this demo."""

    shop: Marketplace
    app_key: str
    secret: str
    access: str
    refresh: str
    shop_id: str


def accounts(shops: tuple[Marketplace, ...]) -> list[Account]:
    """Draw the secrets of every shop."""
    return [
        Account(shop, f"{12345678 + n}", draw_secret(), draw_secret(), draw_secret(), str(1111111 + n))
        for n, shop in enumerate(shops)
    ]


def as_the_simulator_knows_it(account: Account) -> dict[str, Any]:
    """Write a shop as the simulator's configuration has it."""
    shop = account.shop
    known = {
        "vendor": shop.vendor,
        "shop": shop.code,
        "app_key": account.app_key,
        "secret": account.secret,
        "refresh_token": account.refresh,
        "share": shop.share,
        "pull_dead": shop.pull_dead,
    }
    if shop.vendor == "taobao":
        return known | {"session": account.access, "shop_id": account.shop_id}
    known |= {"access_token": account.access, "shop_id": account.shop_id, "push_dead": shop.push_dead}
    return known | ({"more": dict(MORE[shop.vendor])} if shop.vendor in MORE else {})


@dataclass(frozen=True, slots=True)
class Merchant:
    """The account at the payment provider where the own shop's buyers pay, with both sides' keys."""

    mchid: str
    serial_no: str
    apiv3_key: str = field(repr=False)
    private_key: str = field(repr=False)
    public_key: str
    platform: tuple[tuple[str, str, str], ...] = field(repr=False)
    """Serial, private key, public key; two, as while the platform rotates them."""


def merchant() -> Merchant:
    """Draw the keys of the account and of its platform."""
    private, public = _key_pair()
    serials = (f"PUB_KEY_ID_{n:04d}" for n in (1, 2))
    platform = tuple((serial, *_key_pair()) for serial in serials)
    return Merchant("1900000001", "5157F09EFDC096DE", draw_secret()[:32], private, public, platform)


def _key_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    pem, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(pem, kind, serialization.NoEncryption()).decode(), public.decode()


def pay_as_the_simulator_knows_it(account: Merchant) -> dict[str, Any]:
    """Write the merchant account as the simulator's configuration has it."""
    return {
        "shop": PAY,
        "mchid": account.mchid,
        "serial_no": account.serial_no,
        "apiv3_key": account.apiv3_key,
        "merchant_public_key": account.public_key,
        "platform_keys": [{"serial": serial, "private_key": private} for serial, private, _ in account.platform],
    }


async def connect_merchant(shops: Shops, account: Merchant, simulator_url: str, gateway_url: str) -> None:
    """Connect the payment provider as `oms shop add` does."""
    keys = "\n".join(f"{serial}\n{public}" for serial, _, public in account.platform)
    sealed = {"private_key": account.private_key, "platform_keys": keys}
    params = {"serial_no": account.serial_no, "shop": "own/demo", "notify_url": f"{gateway_url}/in/wechatpay/{PAY}"}
    await connect_shop(
        shops, ("wechatpay", PAY), Endpoint(simulator_url, account.mchid, (account.apiv3_key,), sealed), params
    )


def params_of(account: Account, simulator_url: str, gateway_url: str) -> dict[str, str]:
    """Give what a shop row holds beside its keys."""
    shop = account.shop
    places = {
        "gateway": gateway_url,
        "simulator": simulator_url,
        "shop": shop.code,
        "messages": f"{simulator_url.replace('http', 'ws', 1)}/{shop.vendor}",
    }
    further = {name: text.format_map(places) for name, text in PARAMS.get(shop.vendor, {}).items()}
    return dict.fromkeys(SHOP_IDS.get(shop.vendor, ()), account.shop_id) | further


async def connect_account(
    shops: Shops, tokens: SqlTokens, account: Account, simulator_url: str, gateway_url: str
) -> None:
    """Connect a shop as `oms shop add` and `oms shop token` do."""
    shop = account.shop
    url = simulator_url + PATHS.get(shop.vendor, f"/{shop.vendor}")
    params = params_of(account, simulator_url, gateway_url)
    endpoint = Endpoint(url, account.app_key, (account.secret,), dict(MORE.get(shop.vendor, {})))
    await connect_shop(shops, (shop.vendor, shop.code), endpoint, params)
    now = utc_now()
    token = Token(account.access, account.refresh, now + timedelta(seconds=FIRST_TOKEN_SECONDS))
    await tokens.put(shop.vendor, shop.code, token, now, "demo")
