"""`oms message list, show, test`: what was said to people outside of the console, and whether an account works."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from store import audit, messaging
from store.reads.messages_out import MessageFilter, MessageRow, MessagesOut

message_app = typer.Typer(no_args_is_help=True)


@message_app.command(name="list")
def list_(
    state: Annotated[
        str, typer.Option(help="waiting, sending, sent, refused, nobody, no_phone, repeated, merged")
    ] = "",
    account: Annotated[str, typer.Option(help="VENDOR/CODE, such as wecom/duty")] = "",
    kind: Annotated[str, typer.Option(help="what happened, such as case.overdue")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """List messages, newest first."""
    vendor, _, code = account.partition("/")

    async def work() -> list[MessageRow]:
        wanted = MessageFilter(state or None, vendor or None, code or None, kind or None)
        async with session() as here:
            return (await MessagesOut(here.database).page(wanted, rows=most)).rows

    rows = told(work)
    table = Table("no", "said (UTC)", "kind", Column("subject", no_wrap=True), "to", "state", "why", box=None)
    for row in rows:
        words = (f"{row.created_at:%m-%d %H:%M:%S}", row.kind, row.subject, _to(row), row.state, row.reason)
        table.add_row(str(row.id), *map(escape, words))
    out.print(table if rows else "no such messages")


@message_app.command()
def show(number: Annotated[int, typer.Argument(help="as listed")]) -> None:
    """Show one message: its words, to whom, and what came of it."""

    async def work() -> MessageRow:
        async with session() as here:
            return await MessagesOut(here.database).one(number)

    row = told(work)
    for name in ("kind", "subject", "level", "order_key", "roles", "state", "reason", "receipt"):
        if found := getattr(row, name):
            out.print(f"{name}: {escape(str(found))}", highlight=False)
    for name in ("created_at", "tried_at", "ended_at"):
        if at := getattr(row, name):
            out.print(f"{name}: {at:%Y-%m-%d %H:%M:%S} UTC", highlight=False)
    out.print(f"to: {escape(_to(row))}; tries: {row.tries}; others in it: {row.merged}", highlight=False)
    out.print(f"\n{escape(row.title)}\n{escape(row.text)}", highlight=False)


@message_app.command(name="test")
def try_(
    account: Annotated[str, typer.Argument(help="VENDOR/CODE, such as wecom/duty")],
    actor: Annotated[str, typer.Option(help="your login")] = "cli",
) -> None:
    """Send a test message through one account, to all whom the settings reach there."""

    async def work() -> None:
        now = utc_now()
        async with session() as here, here.database.transaction() as tx:
            await messaging.say_test(tx, account, now)
            await audit.write(tx, "message.tested", account, now, actor=actor)

    told(work)
    out.print(f"a test message is on its way to {escape(account)}: oms message list --account {escape(account)}")


def _to(row: MessageRow) -> str:
    account = f"{row.vendor}/{row.account}" if row.vendor else "nobody"
    return f"{account} ({row.roles})" if row.roles else account
