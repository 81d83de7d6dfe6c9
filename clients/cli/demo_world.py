"""The demo's world: an installation, a simulator beside it, and the connections between them."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from clients.cli.demo_cases import ServiceDesk
from clients.cli.demo_exceptions import ExceptionDesk
from clients.cli.demo_facts import DemoPlan, Evidence, View
from clients.cli.demo_keys import KeyMend
from clients.cli.demo_kills import KILLS, Kills, Point
from clients.cli.demo_ledger import Compared, compare
from clients.cli.demo_listings import all_told
from clients.cli.demo_operator import Operator
from clients.cli.demo_presale import PresaleDesk
from clients.cli.demo_setup import WAREHOUSE, Sides, connect, sides, stock_up, write_config
from clients.cli.demo_supply import SupplyDesk
from clients.clock import utc_now
from clients.embedded import READY_SECONDS, Ports
from clients.installation import PATIENT_ANSWER_SECONDS, Installation, answers
from clients.settings import adopt
from clients.temporal import connect as connect_engine
from clients.temporal import pull_now
from domain.errors import Broken, Unavailable
from domain.pulling import CASES, ORDERS
from store.database import Database
from store.reads.case_proof import CaseProofReads
from store.reads.orders import OrderReads
from store.reads.phases import PhaseReads
from store.reads.proof import ProofReads
from store.reads.pulls import PullReads, PullRow
from store.settings_docs import Profile

SIMULATOR = "simulator"
ASK_SECONDS = 60.0
"""How long the simulator may take to answer where the machine has much else to do."""
QUIET_SECONDS = 30.0
PULLS = 3
"""The moment of the last pull before, of one that may have been under way, and of one that saw everything."""
PULL_SECONDS = 2.0
"""So often shops are pulled that nothing else is waited for."""
REPEATS = ("sent_repeatedly", "orders_read", "refused", "processing")
"""Counts of the simulator that are no mischief by themselves, or say the same as another."""


@dataclass
class DemoWorld:
    """Starts, connects, watches and ends one demo."""

    folder: Path
    plan: DemoPlan
    kill_points: Sequence[Point] = KILLS
    installation: Installation = field(init=False)
    simulator_url: str = field(default="", init=False)
    mail_port: int = field(default=0, init=False)
    kills: Kills = field(init=False)
    operator: Operator = field(init=False)
    presale: PresaleDesk = field(init=False)
    supply: SupplyDesk = field(init=False)
    service: ServiceDesk = field(init=False)
    exceptions: ExceptionDesk = field(init=False)
    sides: Sides = field(init=False)
    mend: KeyMend = field(init=False)
    ledger: dict[str, Compared] = field(default_factory=dict, init=False)
    _since: datetime = field(default_factory=utc_now, init=False)
    _last: View | None = field(default=None, init=False)
    _pulls: dict[str, set[datetime]] = field(default_factory=dict, init=False)
    _out: set[str] = field(default_factory=set, init=False)
    _asked_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.installation = Installation(self.folder, Profile.DEMO.value, portal=True)
        self.kills = Kills(self.installation, [] if self.plan.calm else list(self.kill_points))
        self.operator = Operator(self.installation.run)
        self.presale = PresaleDesk(self.installation.run, WAREHOUSE.code)
        self.supply = SupplyDesk(self.installation.run, WAREHOUSE.code)
        self.service = ServiceDesk(
            self.installation.run, self.plan.orders if self.plan.cases and not self.plan.file else 0
        )
        self.exceptions = ExceptionDesk(self.installation.run, self.service.orders)
        self.sides = sides(self.plan)
        keys = self.sides.keys
        self.mend = KeyMend(self.installation.run, (keys["own next"], keys["own"]) if "own next" in keys else ())

    def start(self) -> None:
        """Start both sides, connect them, set the stock, let the buyers in."""
        self.installation.start()
        port, self.mail_port = Ports(self.folder).take(SIMULATOR), Ports(self.folder).take("mail")
        self.simulator_url = f"http://127.0.0.1:{port}"
        config, gateway_url = self.folder / "simulator.json", self.installation.run.urls["gateway"]
        write_config(config, self.sides.config(port, gateway_url, self.mail_port))
        self.installation.add(SIMULATOR, SIMULATOR, "--config", str(config))
        self.installation.run.urls[SIMULATOR] = self.simulator_url
        self.installation.write()
        self._wait_for_simulator()
        asyncio.run(self._connect(gateway_url))
        self._ask("POST", "/sim/start")

    async def _connect(self, gateway_url: str) -> None:
        environment = self.installation.run.environment
        await connect(self.sides, environment, self.simulator_url, gateway_url, self.mail_port)
        parts = ("catalogue", "bundles", "listings")
        await stock_up(environment, {part: self._ask("GET", f"/sim/{part}") for part in parts})
        database = self._database()
        await self.presale.expect(database, self._ask("GET", "/sim/supplies"))
        await database.close()

    def stop(self) -> None:
        """End everything."""
        self.installation.stop()

    def look(self) -> View:
        """Take a look at both sides: restart what died, kill whose turn it is, decide what waits for a person."""
        news = [f"{name} was started again" for name in self.installation.heal()]
        there = self._ask("GET", "/sim/progress")
        news += self._outage(there["outages"])
        news += self.presale.look(there["supplies"])
        news += self.supply.look(there["stock_outages_over"])
        try:
            work, counts, pulls = asyncio.run(self._progress(there["acted"]))
        except Unavailable:  # the database is on its way back; what was true a moment ago is shown again
            return replace(self._last, news=tuple(news)) if self._last else View.empty(news)
        killed = self.kills.due(there["sent"], there["planned"])
        news += [f"kill -9 {killed}"] if killed else []
        closed = sum(counts.get(status, 0) for status in ("completed", "closed"))
        still = there["finished"] and not (work.open or work.waiting or work.undelivered)
        if not still:
            self._pulls = {}
        idle = still and self.pulled_anew(pulls)
        if still and not idle:
            asyncio.run(self._pull_the_rest(pulls))
        ended = closed >= there["sent"] or (idle and not (work.outgoing or there["undelivered"]))
        mischief = len(self.kills.done) + sum(n for name, n in there["faults"].items() if not name.endswith(REPEATS))
        self._last = View(
            there["sent"],
            there["planned"],
            counts,
            there["signed"],
            work.messages,
            mischief,
            idle,
            finished=still and ended and self._desks_are_done() and not self.kills.points,
            news=tuple(news),
            burst=there["burst"],
        )
        return self._last

    def _desks_are_done(self) -> bool:
        return self.service.done() and self.exceptions.done()

    def pulled_anew(self, pulls: Iterable[PullRow]) -> bool:
        """Say whether every shop was pulled from beginning to end since nothing moves: what is missing was lost.

        The pull that ends first may have begun before. A shop that was never pulled has no list.
        """
        for row in pulls:
            if row.pulled_at is not None:
                self._pulls.setdefault(f"{row.vendor}/{row.shop}", set()).add(row.pulled_at)
        return all(len(moments) >= PULLS for moments in self._pulls.values())

    async def _pull_the_rest(self, pulls: Iterable[PullRow]) -> None:
        """Have those shops pulled whose list was not read often enough since nothing moves: what is on its way is so
        here sooner than with their periods. One that cannot be asked now is asked at the next look."""
        if time.monotonic() - self._asked_at < PULL_SECONDS:
            return
        self._asked_at = time.monotonic()
        rest = [row for row in pulls if row.pulled_at and len(self._pulls[f"{row.vendor}/{row.shop}"]) < PULLS]
        adopt(self.installation.run.environment)
        with contextlib.suppress(Unavailable):
            client = await connect_engine()
            asked = (
                pull_now(client, row.vendor, row.shop, kind, replace=False) for row in rest for kind in (ORDERS, CASES)
            )
            await asyncio.gather(*asked, return_exceptions=True)  # not every shop has cases to pull

    def _outage(self, names: list[str]) -> list[str]:
        """Say when an outage of a vendor begins and ends."""
        was, self._out = self._out, set(names)
        return [f"the {name} is out of order" for name in sorted(self._out - was)] + [
            f"the {name} works again" for name in sorted(was - self._out)
        ]

    def settle(self) -> None:
        """Give outgoing calls a moment to reach the world; each platform is asked which orders it has meanwhile."""
        self._until(self._nothing_leaves)
        self.supply.look({})  # a shop may have caught up only now
        deaf = {f"{one.shop.vendor}/{one.shop.code}" for one in self.sides.accounts if one.shop.pull_dead}
        self.ledger = asyncio.run(compare(self.installation.run, self._since, deaf))
        self._until(self._stock_told)

    def _until(self, reached: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        until = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < until:
            self.installation.heal()
            with contextlib.suppress(Unavailable):
                if asyncio.run(reached()):
                    return
            time.sleep(0.1)

    async def _nothing_leaves(self) -> bool:
        work, _, _ = await self._progress(True)
        return not (work.outgoing or work.waiting)

    def evidence(self) -> Evidence:
        """Collect what the proof compares."""
        return asyncio.run(self._evidence())

    def books(self) -> dict[str, Any]:
        """Read the outside world's books."""
        return dict(self._ask("GET", "/sim/books"))

    def _ask(self, method: str, path: str) -> Any:
        try:
            answer = httpx.request(method, self.simulator_url + path, timeout=ASK_SECONDS, trust_env=False)
        except httpx.TransportError as error:
            log = self.folder / "simulator.log"
            raise Broken(f"the simulator did not answer {path}: {type(error).__name__}; see {log}") from error
        if not answer.is_success:
            raise Broken(f"the simulator answered {answer.status_code} to {path}; see {self.folder}/simulator.log")
        return answer.json()

    def _wait_for_simulator(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if not self.installation.children[SIMULATOR].alive():
                raise Broken(_last_line(self.folder / "simulator.log"))
            if answers(f"{self.simulator_url}/sim/health", PATIENT_ANSWER_SECONDS):
                return
            time.sleep(0.05)
        raise Broken(f"the simulator was not ready in {READY_SECONDS} s; see {self.folder}/simulator.log")

    def _database(self) -> Database:
        return Database(self.installation.run.environment["OMS_DATABASE_URL"], pool=2)

    async def _progress(self, buyers_done: bool) -> tuple[Any, dict[str, int], list[PullRow]]:
        await self.operator.look(buyers_done=buyers_done)
        database = self._database()
        try:
            await self.mend.look(database, buyers_done=buyers_done)
            await self.exceptions.look(database)
            await self.service.look(database)
            pulls = await PullReads(database).all()
            return await ProofReads(database).work(), await OrderReads(database).counts(), pulls
        finally:
            await database.close()

    async def _stock_told(self) -> bool:
        database = self._database()
        try:
            return await all_told(database)
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
                shown=await reads.shown(),
                stock=self.supply.told(),
                cases=await reads.cases(),
                standings=await CaseProofReads(database).all(),
                red_letters=await reads.red_letters(),
                ledger=self.ledger,
            )
        finally:
            await database.close()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    return lines[-1] if lines else f"the simulator ended at once; see {log}"
