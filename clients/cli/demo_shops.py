"""The shops of the demo: one of each kind, and two that are half deaf. Owns which they are, and both sides' view.

A marketplace that only pushes and one that is only pulled show that either way alone loses nothing; one with both shows
that nothing is doubled (INT-2, INT-17).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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


ALL = (
    Marketplace("taobao", "tm", 0.2, "pull"),
    Marketplace("douyin", "dy", 0.15, "push + pull"),
    Marketplace("douyin", "dy-push", 0.1, "push, lists dead", pull_dead=True),
    Marketplace("douyin", "dy-pull", 0.1, "pull, push dead", push_dead=True),
)
OF_A_FILE = (Marketplace("taobao", "tm", 1.0, "pull"),)
"""A Tmall export is replayed by the Tmall shop alone."""
OWN_WAYS = "push"


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
        return known | {"session": account.access}
    return known | {"access_token": account.access, "shop_id": account.shop_id, "push_dead": shop.push_dead}


async def connect_account(shops: Shops, tokens: SqlTokens, account: Account, simulator_url: str) -> None:
    """Connect a shop as `oms shop add` and `oms shop token` do."""
    shop = account.shop
    url = f"{simulator_url}/router/rest" if shop.vendor == "taobao" else simulator_url
    params = {"shop_id": account.shop_id} if shop.vendor == "douyin" else {}
    endpoint = Endpoint(url, account.app_key, (account.secret,))
    await connect_shop(shops, (shop.vendor, shop.code), endpoint, params)
    now = utc_now()
    token = Token(account.access, account.refresh, now + timedelta(seconds=FIRST_TOKEN_SECONDS))
    await tokens.put(shop.vendor, shop.code, token, now, "demo")
