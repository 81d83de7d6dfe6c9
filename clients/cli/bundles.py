"""`oms bundle add, list, show, remove, import`: products that consist of others (INV-1)."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from connectors.files.table import MAX_FILE_BYTES, Row, read_table
from domain.errors import BadInput
from store import bundles

bundle_app = typer.Typer(no_args_is_help=True)
Bundle = Annotated[str, typer.Argument(help="the bundle's SKU, as channels sell it")]
Actor = Annotated[str, typer.Option(help="who does this; stands in the audit log")]
COLUMNS = ("bundle", "sku", "quantity")


@bundle_app.command()
def add(
    bundle: Bundle,
    parts: Annotated[list[str], typer.Argument(help="components, such as TEE-WHITE-M=2 SOCK-5P-A=1")],
    actor: Actor = "cli",
) -> None:
    """Make a bundle of components, or change one; orders that hold the old components keep them."""

    async def work() -> int:
        return await _put({bundle: _components(parts)}, actor)

    out.print(f"{bundle}: {'saved' if told(work) else 'is so already'}", highlight=False)


@bundle_app.command(name="list")
def list_() -> None:
    """List the bundles and their components."""

    async def work() -> dict[str, dict[str, int]]:
        async with session() as opened, opened.database.transaction() as tx:
            return await bundles.listed(tx)

    found = told(work)
    table = Table("bundle", "components", box=None)
    for bundle, parts in found.items():
        table.add_row(escape(bundle), escape(", ".join(f"{sku} x {n}" for sku, n in parts.items())))
    out.print(table if found else "no bundles yet: oms bundle add BUNDLE SKU=QUANTITY ...")


@bundle_app.command()
def show(bundle: Bundle) -> None:
    """Show what one bundle consumes."""

    async def work() -> dict[str, int]:
        async with session() as opened, opened.database.transaction() as tx:
            found = (await bundles.components(tx, [bundle])).get(bundle)
        if found is None:
            raise BadInput(f"no bundle {bundle!r}; see oms bundle list")
        return found

    table = Table("component", "units each", box=None)
    for sku, n in told(work).items():
        table.add_row(escape(sku), str(n))
    out.print(table)


@bundle_app.command()
def remove(bundle: Bundle, actor: Actor = "cli") -> None:
    """Stop selling a bundle; orders that hold its components keep them."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            await bundles.remove(tx, bundle, utc_now(), actor)

    told(work)
    out.print(f"{bundle}: removed", highlight=False)


@bundle_app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX with the columns bundle, sku, quantity", exists=True)],
    actor: Actor = "cli",
) -> None:
    """Bring in bundles from a table, one row per component: all of it, or nothing when a row is wrong."""

    async def work() -> tuple[int, int]:
        found = _read(file)
        return len(found), await _put(found, actor)

    count, changed = told(work)
    out.print(f"{count} bundles read, {changed} new or changed", highlight=False)


async def _put(found: dict[str, dict[str, int]], actor: str) -> int:
    async with session() as opened, opened.database.transaction() as tx:
        return sum([await bundles.put(tx, bundle, parts, utc_now(), actor) for bundle, parts in sorted(found.items())])


def _components(written: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in written:
        sku, _, quantity = one.rpartition("=")
        if not sku or not quantity.isascii() or not quantity.isdigit():
            raise BadInput(f"{one!r} is no component: write SKU=QUANTITY, such as TEE-WHITE-M=2")
        if sku in found:
            raise BadInput(f"{sku} is named twice: add its units up")
        found[sku] = int(quantity)
    return found


def _read(file: Path) -> dict[str, dict[str, int]]:
    """Read the table; BadInput names the line that is wrong."""
    if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
        raise BadInput(f"{file}: no file, or larger than {MAX_FILE_BYTES // 1024 // 1024} MB")
    table = read_table(file.read_bytes())
    if missing := [name for name in COLUMNS if name not in table.header]:
        raise BadInput(f"column {missing[0]} is missing: the header line is {','.join(COLUMNS)}")
    places = [table.header.index(name) for name in COLUMNS]
    found: dict[str, dict[str, int]] = {}
    for row in table.rows:
        bundle, sku, quantity = _cells(row, places)
        parts = found.setdefault(bundle, {})
        if sku in parts:
            raise BadInput(f"line {row.line}: {sku} stands twice in {bundle}: add its units up")
        parts[sku] = quantity
    return found


def _cells(row: Row, places: list[int]) -> tuple[str, str, int]:
    bundle, sku, quantity = (row.cells[place] for place in places)
    if not bundle or not sku:
        raise BadInput(f"line {row.line}: bundle or sku is empty")
    if not quantity.isascii() or not quantity.isdigit():
        raise BadInput(f"line {row.line}: quantity is not a whole number")
    return bundle, sku, int(quantity)
