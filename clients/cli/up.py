"""`oms up`: keep a whole installation running on this machine until Ctrl-C."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from clients.cli.session import problems, where
from clients.installation import Installation
from clients.settings import inherited
from domain.errors import OmsError
from store.settings_docs import Profile

LOOK_SECONDS = 1.0
EXTERNAL = ("OMS_DATABASE_URL", "OMS_KEYRING", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE")


def up(
    data: Annotated[Path | None, typer.Option(help="where the data lives; var/demo shows the last demo again")] = None,
    profile: Annotated[Profile, typer.Option(help="live, or demo with time sped up")] = Profile.LIVE,
    portal: Annotated[bool, typer.Option(help="also the buyers' pages")] = True,
    labels: Annotated[bool, typer.Option(help="also a process that reads waybill numbers off photos")] = True,
) -> None:
    """Start the servers that the environment does not name, and all our processes; Ctrl-C ends what was started."""
    stop = stop_on_signals()
    folder = (data or where.data).resolve()
    installation = Installation(folder, profile.value, external(), console=True, labels=labels, portal=portal)
    out = Console()
    try:
        installation.start()
        _say(out, installation)
        while not stop.wait(LOOK_SECONDS):
            for name in installation.heal():
                out.print(f"{name} had died and was started again; its log: {installation.folder / name}.log")
    except OmsError as error:
        problems.print(f"[red]oms up:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    finally:
        installation.stop()


def external() -> dict[str, str]:
    """Give what the environment names itself, so that no server of ours is started for it."""
    return {name: value for name, value in inherited().items() if name in EXTERNAL}


def stop_on_signals() -> threading.Event:
    """Turn Ctrl-C and SIGTERM into an event, so that everything started is ended in order."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    return stop


def _say(out: Console, installation: Installation) -> None:
    table = Table(box=None, show_header=False)
    for name, url in installation.run.urls.items():
        table.add_row(name.replace("_", " "), url)
    for note in installation.notes:
        table.add_row("first login", note)
    table.add_row("data", str(installation.folder))
    out.print(table)
    out.print("Ctrl-C ends everything that was started here.")
