"""`oms stock place add` and `list`: stores and other places without a warehouse system."""

from typing import Annotated

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput
from store import places
from store.places import Place

place_app = typer.Typer(no_args_is_help=True)
MAX_CODE = 64
MAX_ADDRESS = 200


@place_app.command()
def add(
    code: str,
    name: str,
    province: Annotated[str, typer.Option(help="where it stands, such as 广东省")] = "",
    actor: Annotated[str, typer.Option(help="your login")] = "cli",
) -> None:
    """Add a store: it holds stock that no channel sells; what comes and goes is booked by hand."""

    async def work() -> None:
        plain = code.replace("-", "").replace("_", "")
        if not (plain.isascii() and plain.isalnum()) or len(code) > MAX_CODE:
            raise BadInput(f"{code!r}: letters, digits, - and _ only, at most {MAX_CODE}")
        async with session() as opened, opened.database.transaction() as tx:
            await places.add(tx, Place(code, name, province), actor, utc_now())

    told(work)
    out.print(f"{code}: added", highlight=False)


@place_app.command(name="return-address")
def return_address(
    code: str,
    words: Annotated[str, typer.Argument(help="name, phone and address, as buyers write them on a parcel")],
    actor: Annotated[str, typer.Option(help="your login")] = "cli",
) -> None:
    """Say where a warehouse takes goods back; the buyers' page shows it (AFT-1)."""

    async def work() -> None:
        if not words.strip() or len(words) > MAX_ADDRESS:
            raise BadInput(f"a return address has 1 to {MAX_ADDRESS} characters")
        async with session() as opened, opened.database.transaction() as tx:
            await places.set_return_address(tx, code, words, actor, utc_now())

    told(work)
    out.print(f"{code}: returns go to {words}", highlight=False, markup=False)


@place_app.command(name="list")
def list_() -> None:
    """List warehouses and stores."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            found = await places.all_places(tx)
        table = Table("code", "name", "province", "system", box=None)
        for place in found.values():
            table.add_row(place.code, place.name, place.province, f"{place.vendor}/{place.shop}".strip("/"))
        out.print(table if found else "no place yet: oms shop add qimen, or oms stock place add")

    told(work)
