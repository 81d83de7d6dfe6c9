"""`oms rehearse`: a promotion's day before it comes, on this machine, and what the system made of it (OPS-4)."""

import asyncio
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table

from clients.cli.demo import STALL_SECONDS, fresh
from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_proof import print_proof, verdict
from clients.cli.demo_view import progress_table
from clients.cli.demo_world import DemoWorld
from clients.cli.session import out, problems, session, told
from clients.cli.up import stop_on_signals
from clients.clock import utc_now
from domain.errors import BadInput, OmsError, Unavailable
from domain.rehearsal import HOURS, Zone, curve, lag_percentile, read_zones
from store import audit
from store.database import Database
from store.reads.rehearsal import Pressure, RehearsalReads
from store.reads.watch import REHEARSED

LANES = {0: "urgent", 1: "normal", 2: "later", 3: "edits"}
LOOK_SECONDS = 1.0
REPORT = "rehearsal.json"


@dataclass
class Gauge:
    """What was seen of the pressure, look by look."""

    looks: list[tuple[float, Pressure]] = field(default_factory=list)

    def take(self, at: float, pressure: Pressure) -> None:
        """Note one look; `at` in seconds since the first buyer."""
        self.looks.append((at, pressure))

    def accepted(self) -> tuple[float, float]:
        """Give messages accepted per second: the mean while any came, and the most in five seconds."""
        moved = [(at, one.accepted) for at, one in self.looks]
        if len(moved) < 2:
            return 0.0, 0.0
        last = next((n for n in range(len(moved)) if moved[n][1] == moved[-1][1]), len(moved) - 1)
        mean = (moved[last][1] - moved[0][1]) / max(moved[last][0] - moved[0][0], LOOK_SECONDS)
        rates = [
            (later[1] - early[1]) / (later[0] - early[0])
            for early, later in zip(moved, moved[5:], strict=False)
            if later[0] > early[0]
        ]
        return mean, max(rates, default=mean)

    def lags(self) -> dict[tuple[str, int], list[float]]:
        """Give what each lane of each queue was behind, seconds."""
        found: dict[tuple[str, int], list[float]] = defaultdict(list)
        for _, one in self.looks:
            for queue, lanes in (("apply", one.apply), ("deliver", one.deliver)):
                seen = {lane.lane: lane.oldest_seconds for lane in lanes}
                for lane in LANES:
                    found[queue, lane].append(max(0.0, seen.get(lane, 0.0)))
        return found

    def shed(self) -> float:
        """Give the share of the looks at which reports and trials were off."""
        return sum(one.surge for _, one in self.looks) / max(len(self.looks), 1)


