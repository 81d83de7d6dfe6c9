"""`oms listing`: which SKU is sold where, and what the shop was told of its stock (INV-6)."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clients.cli.session import Session, out, session, told
from clients.clock import utc_now
from connectors import registry
from connectors.files.listing_table import Given, fault, made, read_listings
from connectors.files.table import MAX_FILE_BYTES
from domain.errors import BadInput
from domain.stock_push import Listing, PushRules
from store import audit, listings
from store.database import Database
from store.listings import Change, Difference
from store.reads.stock_push import ListingStock, StockPushReads
from store.shops import Shops

listing_app = typer.Typer(no_args_is_help=True)
MOST_TOLD = 20
Channel = Annotated[str, typer.Argument(help="such as taobao")]
Code = Annotated[str, typer.Argument(help="the shop's short name")]
Item = Annotated[str, typer.Option(help="the platform's number of the item; an own shop has none")]
Variant = Annotated[str, typer.Option(help="the platform's number of the variant, where the item has variants")]
Actor = Annotated[str, typer.Option(help="your login")]


@listing_app.command(name="list")
def list_(
    channel: Annotated[str, typer.Option(help="of one shop: its channel")] = "",
    shop: Annotated[str, typer.Option(help="and its short name")] = "",
    sku: Annotated[str, typer.Option(help="of one SKU, in all shops")] = "",
    most: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many rows")] = 200,
) -> None:
    """Show where SKUs are sold and what each shop was last told."""

    async def work() -> list[ListingStock]:
        if bool(channel) is not bool(shop):
            raise BadInput("--channel and --shop go together")
        async with session() as here:
            reads = StockPushReads(here.database)
            if sku:
                return [
                    one for one in await reads.of_sku(sku) if not shop or (one.channel, one.shop) == (channel, shop)
                ]
            return await (reads.of_shop(channel, shop, most) if shop else reads.all(most))

    rows = told(work)
    names = ("shop", "SKU", "item", "variant", "state", "shall show", "was told", "when (UTC)", "the shop says")
    table = Table(*names, box=None)
    for row in rows[:most]:
        table.add_row(*map(escape, _cells(row)))
    out.print(table if rows else "no listings yet: orders tell of them, or oms listing import FILE")


def _cells(row: ListingStock) -> tuple[str, ...]:
    state = "not told: removed" if not row.active else row.state or "not looked at yet"
    return (
        f"{row.channel}/{row.shop}",
        row.sku,
        row.item_id,
        row.variant_id,
        state,
        "" if row.wanted_quantity is None else str(row.wanted_quantity),
        "" if row.pushed_quantity is None else str(row.pushed_quantity),
        f"{row.pushed_at:%Y-%m-%d %H:%M:%S}" if row.pushed_at else "",
        row.error,
    )


@listing_app.command()
def add(
    channel: Channel,
    shop: Code,
    sku: str,
    item: Item = "",
    variant: Variant = "",
    title: Annotated[str, typer.Option(help="what people call it")] = "",
    actor: Actor = "cli",
) -> None:
    """Say that a shop sells a SKU under these ids; its stock is told from now on. Again for one that was refused."""

    async def work() -> Difference:
        rules = registry.push_rules(channel)
        cells = {"sku": sku, "item_id": item, "variant_id": variant, "title": title}
        listing = made((channel, shop), cells, rules)
        wrong = fault(listing, rules)
        if wrong:
            raise BadInput(wrong)
        async with session() as here:
            await _known(here, channel, shop)
            found = await _compared(here.database, [Given(1, listing)])
            await _put(here.database, [listing], ("listing.added", actor, "person"))
            return found[0]

    done = told(work)
    was = f" (was {done.was})" if done.change is Change.OTHER_SKU else ""
    _say(f"{channel}/{shop} sells {sku}: {done.change.value}{was}{_untold(channel, shop)}")


@listing_app.command()
def remove(
    channel: Channel, shop: Code, sku: str, item: Item = "", variant: Variant = "", actor: Actor = "cli"
) -> None:
    """Tell a shop nothing more about a SKU, or one item of it. What the shop shows stays as it is."""

    async def work() -> int:
        async with session() as here, here.database.transaction() as tx:
            now = utc_now()
            found = [
                one
                for one in await listings.of(tx, channel, shop, sku)
                if item in ("", one.item_id) and variant in ("", one.variant_id)
            ]
            if not found:
                raise BadInput(f"{channel}/{shop} has no such listing of {sku}; see oms listing list --sku {sku}")
            await audit.write(
                tx, "listing.removed", f"{channel}/{shop}", now, actor=actor, sku=sku, listings=len(found)
            )
            return await listings.remove(tx, found, now)

    _say(f"{told(work)} listings of {sku} are told no more")


@listing_app.command()
def tell(
    channel: Channel,
    shop: Code,
    sku: Annotated[str | None, typer.Option(help="of this SKU only")] = None,
    actor: Actor = "cli",
) -> None:
    """Tell a shop all its numbers again: after a restored backup, or when somebody changed them there."""

    async def work() -> int:
        async with session() as here:
            await _known(here, channel, shop)
            async with here.database.transaction() as tx:
                now = utc_now()
                found = await listings.tell_again(tx, (channel, shop), sku, now)
                if not found:
                    raise BadInput(f"{channel}/{shop} has no such listings; see oms listing list")
                await audit.write(tx, "listing.told", f"{channel}/{shop}", now, actor=actor, listings=found)
                return found

    _say(f"{told(work)} listings are told again{_untold(channel, shop)}")


@listing_app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX with the columns sku, item_id, variant_id, title")],
    channel: Annotated[str, typer.Option(help="such as taobao")],
    shop: Annotated[str, typer.Option(help="the shop's short name")],
    dry: Annotated[bool, typer.Option("--try", help="only say what would change")] = False,
    actor: Actor = "cli",
) -> None:
    """Bring in which SKUs a shop sells under which ids. One bad row, and nothing changes: exit 2."""

    async def work() -> list[Difference]:
        rules = registry.push_rules(channel)
        given = _read(file, (channel, shop), rules)
        async with session() as here:
            await _known(here, channel, shop)
            found = await _compared(here.database, given)
            if not dry:
                await _put(here.database, [one.listing for one in given], ("listing.imported", actor, "file"))
            return found

    done = told(work)
    for change in Change:
        _tell(change, [one for one in done if one.change is change])
    _say("nothing was changed" if dry else f"imported{_untold(channel, shop)}")


def _read(file: Path, account: tuple[str, str], rules: PushRules) -> list[Given]:
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from None
    given = read_listings(raw, account, rules)
    _refuse([f"line {one.line}: {one.fault}" for one in given if one.fault])
    return given


async def _compared(database: Database, given: list[Given]) -> list[Difference]:
    """Refuse SKUs of which no stock is kept, and say what would change."""
    async with database.transaction() as tx:
        counted = await listings.counted(tx, [one.listing.sku for one in given])
        lacking = [one for one in given if one.listing.sku not in counted]
        mend = "no stock is kept of this SKU; set it first: oms stock set"
        _refuse([f"line {one.line}: {mend} {one.listing.sku[:40]} COUNT --warehouse CODE" for one in lacking])
        return await listings.compare(tx, [one.listing for one in given])


async def _put(database: Database, given: list[Listing], by: tuple[str, str, str]) -> None:
    action, actor, source = by
    now = utc_now()
    async with database.transaction() as tx:
        await listings.put(tx, given, source, now)
        shop = f"{given[0].channel}/{given[0].shop}"
        await audit.write(tx, action, shop, now, actor=actor, listings=len(given))


async def _known(here: Session, channel: str, shop: str) -> None:
    if await Shops(here.database, here.ring).find(channel, shop) is None:
        raise BadInput(f"no shop {channel}/{shop} is connected; see oms shop list")


def _untold(channel: str, shop: str) -> str:
    """Say that a shop cannot be told yet."""

    async def work() -> str:
        async with session() as here:
            found = await Shops(here.database, here.ring).find(channel, shop)
        if found is None or registry.takes_stock(channel, found.params):
            return ""
        return f"; the shop has no {registry.vendor(channel).stock_with}, so it is told nothing"

    return told(work)


def _refuse(faults: list[str]) -> None:
    if faults:
        more = f"; and {len(faults) - MOST_TOLD} more" if len(faults) > MOST_TOLD else ""
        raise BadInput("; ".join(faults[:MOST_TOLD]) + f"{more}. Nothing was changed")


def _tell(change: Change, found: list[Difference]) -> None:
    _say(f"{change.value}: {len(found)}")
    if change is Change.SAME:
        return
    for one in found[:MOST_TOLD]:
        was = f", was {one.was}" if change is Change.OTHER_SKU else ""
        _say(f"  {one.listing.sku}: item {one.listing.item_id} {one.listing.variant_id}{was}")
    if len(found) > MOST_TOLD:
        _say(f"  and {len(found) - MOST_TOLD} more")


def _say(words: str) -> None:
    out.print(escape(words), highlight=False, soft_wrap=True)
