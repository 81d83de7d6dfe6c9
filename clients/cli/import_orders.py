"""`oms import`: a channel's export file, as history or live, and the report of what became of its rows (INT-10)."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from clients.cli.session import out, session, told
from clients.clock import utc_now
from clients.importing import File, Importer, Report, report_csv
from connectors.files.columns import TMALL, ColumnMap, read_map
from connectors.files.table import MAX_FILE_BYTES
from domain.errors import BadInput
from store.order_history import Sums

SOME_REFUSED = 1
MOST_TOLD = 20
MAX_NAME = 64


def import_orders(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8, GB18030) or XLSX, one row per order, at most 8 MB")],
    channel: Annotated[str, typer.Option(help="where the orders were sold, such as taobao")],
    shop: Annotated[str, typer.Option(help="code of the shop there")],
    live: Annotated[
        bool, typer.Option("--live", help="a workflow each: times move to now, paid stays paid, refunds are left out")
    ] = False,
    sku: Annotated[str, typer.Option(help="with --live: what every order buys one of, for the file has no SKU")] = "",
    columns: Annotated[Path | None, typer.Option(help="JSON that names the columns (docs/importing.md)")] = None,
    report: Annotated[Path | None, typer.Option(help="write every refused row to this new CSV file")] = None,
    actor: Annotated[str, typer.Option(help="who imports; stands in the audit log")] = "cli",
) -> None:
    """Bring in orders from a channel's export file (without --columns: the Tmall order export).

    History (the default) takes finished orders as facts: no stock, no shipping, no alert. A second time changes
    nothing. A broken file changes nothing and exits with 2; exit 1 when some rows were refused, 0 otherwise.
    """

    async def work() -> Report:
        given = _given(file, columns, actor)
        account = (_code("--channel", channel), _code("--shop", shop))
        if sku and not live:
            raise BadInput("--sku goes with --live only: history takes what the file says")
        _room_for(report)
        async with session() as opened:
            importer = Importer(opened.database, opened.ring, account, utc_now)
            return await (importer.live(given, sku) if live else importer.history(given))

    async def save() -> None:
        if report is not None:
            _write(report, report_csv(done))

    done = told(work)
    _print(done, f"{channel}/{shop}")
    told(save)
    if done.refused:
        raise typer.Exit(SOME_REFUSED)


def _given(file: Path, columns: Path | None, actor: str) -> File:
    shape: ColumnMap = TMALL if columns is None else read_map(_bytes(columns))
    return File(_bytes(file), file.name, shape, actor)


def _bytes(path: Path) -> bytes:
    """Read a file; one byte more than may be, so that a huge one is refused without being held."""
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None


def _room_for(report: Path | None) -> None:
    """Refuse a report that could not be written, before anything is imported."""
    if report is not None and report.exists():
        raise BadInput(f"{report} exists and is not overwritten; name another --report")
    if report is not None and not report.parent.is_dir():
        raise BadInput(f"there is no folder {report.parent} for --report")


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as opened:
            opened.write(content)
    except OSError as error:
        raise BadInput(f"the orders are in, but {path} cannot be written: {error.strerror}") from None


def _code(option: str, code: str) -> str:
    plain = code.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum()) or len(code) > MAX_NAME:
        raise BadInput(f"{option} {code!r} becomes part of every order's key: letters, digits, - and _ only")
    return code


def _print(done: Report, account: str) -> None:
    _say(f"rows {done.rows}: accepted {done.accepted}, duplicates {done.duplicates}, refused {len(done.refused)}")
    for sums in done.sums:
        _say(f"file: {_money(sums)}")
    for sums in done.kept:
        _say(f"kept: {_money(sums)}")
    if done.unknown_places:
        _say(f"note: {done.unknown_places} addresses begin with no province of China; they are kept as written")
    if not done.shop_known:
        _say(f"note: no shop {account} is connected; its history is kept all the same (is the name right?)")
    refused = [f"line {one.line}: {_order(one.no)}{one.column} {one.reason}" for one in done.refused]
    _tell("refused", refused)
    differs = [f"line {one.line}: {_order(one.no)}{one.words()}" for one in done.differences]
    _tell("known with other amounts, left as they are", differs)


def _tell(title: str, lines: list[str]) -> None:
    if lines:
        _say(f"{title}: {len(lines)}")
    for line in lines[:MOST_TOLD]:
        _say(f"  {line}")
    if len(lines) > MOST_TOLD:
        _say(f"  and {len(lines) - MOST_TOLD} more; --report FILE.csv writes all")


def _order(no: str) -> str:
    return f"order {no}: " if no else ""


def _money(sums: Sums) -> str:
    total, paid, refunded = (f"{minor / 100:,.2f}" for minor in sums.amounts)
    return f"{sums.orders} orders, total {total}, paid {paid}, refunded {refunded} {sums.currency}"


def _say(words: str) -> None:
    out.print(escape(words), highlight=False, soft_wrap=True)