def rehearse(
    orders: Annotated[int, typer.Option(min=1, max=100_000, help="the orders of the day")] = 30_000,
    minutes: Annotated[float, typer.Option(min=0.2, max=720, help="into how many minutes the day is pressed")] = 60,
    zones: Annotated[
        str, typer.Option(help="buyers by time zone, ZONE=PART with commas; each has its own evening")
    ] = "Asia/Shanghai=7,Europe/London=2,America/New_York=1",
    peak_hour: Annotated[int, typer.Option(min=0, max=23, help="the local hour in which most is ordered")] = 20,
    promotion: Annotated[str, typer.Option(help="the promotion (settings, alerts) that is rehearsed by this")] = "",
    seed: Annotated[int | None, typer.Option(help="repeat the run of this seed")] = None,
    data: Annotated[Path, typer.Option(help="where the rehearsal keeps its data")] = Path("var/rehearsal"),
) -> None:
    """Let a promotion's day run against a whole installation of its own, and print what it could take."""
    stop = stop_on_signals()
    chosen = seed if seed is not None else random.SystemRandom().randrange(1, 1_000_000)
    parts = told(lambda: _zones(zones, peak_hour))
    shape = curve(parts, utc_now().replace(minute=0, second=0, microsecond=0))
    rate = orders / (minutes * 60)
    out.print(f"seed {chosen}: {orders} orders in {minutes:g} min, {rate:.1f}/s, {rate * max(shape):.1f}/s at the peak")
    world = DemoWorld(fresh(data), DemoPlan(chosen, orders, calm=True, few=True, rate=rate, curve=shape, cases=False))
    gauge, began = Gauge(), time.monotonic()
    try:
        world.start()
        _watch(world, gauge, stop.is_set)
        world.settle()
        findings = print_proof(out, world, time.monotonic() - began)
    except OmsError as error:
        problems.print(f"[red]rehearse:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    finally:
        world.stop()
    figures = _figures(gauge)
    out.print(_table(figures))
    (data / REPORT).write_text(json.dumps({"seed": chosen, "orders": orders, "minutes": minutes, **figures}, indent=1))
    code = verdict(out, findings, chosen, data)
    if promotion and not code:
        told(lambda: _note(promotion, figures | {"orders": orders, "seed": chosen}))
        out.print(f"noted: {promotion} is rehearsed", highlight=False)
    raise typer.Exit(code)


async def _zones(words: str, peak_hour: int) -> list[Zone]:
    return read_zones(words, peak_hour)


async def _note(promotion: str, figures: dict[str, Any]) -> None:
    """Write down, in the installation that --data of `oms` names, that a promotion was rehearsed."""
    async with session() as opened, opened.database.transaction() as tx:
        await audit.write(tx, REHEARSED, f"promotion:{promotion}", utc_now(), actor="cli", **figures)


def _watch(world: DemoWorld, gauge: Gauge, stopped: Callable[[], bool]) -> None:
    """Look until every order is closed, or nothing moves any more."""
    began = moved_at = time.monotonic()
    last = None
    url = world.installation.run.environment["OMS_DATABASE_URL"]
    with Live(console=out, refresh_per_second=2) as live:
        while True:
            view = world.look()
            live.update(progress_table(view))
            try:
                gauge.take(time.monotonic() - began, asyncio.run(pressure(url)))
            except Unavailable:  # the next look tells
                view = world.look()
            if view.fingerprint != last:
                last, moved_at = view.fingerprint, time.monotonic()
            if view.finished or time.monotonic() - moved_at > STALL_SECONDS:
                return
            if stopped():
                raise BadInput("stopped by hand; nothing was measured")
            time.sleep(LOOK_SECONDS)


async def pressure(url: str) -> Pressure:
    """Look once at what waits in an installation."""
    database = Database(url, pool=1)
    try:
        return await RehearsalReads(database).now(utc_now())
    finally:
        await database.close()


def _figures(gauge: Gauge) -> dict[str, Any]:
    mean, most = gauge.accepted()
    lags = {
        f"{queue} {LANES[lane]}": {name: round(lag_percentile(seen, share), 1) for name, share in _SHARES.items()}
        for (queue, lane), seen in gauge.lags().items()
    }
    return {
        "accepted_per_second": round(mean, 1),
        "accepted_per_second_most": round(most, 1),
        "lag_seconds": lags,
        "shed_percent_of_time": round(100 * gauge.shed(), 1),
        "hours": HOURS,
    }


_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}


def _table(figures: dict[str, Any]) -> Table:
    table = Table(title="Rehearsal", title_justify="left")
    for head in ("what", *_SHARES):
        table.add_column(head, justify="left" if head == "what" else "right")
    most = figures["accepted_per_second_most"]
    table.add_row("messages accepted a second: mean, most", f"{figures['accepted_per_second']}", "", "", f"{most}")
    for name, lag in figures["lag_seconds"].items():
        table.add_row(f"behind, {name} lane, s", *(f"{lag[one]}" for one in _SHARES))
    table.add_row("reports and trials off, % of the time", f"{figures['shed_percent_of_time']}", "", "", "")
    return table
