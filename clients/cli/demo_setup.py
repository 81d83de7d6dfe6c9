"""The two sides of a demo before it starts: the simulator's configuration, and the same accounts connected here."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clients.cli.demo_exceptions import InvoiceAccount
from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_listings import put_listings
from clients.cli.demo_messages import MessageAccounts
from clients.cli.demo_profile import bad_day, service_day
from clients.cli.demo_shops import (
    ALL,
    FEW,
    FIRST_TOKEN_SECONDS,
    OF_A_FILE,
    Account,
    Merchant,
    accounts,
    as_the_simulator_knows_it,
    connect_account,
    connect_merchant,
    merchant,
    pay_as_the_simulator_knows_it,
)
from clients.cli.shops import Endpoint, connect_shop
from clients.clock import utc_now
from clients.installation import draw_secret
from store import bundles
from store.database import Database
from store.keyring import load_keyring
from store.settings_docs import Profile
from store.settings_versions import Change, SettingVersions
from store.shops import NewWarehouse, Shops
from store.stock_on_hand import Shelf, set_on_hand
from store.tokens import SqlTokens

"""Orders a second: on a bad day, so many that two cores keep up while everything goes wrong; of a replayed file."""
ROTATED_AT = 0.6
"""After this share of a day's orders the own shop changes its key."""
WAREHOUSE = NewWarehouse("GZ01", "广州仓", "广东省", "SF")
RATES = "USD=7.1,SGD=5.4,BRL=1.3"
"""What orders from abroad are declared at in yuan."""
SENDER = {
    "sender_name": "稳单演示店",
    "sender_mobile": "02087654321",
    "sender_province": "广东省",
    "sender_city": "广州市",
    "sender_district": "白云区",
    "sender_address": "机场路 1 号",
}


@dataclass(frozen=True, slots=True)
class Sides:
    """What both sides of a demo have to know: who they are to each other, and where."""

    plan: DemoPlan
    keys: dict[str, str] = field(repr=False)
    """The secrets of `own`, `wms` and `courier`; with `own next` the own shop changes its key."""
    merchant: Merchant
    accounts: list[Account]
    messages: MessageAccounts = field(default_factory=MessageAccounts)
    invoices: InvoiceAccount = field(default_factory=InvoiceAccount)

    def profile(self) -> dict[str, Any]:
        """Give the knobs of the world."""
        worn = {"token_seconds": FIRST_TOKEN_SECONDS} | service_day(self.plan)
        day = {} if self.plan.calm else bad_day(self.plan)
        return worn | day | dict(self.plan.doses)

    def config(self, port: int, gateway_url: str, mail_port: int = 0) -> dict[str, Any]:
        """Write the simulator's configuration (docs/simulator.md); without a port for mail nobody carries messages."""
        return {
            "seed": self.plan.seed,
            "port": port,
            "gateway_url": gateway_url,
            "own": {"shop": "demo", "key_id": "demo", "secret": self.keys["own"]} | self._rotation(),
            "marketplaces": [as_the_simulator_knows_it(account) for account in self.accounts],
            "wms": {
                "shop": "wms",
                "app_key": "demo",
                "secret": self.keys["wms"],
                "customer_id": "demo-customer",
                "warehouse": WAREHOUSE.code,
                "owner": "STEADFAST",
            },
            "courier": {"shop": "express", "business_id": "1000001", "api_key": self.keys["courier"]},
            "pay": pay_as_the_simulator_knows_it(self.merchant),
            "messages": self.messages.as_the_simulator_knows_them(mail_port) if mail_port else None,
            "invoices": self.invoices.as_the_simulator_knows_it(),
            "orders": {
                "count": self.plan.orders,
                "per_second": self.plan.per_second,
                "curve": self.plan.curve,
                "burst": asdict(self.plan.burst) if self.plan.burst else None,
                "file": str(self.plan.file) if self.plan.file else None,
            },
            "profile": self.profile(),
            "plant": self.plan.plant,
        }

    def _rotation(self) -> dict[str, Any]:
        """Let the own shop change its key when most of a day's orders are in."""
        if "own next" not in self.keys:
            return {}
        return {
            "next_secret": self.keys["own next"],
            "rotate_after": self.plan.count / self.plan.per_second * ROTATED_AT,
        }


def sides(plan: DemoPlan) -> Sides:
    """Draw every secret of a demo."""
    names = ["own", "wms", "courier"] + ([] if plan.calm or plan.file else ["own next"])
    keys = {name: draw_secret() for name in names}
    return Sides(plan, keys, merchant(), accounts(OF_A_FILE if plan.file else FEW if plan.few else ALL))


def write_config(path: Path, config: dict[str, Any]) -> None:
    """Write a file that holds secrets."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, ensure_ascii=False))


async def connect(
    both: Sides, environment: dict[str, str], simulator_url: str, gateway_url: str, mail_port: int = 0
) -> None:
    """Register every account as `oms shop add` does."""
    database = Database(environment["OMS_DATABASE_URL"], pool=2)
    ring = load_keyring(Path(environment["OMS_KEYRING"]))
    shops, tokens = Shops(database, ring), SqlTokens(database, ring)
    own = Endpoint(f"{simulator_url}/own/demo/shipments", "demo", (both.keys["own"],))
    wms = Endpoint(f"{simulator_url}/router/qimen/service", "demo", (both.keys["wms"],))
    courier = Endpoint(simulator_url, "1000001", (both.keys["courier"],))
    params = SENDER | {"customer_id": "demo-customer", "owner": "STEADFAST", "rates": RATES}
    try:
        urls = {f"{name}_url": f"{simulator_url}/own/demo/{name}" for name in ("orders", "stock", "cases")}
        urls |= {"notice_url": f"{simulator_url}/own/demo/promises", "roll_url": f"{simulator_url}/own/demo/orders"}
        await connect_shop(shops, ("own", "demo"), own, urls)
        await connect_shop(shops, ("qimen", "wms"), wms, params, WAREHOUSE)
        await connect_shop(shops, ("kdniao", "express"), courier)
        await connect_merchant(shops, both.merchant, simulator_url, gateway_url)
        await both.invoices.connect(shops, simulator_url)
        for account in both.accounts:
            await connect_account(shops, tokens, account, simulator_url, gateway_url)
        if mail_port:
            await both.messages.connect(shops, simulator_url, mail_port)
        for doc, changed in both.plan.settings.items():
            await _change(database, doc, changed)
    finally:
        await database.close()


async def _change(database: Database, doc: str, changed: Mapping[str, float]) -> None:
    """Put a settings document in force whose column for demos has these values."""
    versions = SettingVersions(database)
    active = await versions.one(doc)
    body = dict(active.body)
    for name, value in changed.items():
        body[name] = body[name] | {Profile.DEMO.value: value}
    await versions.activate(doc, body, Change("demo", "its own values", utc_now(), active.version))


async def stock_up(environment: dict[str, str], there: dict[str, list[dict[str, Any]]]) -> None:
    """Set the opening stock, say what the bundles consume, and take over what the shops say that they sell."""
    database = Database(environment["OMS_DATABASE_URL"], pool=1)
    try:
        async with database.transaction() as tx:
            for product in there["catalogue"]:
                shelf = Shelf(WAREHOUSE.code, product["sku"], product["title"])
                await set_on_hand(tx, shelf, product["on_hand"], utc_now())
            for bundle in there["bundles"]:
                await bundles.put(tx, bundle["sku"], bundle["parts"], utc_now(), "demo")
        await put_listings(database, there["listings"])
    finally:
        await database.close()
