"""`oms demo`: a whole small world on this machine, watched live, ending in a proof. Exit 1 when an invariant breaks."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_proof import print_proof, verdict
from clients.cli.demo_view import progress_table
from clients.cli.demo_world import DemoWorld
from clients.cli.session import out, problems
from clients.cli.up import stop_on_signals
from domain.errors import BadInput, OmsError

DEFAULT_COUNT, DEFAULT_FILE_COUNT = 300, 1000
LOOK_SECONDS = 0.4
STALL_SECONDS = 60.0
"""Nothing moves for so long: stop waiting and let the proof say what is open."""
IDLE_SECONDS = 15.0
"""The same where nothing is open any more and every shop's list was read anew: what has not come by then was lost."""


def demo(
    count: Annotated[int | None, typer.Option(min=1, max=20_000, help="how many orders")] = None,
    seed: Annotated[int | None, typer.Option(help="repeat the run of this seed")] = None,
    orders: Annotated[Path | None, typer.Option(help="a Tmall export whose paid orders are replayed")] = None,
    plant: Annotated[str | None, typer.Option(help="lost, doubled, oversold: a lie to be caught")] = None,
    few: Annotated[bool, typer.Option("--few", help="sell on three platforms, not on all")] = False,
    calm: Annotated[bool, typer.Option("--calm", help="no mischief: no faults, no outage, no kill -9")] = False,
    data: Annotated[Path, typer.Option(help="where the demo keeps its data")] = Path("var/demo"),
) -> None:
    """Run orders from webhook to door through real protocols, and prove that nothing was lost, doubled or oversold."""
    stop = stop_on_signals()
    chosen = seed if seed is not None else random.SystemRandom().randrange(1, 1_000_000)
    default = DEFAULT_FILE_COUNT if orders else DEFAULT_COUNT
    plan = DemoPlan(chosen, count or default, orders.resolve() if orders else None, plant, calm, few=few)
    out.print(f"seed {chosen}: repeat this run with make demo SEED={chosen}", highlight=False)
    world = DemoWorld(fresh(data), plan)
    started = time.monotonic()
    try:
        world.start()
        out.print(f"everything runs after {time.monotonic() - started:.1f} s; orders come in", highlight=False)
        _watch(world, stop.is_set)
        world.settle()
        findings = print_proof(out, world, time.monotonic() - started)
    except OmsError as error:
        problems.print(f"[red]demo:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    finally:
        world.stop()
    raise typer.Exit(verdict(out, findings, chosen, data))


def fresh(data: Path) -> Path:
    """Empty the demo's folder, and only a folder that a demo made."""
    folder = data.resolve()
    mark = folder / ".steadfast-demo"
    if folder.exists() and any(folder.iterdir()) and not mark.exists():
        raise BadInput(f"{folder} holds something that is not a demo; name another --data")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    mark.touch()
    return folder


def _watch(world: DemoWorld, stopped: Callable[[], bool]) -> None:
    """Show progress until the world is finished and every order is closed, or nothing moves any more."""
    began = moved_at = time.monotonic()
    last = None
    with Live(console=out, refresh_per_second=4, transient=False) as live:
        while True:
            view = world.look()
            live.update(progress_table(view))
            for line in view.news:
                live.console.print(f"{time.monotonic() - began:5.1f} s  {line}", highlight=False)
            if view.fingerprint != last:
                last, moved_at = view.fingerprint, time.monotonic()
            patience = IDLE_SECONDS if view.idle else STALL_SECONDS
            if view.finished or time.monotonic() - moved_at > patience:
                break
            if stopped():
                raise BadInput("stopped by hand; nothing was proven")
            time.sleep(LOOK_SECONDS)
    out.print()
