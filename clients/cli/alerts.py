"""`oms alert list` and `oms alert clear`: what somebody should know, until its cause is gone."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput
from store import alerts, audit
from store.reads.alerts import AlertFilter, AlertReads

alert_app = typer.Typer(no_args_is_help=True)


@alert_app.command(name="list")
def list_(most: Annotated[int, typer.Option(min=1, max=10_000)] = 50) -> None:
    """List the open alerts, worst first, then oldest first."""

    async def work() -> None:
        async with session() as open_session:
            rows = (await AlertReads(open_session.database).open(AlertFilter(), rows=most)).rows
        table = Table("level", "since (UTC)", "kind", Column("subject", no_wrap=True), "what", box=None)
        for row in rows:
            words = (row.level[2:], f"{row.raised_at:%m-%d %H:%M:%S}", row.kind, row.subject, row.words)
            table.add_row(*map(escape, words))
        out.print(table if rows else "no open alerts")

    told(work)


@alert_app.command()
def clear(
    subject: Annotated[str, typer.Argument(help="what the alerts are about, as listed")],
    actor: Annotated[str, typer.Option(help="who says that the cause is gone")] = "cli",
) -> None:
    """Clear every open alert about one subject; what happens again raises it again."""

    async def work() -> int:
        async with session() as open_session, open_session.database.transaction() as tx:
            now = utc_now()
            cleared = await alerts.clear(tx, subject, now, by=actor)
            if not cleared:
                raise BadInput(f"no open alert is about {subject!r}; see oms alert list")
            await audit.write(tx, "alert.cleared", subject, now, actor=actor, kinds=cleared)
            return len(cleared)

    count = told(work)
    out.print(f"{escape(subject)}: {count} cleared", highlight=False)
