"""`oms completeness` and `oms reconcile`: is every order here, hour by hour; a comparison by hand (INT-9, INT-10)."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from clients.settings import ClientSettings
from clients.temporal import connect
from clients.temporal_completeness import reconcile as compare_now
from clients.temporal_completeness import source_of
from domain.completeness import HAND, HOUR, Mark
from domain.errors import BadInput
from store import settings_docs
from store.reads.completeness import CheckRow, CompletenessReads, LedgerShop, NumberRow
from store.shops import Shops

Account = Annotated[str, typer.Argument(help="VENDOR/CODE, such as taobao/main; see oms shop list")]
STATES = {
    Mark.RED: "MISSING",
    Mark.HEALING: "being filled",
    Mark.UNASKED: "not asked",
    Mark.AMBER: "whole, differs",
    Mark.HEALED: "healed",
    Mark.GREEN: "whole",
}


def completeness(
    account: Annotated[str, typer.Argument(help="VENDOR/CODE; without it, every shop")] = "",
    hours: Annotated[int, typer.Option(min=1, max=24 * 62, help="so many hours back")] = 24,
) -> None:
    """Show per shop and hour what was pushed, what was pulled, and what the platform says it has; exit 1 for a gap."""

    async def work() -> bool:
        now = utc_now()
        since = now - timedelta(hours=hours)
        async with session() as here:
            reads = CompletenessReads(here.database)
            if not account:
                shops = await reads.shops(since)
                out.print(_shops(shops) if shops else "no shop that sells is connected: oms shop add --help")
                return any(one.state in {Mark.RED, Mark.HEALING} for one in shops)
            vendor, code = split(account)
            checks = await reads.checks(vendor, code, since, now, HOUR)
            numbers = await reads.numbers((vendor, code), since, now, [HOUR])
        out.print(_checks(checks) if checks else f"nothing of {account} was compared in the last {hours} hours")
        _print_numbers(numbers)
        return any(one.missing for one in checks)

    if told(work):
        raise typer.Exit(1)


def reconcile(
    account: Account,
    begin: Annotated[str, typer.Option("--from", help="ISO 8601, in the shop's zone unless it has an offset")],
    end: Annotated[str, typer.Option("--to", help="as --from; not after now")],
) -> None:
    """Compare a shop with its platform now, fetch what is missing, and print the table; exit 1 unless 0 are missing."""

    async def work() -> int:
        async with session() as here:
            vendor, code = split(account)
            shop = await Shops(here.database, here.ring).find(vendor, code)
            if shop is None:
                raise BadInput(f"no shop {account} is connected; see oms shop list")
            async with here.database.transaction() as tx:
                timing = await settings_docs.timing(tx, ClientSettings().profile)
            source = source_of(shop, timing)
            if source is None:
                raise BadInput(f"{account} cannot be asked which orders it has; import its export instead: oms import")
            since = _time(begin, shop.zone)
            latest = utc_now().replace(microsecond=0) - timedelta(seconds=source.rules.lag_seconds)
            until = min(_time(end, shop.zone), latest)
            await compare_now(await connect(), source, since, until)
            reads = CompletenessReads(here.database)
            checks = await reads.checks(vendor, code, since, until, HAND)
            numbers = await reads.numbers((vendor, code), since, until, [HAND])
        out.print(_checks(checks))
        _print_numbers(numbers)
        missing, unasked = sum(one.missing for one in checks), sum(one.state is Mark.UNASKED for one in checks)
        named = sum(one.named for one in checks)
        out.print(f"{named} orders at the platform, {missing} missing" + (f"; {unasked} not asked" if unasked else ""))
        return missing + unasked

    if told(work):
        raise typer.Exit(1)


def split(account: str) -> tuple[str, str]:
    """Read VENDOR/CODE; BadInput says what is wrong."""
    vendor, slash, code = account.partition("/")
    if not (vendor and slash and code):
        raise BadInput(f"{account!r} is not VENDOR/CODE, such as taobao/main; see oms shop list")
    return vendor, code


def _time(words: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        raise BadInput(f"{words!r} is not a time such as 2026-11-01 or 2026-11-01T08:00:00+08:00") from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC).replace(microsecond=0)


def _shops(shops: list[LedgerShop]) -> Table:
    table = Table("shop", "worst window", "compared last (UTC)", box=None)
    for one in shops:
        state = STATES[one.state] if one.state else "cannot be asked, or not yet"
        at = f"{one.checked_at:%m-%d %H:%M:%S}" if one.checked_at else "never"
        table.add_row(f"{one.vendor}/{one.shop}", state, at)
    return table


def _checks(checks: list[CheckRow]) -> Table:
    names = ("from (UTC)", "to", "state", "platform", "counted", "pushed", "pulled", "here", "missing", "why")
    table = Table(*names, box=None)
    for one in checks:
        counts = (one.named, "-" if one.total is None else one.total, one.pushed, one.pulled, one.booked, one.missing)
        times = (f"{one.starts_at:%m-%d %H:%M:%S}", f"{one.ends_at:%m-%d %H:%M:%S}")
        table.add_row(*times, STATES[one.state], *map(str, counts), one.reason)
    return table


def _print_numbers(numbers: list[NumberRow]) -> None:
    if not numbers:
        return
    table = Table("order", "what", "platform", "here", "asked", "settled (UTC)", box=None)
    for one in numbers:
        asked = f"{one.asks} times, {one.asked}" if one.asked else ""
        settled = f"{one.settled_at:%m-%d %H:%M:%S}" if one.settled_at else "open"
        table.add_row(one.no, one.fault, one.theirs, one.ours, asked, settled)
    out.print(table)
