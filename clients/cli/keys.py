"""`oms keyring create FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from clients.cli.session import out, told
from store.keyring import create_keyring

keyring_app = typer.Typer(no_args_is_help=True)


@keyring_app.callback()
def about() -> None:
    """Without these keys nobody can read a stored name, phone or address: back the file up."""


@keyring_app.command()
def create(path: Annotated[Path, typer.Argument(help="where the new key ring goes (OMS_KEYRING)")]) -> None:
    """Draw a new key ring, mode 0600; never overwrites one."""

    async def work() -> None:
        create_keyring(path)

    told(work)
    out.print(f"key ring written to {path}; back it up where the database backup is not")
