"""`oms inbox list`, `oms inbox show`, `oms inbox replay`: messages from outside and their second way in (INT-14)."""

import re
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from clients.cli.session import Session, out, session, told
from clients.clock import utc_now
from clients.replay import MessageName, Replayer, message_name
from domain import drift
from domain.errors import BadInput
from store.opening import Opening
from store.reads.inbox import STATES, InboxReads, MessageFilter, MessagePage
from store.replay import By

inbox_app = typer.Typer(no_args_is_help=True)
NOT_ALL_DONE = 1
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
Actor = Annotated[str, typer.Option(help="who asks; stands in the audit log")]


@inbox_app.command(name="list")
def list_(
    state: Annotated[str | None, typer.Option(help=", ".join(STATES))] = None,
    source: Annotated[str | None, typer.Option(help="vendor, such as own")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """List messages, newest first. 12 is of the inbox, u12 could not be verified, o12 could not be booked."""

    async def work() -> None:
        if state is not None and state not in STATES:
            raise BadInput(f"no state {state!r}; known are {', '.join(STATES)}")
        async with session() as open_session:
            wanted = MessageFilter(state, source)
            rows = (await InboxReads(open_session.database).list(wanted, rows=most)).rows
        table = Table(Column("id", no_wrap=True), "from", "way", "received (UTC)", "state", "about", "reason", box=None)
        for row in rows:
            words = (f"{row.source}/{row.shop}", row.way, f"{row.received_at:%m-%d %H:%M:%S}", row.state, row.about)
            table.add_row(row.name, *map(escape, (*words, _reason(row))))
        out.print(table if rows else "no messages match")

    told(work)


@inbox_app.command()
def show(
    message: Annotated[str, typer.Argument(help="12, u12 or o12, as listed")],
    open_: Annotated[bool, typer.Option("--open", help="print the raw body too; this is audited")] = False,
    actor: Actor = "cli",
) -> None:
    """Show one message: whence, when, what became of it. Its body holds personal data and stays shut without --open."""

    async def work() -> None:
        name = message_name(message)
        async with session() as open_session:
            name, page = await _find(InboxReads(open_session.database), name)
            body = await _opened(open_session, name, actor) if open_ else None
        _print(name, page)
        if body is not None:
            typer.echo(_printable(body))

    told(work)


@inbox_app.command()
def replay(
    messages: Annotated[list[str] | None, typer.Argument(help="12, u12 or o12, as listed")] = None,
    all_unverified: Annotated[bool, typer.Option("--all-unverified", help="of one shop: --source and --shop")] = False,
    source: Annotated[str, typer.Option(help="vendor, such as own")] = "",
    shop: Annotated[str, typer.Option(help="code of the shop")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="every observation that was set aside")] = False,
    actor: Actor = "cli",
) -> None:
    """Let kept messages in after the mend: a key, a connector, a fact. One line each; exit 1 if any stays out."""

    async def work() -> bool:
        if sum((bool(messages), all_unverified, failed)) != 1:
            raise BadInput("name messages, or give --all-unverified --source VENDOR --shop CODE, or --failed")
        if all_unverified is not bool(source and shop):
            raise BadInput("--all-unverified, and nothing else, needs --source VENDOR and --shop CODE")
        async with session() as open_session:
            replayer = Replayer(open_session.database, open_session.ring, actor, utc_now)
            names = [message_name(words) for words in messages or []]
            if all_unverified:
                names = await replayer.all_unverified(source, shop)
            return await _replay(replayer, await replayer.all_failed() if failed else names)

    if not told(work):
        raise typer.Exit(NOT_ALL_DONE)


async def _replay(replayer: Replayer, names: list[MessageName]) -> bool:
    well = True
    for name in names:
        result = await replayer.replay(name)
        well &= result.done
        out.print(f"{result.name}: {escape(result.words)}", highlight=False, soft_wrap=True)
    if not names:
        out.print("nothing to replay")
    return well


def _reason(row: Any) -> str:
    """Give the reason, and say when the sender's clock is far off (INT-12)."""
    clock = f"its clock is {drift.words(row.drift_seconds)}" if drift.off(row.drift_seconds) else ""
    return "; ".join(words for words in (row.reason, clock) if words)


async def _find(reads: InboxReads, name: MessageName) -> tuple[MessageName, MessagePage]:
    """Find a message's page; an observation leads to the message that it came with."""
    if name.kind == "o":
        inbox_id = await reads.inbox_of(name.id)
        if inbox_id is None:
            raise BadInput(f"there is no observation {name}; see oms inbox list --state failed")
        name = MessageName("", inbox_id)
    page = await (reads.unverified_page(name.id) if name.kind else reads.page(name.id))
    if page is None:
        raise BadInput(f"there is no message {name}; see oms inbox list")
    return name, page


async def _opened(open_session: Session, name: MessageName, actor: str) -> bytes:
    opening, by = Opening(open_session.database, open_session.ring), By(actor, utc_now())
    opened = await (opening.unverified(name.id, by) if name.kind else opening.message(name.id, by))
    if opened is None:
        raise BadInput(f"there is no message {name} any more")
    return opened.raw


def _print(name: MessageName, page: MessagePage) -> None:
    row = page.message
    state = f"replayed at {row.replayed_at:%Y-%m-%d %H:%M:%S} UTC" if row.replayed_at else row.state
    told_of = {
        "message": f"{name}  {row.source}/{row.shop}  {row.way}  {state}",
        "key": row.key,
        "reason": row.reason,
        "received": f"{row.received_at:%Y-%m-%d %H:%M:%S} UTC, {row.size_bytes} bytes kept",
        "headers": ", ".join(f"{header} {value}" for header, value in sorted(row.headers.items())),
    }
    for what, words in told_of.items():
        if words:
            out.print(f"{what}: {escape(words)}", highlight=False, soft_wrap=True)
    for seen in page.observations:
        words = f"o{seen.id} {seen.kind} {seen.subject}: {seen.state} after {seen.attempts} failed tries {seen.reason}"
        out.print(f"  {escape(words)}", highlight=False, soft_wrap=True)


def _printable(body: bytes) -> str:
    """A stranger's bytes never steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", body.decode(errors="backslashreplace"))
