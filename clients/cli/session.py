"""What every command shares: the running installation, its database and key ring, and how errors are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from clients.run_file import read_run_file
from clients.settings import adopt, inherited
from domain.errors import OmsError
from store.database import Database
from store.keyring import KeyRing, load_keyring
from store.settings import store_settings

T = TypeVar("T")
USAGE_ERROR = 2
# An order of shop tm is taobao:tm:1, not the picture that :tm: stands for.
out = Console(emoji=False)
problems = Console(stderr=True, emoji=False)


@dataclass
class Where:
    """Which installation the commands speak to."""

    data: Path = Path("var")


where = Where()


@dataclass(frozen=True, slots=True)
class Session:
    """An open database with the key ring to read it."""

    database: Database
    ring: KeyRing


@asynccontextmanager
async def session() -> AsyncIterator[Session]:
    """Open the installation that --data names, or the one that the environment names."""
    find_installation()
    settings = store_settings()
    database = Database(settings.database_url, pool=4)
    try:
        yield Session(database, load_keyring(settings.keyring))
    finally:
        await database.close()


def find_installation() -> None:
    """Put the running installation's settings in force, unless the environment names servers itself."""
    if "OMS_DATABASE_URL" not in inherited():
        adopt(read_run_file(where.data).environment)


def told(work: Callable[[], Awaitable[T]]) -> T:
    """Run one command; an error that we raised on purpose is one line and exit code 2."""

    async def run() -> T:
        return await work()

    try:
        return asyncio.run(run())
    except OmsError as error:
        problems.print(f"[red]oms:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(USAGE_ERROR) from None
