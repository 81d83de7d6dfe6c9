"""`oms stock grade`: units that turn out defective, or good after all (AFT-6)."""

from typing import Annotated

import typer

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.by import By
from domain.grades import Grade, Regrade
from store.grades import regrade

grade_app = typer.Typer()


@grade_app.command()
def grade(
    sku: str,
    units: Annotated[int, typer.Argument(min=1, max=10_000_000)],
    warehouse: Annotated[str, typer.Option(help="code of the warehouse where they lie")],
    was: Annotated[Grade, typer.Option("--from", help="what they are counted as")],
    becomes: Annotated[Grade, typer.Option("--to", help="what they are")],
    reason: Annotated[str, typer.Option(help="why, for whoever reads it later")],
    actor: Annotated[str, typer.Option(help="who does this; stands in the audit log")] = "cli",
) -> None:
    """Move units between good, defective and quarantine in one warehouse; promised units stay good."""

    async def work() -> None:
        async with session() as opened, opened.database.transaction() as tx:
            await regrade(tx, Regrade(warehouse, sku, units, was, becomes), By(actor, reason), utc_now())

    told(work)
    out.print(f"{sku} in {warehouse}: {units} units were {was.value} and are {becomes.value} now", highlight=False)
