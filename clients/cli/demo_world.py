"""The demo's world: an installation, a simulator beside it, and the connections between them."""

import asyncio
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from clients.cli.demo_keys import KeyMend
from clients.cli.demo_kills import KILLS, Kills
from clients.cli.demo_operator import Operator
from clients.cli.demo_presale import PresaleDesk
from clients.cli.demo_profile import bad_day
from clients.cli.demo_shops import (
    ALL,
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
from clients.embedded import Ports
from clients.installation import Installation, answers, draw_secret
from domain.errors import Broken, Unavailable
from domain.proof import OrderFact, SkuFact
from store import bundles
from store.database import Database
from store.keyring import load_keyring
from store.reads.orders import OrderReads
from store.reads.phases import Phase, PhaseReads
from store.reads.proof import ProofReads
from store.settings_docs import Profile
from store.shops import NewWarehouse, Shops
from store.stock_on_hand import Shelf, set_on_hand
from store.tokens import SqlTokens

SIMULATOR = "simulator"
READY_SECONDS = 30
QUIET_SECONDS = 15.0
PER_SECOND = 10.0
ROTATED_AT = 0.6
"""After this share of the orders the own shop changes its key."""
WAREHOUSE = NewWarehouse("GZ01", "广州仓", "广东省", "SF")
SENDER = {
    "sender_name": "稳单演示店",
    "sender_mobile": "02087654321",
    "sender_province": "广东省",
    "sender_city": "广州市",
    "sender_district": "白云区",
    "sender_address": "机场路 1 号",
}


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the demo shall show."""

    seed: int
    count: int
    file: Path | None
    plant: str | None
    calm: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """What is to be seen at one moment."""

    sent: int
    planned: int
    counts: dict[str, int]
    parcels_signed: int
    messages: int
    idle: bool
    finished: bool
    news: tuple[str, ...] = ()

    @classmethod
    def empty(cls, news: list[str]) -> "View":
        """Before anything could be seen."""
        return cls(0, 1, {}, 0, 0, False, False, tuple(news))

    @property
    def fingerprint(self) -> tuple[Any, ...]:
        """Change whenever anything moved."""
        return (self.sent, tuple(sorted(self.counts.items())), self.parcels_signed, self.messages)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the proof compares, and what was done to us meanwhile."""

    orders: list[OrderFact]
    skus: list[SkuFact]
    work: Any
    books: dict[str, Any]
    kills: list[str]
    told: set[str]
    messages: dict[str, dict[str, int]]
    replayed: int
    phases: dict[str, Phase]


@dataclass
class DemoWorld:
    """Starts, connects, watches and ends one demo."""

    folder: Path
    plan: DemoPlan
    installation: Installation = field(init=False)
    simulator_url: str = field(default="", init=False)
    kills: Kills = field(init=False)
    operator: Operator = field(init=False)
    presale: PresaleDesk = field(init=False)
    accounts: list[Account] = field(init=False)
    merchant: Merchant = field(init=False)
    mend: KeyMend = field(init=False)
    _last: View | None = field(default=None, init=False)
    _out: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.installation = Installation(self.folder, Profile.DEMO.value)
        self.kills = Kills(self.installation, [] if self.plan.calm else list(KILLS))
        self.operator = Operator(self.installation.run)
        self.presale = PresaleDesk(self.installation.run, WAREHOUSE.code)
        self.merchant = merchant()
        self.mend = KeyMend(self.installation.run)
        self.accounts = accounts(OF_A_FILE if self.plan.file else ALL)

    def start(self) -> None:
        """Start both sides, connect them, set the stock, let the buyers in."""
        self.installation.start()
        port = Ports(self.folder).take(SIMULATOR)
        self.simulator_url = f"http://127.0.0.1:{port}"
        keys = {name: draw_secret() for name in ("own", "wms", "courier")}
        if not (self.plan.calm or self.plan.file):
            self.mend.keys = (draw_secret(), keys["own"])
        config = self.folder / "simulator.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps(self._config(port, keys), ensure_ascii=False))
        self.installation.add(SIMULATOR, SIMULATOR, "--config", str(config))
        self.installation.run.urls[SIMULATOR] = self.simulator_url
        self.installation.write()
        self._wait_for_simulator()
        asyncio.run(self._connect(keys))
        self._ask("POST", "/sim/start")

    def stop(self) -> None:
        """End everything."""
        self.installation.stop()

    def look(self) -> View:
        """Take a look at both sides: restart what died, kill whose turn it is, decide what waits for a person."""
        news = [f"{name} was started again" for name in self.installation.heal()]
        books = self.books()
        news += self._outage(books)
        news += self.presale.look(books)
        try:
            work, counts = asyncio.run(self._progress(_buyers_done(books)))
        except Unavailable:  # the database is on its way back; what was true a moment ago is shown again
            return replace(self._last, news=tuple(news)) if self._last else View.empty(news)
        sent = sum(1 for order in books["orders"].values() if order["messages_sent"])
        killed = self.kills.due(sent, books["planned"])
        news += [f"kill -9 {killed}"] if killed else []
        closed = sum(counts.get(status, 0) for status in ("completed", "closed"))
        signed = sum(1 for parcel in books["parcels"].values() if parcel["signed_at"])
        idle = bool(books["finished"]) and not (work.open or work.waiting or work.undelivered)
        finished = idle and closed >= sent and not self.kills.points
        self._last = View(sent, books["planned"], counts, signed, work.messages, idle, finished, tuple(news))
        return self._last

    def _outage(self, books: dict[str, Any]) -> list[str]:
        """Say when an outage of a vendor begins and ends."""
        names = books["outages"]
        was, self._out = self._out, set(names)
        return [f"the {name} is out of order" for name in sorted(self._out - was)] + [
            f"the {name} works again" for name in sorted(was - self._out)
        ]

    def settle(self) -> None:
        """Give outgoing calls a moment to reach the world."""
        until = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until and self._outgoing():
            time.sleep(0.1)

    def _outgoing(self) -> bool:
        self.installation.heal()
        try:
            work = asyncio.run(self._progress(True))[0]
            return bool(work.outgoing or work.waiting)
        except Unavailable:
            return True

    def evidence(self) -> Evidence:
        """Collect what the proof compares."""
        return asyncio.run(self._evidence())

    def books(self) -> dict[str, Any]:
        """Read the outside world's books."""
        return dict(self._ask("GET", "/sim/books"))

    def _ask(self, method: str, path: str) -> Any:
        answer = httpx.request(method, self.simulator_url + path, timeout=30, trust_env=False)
        if not answer.is_success:
            raise Broken(f"the simulator answered {answer.status_code} to {path}; see {self.folder}/simulator.log")
        return answer.json()

    def _config(self, port: int, keys: dict[str, str]) -> dict[str, Any]:
        file = str(self.plan.file) if self.plan.file else None
        return {
            "seed": self.plan.seed,
            "port": port,
            "gateway_url": self.installation.run.urls["gateway"],
            "own": {"shop": "demo", "key_id": "demo", "secret": keys["own"]} | self._rotation(),
            "marketplaces": [as_the_simulator_knows_it(account) for account in self.accounts],
            "wms": {
                "shop": "wms",
                "app_key": "demo",
                "secret": keys["wms"],
                "customer_id": "demo-customer",
                "warehouse": WAREHOUSE.code,
                "owner": "STEADFAST",
            },
            "courier": {"shop": "express", "business_id": "1000001", "api_key": keys["courier"]},
            "pay": pay_as_the_simulator_knows_it(self.merchant),
            "orders": {"count": self.plan.count, "per_second": PER_SECOND, "file": file},
            "profile": {"token_seconds": FIRST_TOKEN_SECONDS}
            | ({} if self.plan.calm else bad_day(self.plan.count, PER_SECOND, replayed=file is not None)),
            "plant": self.plan.plant,
        }

    def _rotation(self) -> dict[str, Any]:
        """Let the own shop change its key when most of its orders are in."""
        if not self.mend.keys:
            return {}
        return {"next_secret": self.mend.keys[0], "rotate_after": self.plan.count / PER_SECOND * ROTATED_AT}

    def _wait_for_simulator(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if not self.installation.children[SIMULATOR].alive():
                raise Broken(_last_line(self.folder / "simulator.log"))
            if answers(f"{self.simulator_url}/sim/health"):
                return
            time.sleep(0.05)
        raise Broken(f"the simulator was not ready in {READY_SECONDS} s; see {self.folder}/simulator.log")

    def _database(self) -> Database:
        return Database(self.installation.run.environment["OMS_DATABASE_URL"], pool=2)

    async def _connect(self, keys: dict[str, str]) -> None:
        """Register every account as `oms shop add` does, and set the opening stock."""
        database = self._database()
        ring = load_keyring(Path(self.installation.run.environment["OMS_KEYRING"]))
        shops, tokens = Shops(database, ring), SqlTokens(database, ring)
        own = Endpoint(f"{self.simulator_url}/own/demo/shipments", "demo", (keys["own"],))
        wms = Endpoint(f"{self.simulator_url}/router/qimen/service", "demo", (keys["wms"],))
        courier = Endpoint(self.simulator_url, "1000001", (keys["courier"],))
        params = SENDER | {"customer_id": "demo-customer", "owner": "STEADFAST"}
        own_params = {"orders_url": f"{self.simulator_url}/own/demo/orders"}
        own_params["notice_url"] = f"{self.simulator_url}/own/demo/promises"
        await connect_shop(shops, ("own", "demo"), own, own_params)
        await connect_shop(shops, ("qimen", "wms"), wms, params, WAREHOUSE)
        await connect_shop(shops, ("kdniao", "express"), courier)
        await connect_merchant(shops, self.merchant, self.simulator_url, self.installation.run.urls["gateway"])
        for account in self.accounts:
            await connect_account(shops, tokens, account, self.simulator_url)
        async with database.transaction() as tx:
            for product in self._ask("GET", "/sim/catalogue"):
                shelf = Shelf(WAREHOUSE.code, product["sku"], product["title"])
                await set_on_hand(tx, shelf, product["on_hand"], utc_now())
            for bundle in self._ask("GET", "/sim/bundles"):
                await bundles.put(tx, bundle["sku"], bundle["parts"], utc_now(), "demo")
        await self.presale.expect(database, self._ask("GET", "/sim/supplies"))
        await database.close()

    async def _progress(self, buyers_done: bool) -> tuple[Any, dict[str, int]]:
        await self.operator.look(buyers_done=buyers_done)
        database = self._database()
        try:
            await self.mend.look(database, buyers_done=buyers_done)
            return await ProofReads(database).work(), await OrderReads(database).counts()
        finally:
            await database.close()

    async def _evidence(self) -> Evidence:
        database = self._database()
        reads = ProofReads(database)
        try:
            orders, skus, work = await reads.orders(), await reads.skus(), await reads.work()
            return Evidence(
                orders,
                skus,
                work,
                self.books(),
                kills=list(self.kills.done),
                told=set(self.operator.told),
                messages=await reads.messages(),
                replayed=self.mend.replayed,
                phases=await PhaseReads(database).all(),
            )
        finally:
            await database.close()


def _buyers_done(books: dict[str, Any]) -> bool:
    orders = books["orders"].values()
    return len(orders) >= books["planned"] and all(order["acted"] for order in orders)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    return lines[-1] if lines else f"the simulator ended at once; see {log}"
