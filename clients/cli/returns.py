"""`oms return`: goods that come back: parcels of nobody, where a case's parcel is, its label (AFT-3, AFT-4, AFT-6)."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput

return_app = typer.Typer(no_args_is_help=True)
Parcel = Annotated[int, typer.Argument(help="number of the parcel, from oms return list")]
Case = Annotated[str, typer.Argument(help="number of the case, such as C2611220001")]
Actor = Annotated[str, typer.Option(help="your login")]


@return_app.command(name="list")
def list_(most: Annotated[int, typer.Option(min=1, max=10_000)] = 100) -> None:
    """List parcels that belong to no case yet, the oldest first."""

    async def work() -> None:
        from store import unmatched

        async with session() as opened, opened.database.transaction() as tx:
            rows = await unmatched.waiting(tx, most)
        table = Table(Column("parcel", no_wrap=True), "place", "waybill", "order", "goods", "received (UTC)", box=None)
        for row in rows:
            goods = ", ".join(f"{line['sku']} {line['quantity']} {line['grade']}" for line in row.lines)
            table.add_row(
                str(row.id), row.warehouse, row.waybill_no, row.order_key or row.order_no, goods,
                f"{row.received_at:%m-%d %H:%M}",
            )  # fmt: skip
        out.print(table if rows else "no parcel waits for its case")

    told(work)


@return_app.command()
def match(parcel: Parcel, case: Case, actor: Actor = "cli") -> None:
    """Book a parcel on a case: its good units go to the shelf, the case goes on. Twice is once."""

    async def work() -> str:
        from store import unmatched

        async with session() as opened, opened.database.transaction() as tx:
            fresh = await unmatched.match(tx, parcel, case, actor, utc_now())
        return f"parcel {parcel} belongs to case {case}" + ("" if fresh else " already")

    out.print(told(work), highlight=False)


@return_app.command(name="open")
def open_(
    parcel: Parcel,
    order: Annotated[str, typer.Argument(help="order number or key")],
    reason: Annotated[str, typer.Option(help="reason code of the after-sales policy")] = "other",
    actor: Actor = "cli",
) -> None:
    """Open a return case of an order from a parcel, and book the parcel on it."""

    async def work() -> str:
        from store import unmatched
        from store.reads.returns import order_keys

        async with session() as opened, opened.database.transaction() as tx:
            keys = await order_keys(tx, order)
            if len(keys) != 1:
                raise BadInput(f"{order!r} names {len(keys)} orders; give the key, such as own:shop:{order}")
            opening = unmatched.Opening(keys[0], reason, actor)
            no = await unmatched.open_case(tx, opened.ring, parcel, opening, utc_now())
        return f"case {no} is open; parcel {parcel} belongs to it"

    out.print(told(work), highlight=False)


@return_app.command()
def keep(
    parcel: Parcel, note: Annotated[str, typer.Option(help="why it belongs to no case")], actor: Actor = "cli"
) -> None:
    """Close a parcel without a case; its goods stay in quarantine (oms stock grade moves them)."""

    async def work() -> str:
        from store import unmatched

        async with session() as opened, opened.database.transaction() as tx:
            await unmatched.keep(tx, parcel, actor, note, utc_now())
        return f"parcel {parcel} is closed; its goods stay in quarantine"

    out.print(told(work), highlight=False)


@return_app.command()
def label(case: Case, file: Path, actor: Actor = "cli") -> None:
    """Keep a photo of a return's label; it is read by the process for labels (oms return show)."""

    async def work() -> str:
        from connectors.files.photo import clean_photo
        from store import case_photos

        photo = await asyncio.to_thread(clean_photo, _read(file))
        async with session() as opened, opened.database.transaction() as tx:
            about = (case, case_photos.PhotoKind.LABEL, actor)
            number = await case_photos.save(tx, opened.ring, about, photo, utc_now())
        return f"photo {number} of case {case} is kept and will be read"

    out.print(told(work), highlight=False)


@return_app.command()
def show(case: Case) -> None:
    """Show where the parcels of a case are, what its labels say, and what waits to be inspected."""

    async def work() -> None:
        from store import case_photos, inspections, return_parcels

        async with session() as opened, opened.database.transaction() as tx:
            parcels, photos = await return_parcels.of_case(tx, case), await case_photos.of_case(tx, case)
            waits = await inspections.waits(tx, case)
        for one in parcels:
            heard = f"{one.heard_at:%m-%d %H:%M} UTC" if one.heard_at else "nothing heard"
            out.print(f"parcel {one.carrier} {one.waybill_no}: {one.state or 'unknown'} {one.location} ({heard})")
        for one in photos:
            read = f", {one.reading}: {one.read_carrier} {one.read_waybill_no} {one.read_percent} %"
            out.print(f"photo {one.id}: {one.kind}{read if one.reading else ''}")
        for sku, units in sorted(waits.items()):
            out.print(f"waits for an inspection: {sku} {units}")
        if not parcels and not photos and not waits:
            out.print(f"nothing has come for case {case} yet")

    told(work)


def _read(file: Path) -> bytes:
    from domain.photos import PhotoLimits

    try:
        with file.open("rb") as opened:
            return opened.read(PhotoLimits().most_bytes + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
