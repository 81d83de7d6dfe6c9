"""A whole small installation under the console: servers, gateway, worker, and a shop and a warehouse that answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from argon2 import PasswordHasher
from sqlalchemy import text

from clients.clock import utc_now
from clients.installation import Installation
from clients.passwords import Passwords
from connectors import top_sign
from domain.errors import Unavailable
from domain.permissions import UserRole
from store.database import Database
from store.keyring import KeyRing, load_keyring
from store.replay import By
from store.shops import NewWarehouse, Shops
from store.stock_on_hand import Shelf, set_on_hand
from store.users import ConsoleUsers
from tests.browser.warehouse import Stranger
from tests.clients.worlds import order, signed
from tests.connectors.worlds import OWN, QIMEN

PASSWORD = "a good long password"
WORKER_MS = 40_000
"""So long what a worker does may take that was started anew a moment ago."""
PHONE = "13912345678"
LONG = "超长名称测试：限量版手工缝制纯羊毛加厚保暖男士商务休闲大衣（含同色系围巾、手套、礼盒及贺卡套装）藏青色 XXXL"
CONFIRM = (
    "<request><deliveryOrder><deliveryOrderCode>{no}</deliveryOrderCode><outBizCode>{no}</outBizCode>"
    "<status>DELIVERED</status><confirmType>0</confirmType></deliveryOrder><packages><package>"
    "<logisticsCode>SF</logisticsCode><expressCode>{waybill}</expressCode><items><item><itemCode>{sku}</itemCode>"
    "<quantity>{units}</quantity></item></items></package></packages></request>"
)
SECONDS = 30.0


def cheap() -> Passwords:
    """Give passwords that cost nothing: for tests only."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class World:
    """What the browser looks at, and the ways to change it behind the console's back."""

    installation: Installation
    stranger: Stranger
    database: Database
    ring: KeyRing
    events: int = field(default=0)

    @property
    def console(self) -> str:
        """The address of the console."""
        return self.installation.run.urls["console"]

    async def pay(self, no: str, sku: str = "TEE", units: int = 1, secret: str = OWN.secrets[0], **more: Any) -> str:
        """Send a paid order as the shop does; give its key."""
        self.events += 1
        body = self._body(no, sku, units, more)
        headers = signed(body, f"evt-{self.events}", utc_now(), secret=secret)
        url = f"{self.installation.run.urls['gateway']}/in/own/{OWN.code}"
        await self._send(url, body, headers)
        return f"own:{OWN.code}:{no}"

    def _body(self, no: str, sku: str, units: int, more: dict[str, Any]) -> bytes:
        now, price = utc_now().isoformat(), 15900
        line = {"no": "1", "sku": sku, "title": more.pop("title", "纯棉圆领短袖 白 M"), "quantity": units}
        line |= {"unit_minor": price, "discount_minor": 0, "amount_minor": price * units}
        receiver = order()["receiver"] | {"phone": more.pop("phone", PHONE)}
        money = {"goods_minor": price * units, "shop_discount_minor": 0, "freight_minor": 0}
        money |= {"total_minor": price * units, "paid_minor": price * units}
        buyer = {"id": f"b-{no}", "ip": ""}  # many orders from one address would be reviewed
        changes = {"buyer": buyer, "lines": [line], "receiver": receiver}
        changes |= dict.fromkeys(("updated_at", "placed_at", "paid_at"), now)
        return json.dumps({"order": order(no=no, **changes, **money, **more)}, ensure_ascii=False).encode()

    async def complain(self, **told: Any) -> None:
        """Tell what a buyer said, as the shop does."""
        self.events += 1
        body = json.dumps({"ticket": {"said_at": utc_now().isoformat(), **told}}, ensure_ascii=False).encode()
        headers = signed(body, f"evt-{self.events}", utc_now(), secret=OWN.secrets[0])
        answer = await self._send(f"{self.installation.run.urls['gateway']}/in/own/{OWN.code}", body, headers)
        assert answer.status_code == 200, answer.text

    async def ship(self, no: str, waybill: str, sku: str = "TEE", units: int = 1) -> None:
        """Confirm the shipment of an order as its warehouse does."""
        body = CONFIRM.format(no=f"{no}-1", waybill=waybill, sku=sku, units=units).encode()
        at = utc_now().astimezone(QIMEN.tz).strftime("%Y-%m-%d %H:%M:%S")
        asked = {"method": "deliveryorder.confirm", "timestamp": at, "app_key": QIMEN.key_id, "sign_method": "md5"}
        asked["sign"] = top_sign.sign(asked, body, QIMEN.secrets[0])
        url = f"{self.installation.run.urls['gateway']}/in/qimen/{QIMEN.code}?{urlencode(asked)}"
        answer = await self._send(url, body, {"content-type": "text/xml"})
        assert "success" in answer.text, answer.text

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Send until it is taken or refused, as senders do."""
        async with asyncio.timeout(SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while (answer := await client.post(url, content=body, headers=headers)).is_server_error:
                await asyncio.sleep(0.05)
        return answer

    async def value(self, statement: str, **values: Any) -> Any:
        """Read one value."""
        async with self.database.transaction() as tx:
            return (await tx.execute(text(statement), values)).scalar_one_or_none()

    async def change(self, statement: str, **values: Any) -> None:
        """Change something behind everybody's back."""
        async with self.database.transaction() as tx:
            await tx.execute(text(statement), values)

    async def until_order(self, key: str, condition: str) -> None:
        """Wait until an order's row is as said."""
        statement = f"SELECT 1 FROM orders WHERE key = :key AND ({condition})"  # noqa: S608  (a test's own words)

        async def seen() -> bool:
            return bool(await self.value(statement, key=key))

        await until(seen, f"{key}: {condition}")

    async def stock(self, sku: str, count: int, title: str = "") -> None:
        """Set what the warehouse holds."""
        async with self.database.transaction() as tx:
            await set_on_hand(tx, Shelf("GZ01", sku, title or f"商品 {sku}"), count, utc_now())

    async def user(self, login: str, role: UserRole) -> None:
        """Add somebody who may log in with PASSWORD."""
        users, by = ConsoleUsers(self.database), By("test", utc_now())
        hashed = await cheap().hash(PASSWORD)
        await users.add(login, role, hashed, by)
        await users.set_password(login, hashed, by, must_change=False)


