"""`oms pool ...`: channel pools (virtual warehouses), and what a change of one would show to whom (INV-1)."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.by import By
from domain.errors import BadInput
from domain.pool_changes import (
    Create,
    Decided,
    Delete,
    Difference,
    Join,
    Leave,
    Lock,
    LockPercent,
    PoolChange,
    Release,
    ReleaseAll,
    Rename,
    Share,
    Transfer,
)
from domain.stock_state import ShopKey
from store import pool_changes
from store.reads.pools import PoolReads, PoolRow, PoolSku

pool_app = typer.Typer(no_args_is_help=True)
MOST_SHOWN = 50
Pool = Annotated[str, typer.Argument(help="the pool's code")]
Units = Annotated[list[str], typer.Argument(help="such as TEE-WHITE-M=40 SOCK-5P-A=10")]
Reason = Annotated[str, typer.Option(help="why, for whoever reads it later")]
Actor = Annotated[str, typer.Option(help="who does this; stands in the audit log")]
Try = Annotated[bool, typer.Option("--try", help="say what each shop would be shown, and change nothing")]


@pool_app.command(name="list")
def list_() -> None:
    """List the pools, who sells from each, and how much it has locked."""

    async def work() -> list[PoolRow]:
        async with session() as opened:
            return await PoolReads(opened.database).rows()

    rows = told(work)
    table = Table("pool", "title", "SKUs", "locked", "shops", box=None)
    for row in rows:
        table.add_row(row.code, escape(row.title), str(row.skus), str(row.locked), escape(" ".join(row.shops)))
    out.print(table if rows else "no pools yet: oms pool add CODE --title NAME --reason WHY")


@pool_app.command()
def show(pool: Pool, most: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many SKUs")] = 100) -> None:
    """Show what a pool has locked, the share that it shows of the common units, and what is common now."""

    async def work() -> tuple[PoolRow, list[PoolSku]]:
        async with session() as opened:
            return await PoolReads(opened.database).one(pool, most)

    row, stock = told(work)
    shops = " ".join(row.shops) or "no shop yet"
    out.print(escape(f"{row.code} {row.title}: {shops}; {row.locked} units of {row.skus} SKUs locked"), highlight=False)
    table = Table("SKU", "title", "locked", "share", "common", box=None)
    for one in stock:
        share = "" if one.share_percent is None else f"{one.share_percent} %"
        table.add_row(one.sku, escape(one.title), str(one.locked), share, str(one.common))
    if stock:
        out.print(table)


@pool_app.command()
def add(
    pool: Pool,
    reason: Reason,
    title: Annotated[str, typer.Option(help="what people call it")] = "",
    actor: Actor = "cli",
) -> None:
    """Make a new pool; then give it shops and units."""
    _make(lambda: Create(pool, title), (actor, reason))


@pool_app.command()
def rename(pool: Pool, title: str, reason: Reason, actor: Actor = "cli") -> None:
    """Give a pool another title."""
    _make(lambda: Rename(pool, title), (actor, reason))


@pool_app.command()
def remove(pool: Pool, reason: Reason, actor: Actor = "cli", try_: Try = False) -> None:
    """Remove a pool that has nothing locked; its shops sell from the common units."""
    _make(lambda: Delete(pool), (actor, reason), try_)


@pool_app.command()
def member(
    pool: Pool,
    shops: Annotated[list[str], typer.Argument(help="douyin/live-1, or douyin for the whole channel")],
    reason: Reason,
    leave: Annotated[bool, typer.Option("--leave", help="take them out instead")] = False,
    actor: Actor = "cli",
    try_: Try = False,
) -> None:
    """Let shops, or a whole channel, sell from a pool; a shop's own pool goes before its channel's."""
    kind = Leave if leave else Join
    _make(lambda: kind(pool, tuple(_shop(words) for words in shops)), (actor, reason), try_)


@pool_app.command()
def lock(
    pool: Pool,
    reason: Reason,
    units: Annotated[list[str] | None, typer.Argument(help="SKU=UNITS ..., or SKUs with --percent")] = None,
    percent: Annotated[int | None, typer.Option(help="lock so much of what is free of these SKUs now")] = None,
    all_: Annotated[bool, typer.Option("--all", help="with --percent: of every SKU")] = False,
    actor: Actor = "cli",
    try_: Try = False,
) -> None:
    """Lock common units for a pool: only its shops may sell them. Promised units never move."""

    def wish() -> PoolChange:
        if percent is None:
            return Lock(pool, _units(units or []))
        if bool(units) is all_:
            raise BadInput("--percent goes with SKUs, or with --all for every SKU")
        return LockPercent(pool, tuple(units or ()), percent)

    _make(wish, (actor, reason), try_)


@pool_app.command()
def release(
    pool: Pool,
    reason: Reason,
    units: Annotated[list[str] | None, typer.Argument(help="SKU=UNITS ..., or SKUs with --all")] = None,
    all_: Annotated[bool, typer.Option("--all", help="everything that is locked of these SKUs, or of all")] = False,
    actor: Actor = "cli",
    try_: Try = False,
) -> None:
    """Make locked units common again."""

    def wish() -> PoolChange:
        return ReleaseAll(pool, tuple(units or ())) if all_ else Release(pool, _units(units or []))

    _make(wish, (actor, reason), try_)


@pool_app.command()
def transfer(
    pool: Pool,
    to: Annotated[str, typer.Argument(help="the pool that gets them")],
    units: Units,
    reason: Reason,
    actor: Actor = "cli",
    try_: Try = False,
) -> None:
    """Give locked units to another pool; they are never common between."""
    _make(lambda: Transfer(pool, to, _units(units)), (actor, reason), try_)


@pool_app.command()
def share(
    pool: Pool,
    percent: Annotated[str, typer.Argument(help="0 to 100, or `whole` for no limit")],
    skus: Annotated[list[str], typer.Argument(help="SKUs")],
    reason: Reason,
    actor: Actor = "cli",
    try_: Try = False,
) -> None:
    """Limit how much of the common units of some SKUs a pool's shops are shown."""

    def wish() -> PoolChange:
        if percent != "whole" and not percent.isdecimal():
            raise BadInput(f"{percent!r} is neither a number from 0 to 100 nor `whole`")
        return Share(pool, tuple(skus), None if percent == "whole" else int(percent))

    _make(wish, (actor, reason), try_)


