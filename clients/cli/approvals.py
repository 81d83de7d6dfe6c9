"""`oms approval list, show, approve, refuse`: what waits for a second person."""

from typing import Annotated

import typer

from clients.cli.deciding_approvals import decide
from clients.cli.session import out, session, told
from clients.cli.tables import numbered
from domain.approvals import Verdict
from domain.errors import BadInput
from store import approvals

approval_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the approval, such as A2611220001")]
Actor = Annotated[str, typer.Option(help="your login; whoever asked cannot decide")]
Why = Annotated[str, typer.Option(help="why, in words without personal data")]


@approval_app.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="also those that are decided")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List what waits for a decision, the newest first."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            rows = await approvals.listed(tx, None if everything else "open", most)
        table = numbered("no", "kind", "what", "asked by", "asked at", "state", "decided by")
        for row in rows:
            asked = f"{row.asked_at:%Y-%m-%d %H:%M} UTC"
            table.add_row(row.no, row.kind, row.words, row.asked_by, asked, row.state, row.decided_by)
        out.print(table if rows else "nothing waits for a decision")

    told(work)


@approval_app.command()
def show(no: No) -> None:
    """Show one approval with its evidence and what came of it."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            row = await approvals.find(tx, no)
        if row is None:
            raise BadInput(f"no approval {no!r}; see oms approval list --all")
        for name in ("no", "kind", "subject", "words", "asked_by", "state", "decided_by", "reason", "outcome"):
            if getattr(row, name):
                out.print(f"{name}: {getattr(row, name)}", highlight=False, markup=False)
        for name, value in row.evidence.items():
            out.print(f"  {name}: {value}", highlight=False, markup=False)

    told(work)


@approval_app.command()
def approve(no: No, actor: Actor, reason: Why = "") -> None:
    """Approve; what was asked for is carried out at once."""
    _decide(no, Verdict(actor, True, reason))


@approval_app.command()
def refuse(no: No, actor: Actor, reason: Why) -> None:
    """Refuse; nothing is carried out."""
    _decide(no, Verdict(actor, False, reason))


def _decide(no: str, verdict: Verdict) -> None:
    async def work() -> str:
        async with session() as opened:
            return f"{no}: {await decide(opened, no, verdict)}"

    out.print(told(work), highlight=False, markup=False)