async def until(seen: Callable[[], Awaitable[bool]], what: str, seconds: float = SECONDS) -> None:
    """Wait for a state."""
    try:
        async with asyncio.timeout(seconds):
            while not await _seen(seen):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never seen: {what}") from None


async def _seen(seen: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await seen()
    except Unavailable:  # a database that was started anew lets the old connections down once
        return False


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    """Start everything, and end it."""
    installation, stranger = Installation(folder / "data", "live", console=True, portal=True, labels=True), Stranger()
    try:
        await asyncio.to_thread(installation.start)
        world = await _connected(installation, stranger)
        yield world
        await world.database.close()
    finally:
        stranger.stop()
        await asyncio.to_thread(installation.stop)


async def _connected(installation: Installation, stranger: Stranger) -> World:
    """Connect a shop and a warehouse, and add somebody of every role."""
    environment = installation.run.environment
    database = Database(environment["OMS_DATABASE_URL"], pool=3)
    world = World(installation, stranger, database, load_keyring(Path(environment["OMS_KEYRING"])))
    shops = Shops(database, world.ring)
    await shops.add(replace(OWN, endpoint_url=stranger.url), None, utc_now())
    warehouse = NewWarehouse("GZ01", "广州仓", "广东省", "SF")
    await shops.add(replace(QIMEN, endpoint_url=stranger.url), warehouse, utc_now())
    for sku in ("TEE", "COAT"):
        await world.stock(sku, 500)
    for role in UserRole:
        await world.user(f"{role.value}1", role)
    return world