def _make(wish: Callable[[], PoolChange], who: tuple[str, str], try_: bool = False) -> None:
    """Make a change and say what it came to; or try it, and say what shops would be shown."""

    async def work() -> Decided | list[Difference]:
        change = wish()
        async with session() as opened, opened.database.transaction() as tx:
            if try_:
                return await pool_changes.preview(tx, change)
            return await pool_changes.make(tx, change, By(*who), utc_now())

    done = told(work)
    lines = _differences(done) if isinstance(done, list) else _said(done)
    for line in lines:
        out.print(escape(line), highlight=False, soft_wrap=True)


def _differences(found: list[Difference]) -> list[str]:
    lines = [f"{one.channel}/{one.shop} {one.sku}: {one.before} -> {one.after}" for one in found[:MOST_SHOWN]]
    more = [f"and {len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    return [*(lines or ["no shop would be shown another number"]), *more, "nothing is changed"]


def _said(done: Decided) -> list[str]:
    """Say what a change came to, pool by pool."""
    lines = []
    for pool in sorted({pool for pool, _ in done.units}):
        units = [n for (of, _), n in done.units.items() if of == pool]
        lines.append(f"{pool}: {sum(units):+d} units of {len(units)} SKUs locked")
    for (channel, shop), joined in sorted(done.members.items()):
        sells = f"sells from {joined}" if joined else "sells from no pool of its own now"
        lines.append(f"{channel}/{shop or '*'} {sells}")
    for (pool, sku), percent in sorted(done.shares.items()):
        lines.append(f"{pool} shows {'all' if percent is None else f'{percent} %'} of the common units of {sku}")
    for pool, title in done.titles.items():
        lines.append(f"{pool} is removed" if title is None else f"{pool} {title}".rstrip())
    return lines


def _units(words: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        sku, _, units = word.rpartition("=")
        if not sku or not (units.isascii() and units.isdecimal()):
            raise BadInput(f"{word!r} is not SKU=UNITS, such as TEE-WHITE-M=40")
        if sku in found:
            raise BadInput(f"{sku} is there twice: name it once")
        found[sku] = int(units)
    return found


def _shop(words: str) -> ShopKey:
    channel, _, shop = words.partition("/")
    return channel, "" if shop == "*" else shop
