"""`oms order release-stock`: take the stock of a list of orders away, one answer per number (INV-3)."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from clients.cli.session import out, session, told
from clients.clock import utc_now
from domain.errors import BadInput
from store.breakers import By
from store.unstocking import Answer, Outcome, release_all

release_app = typer.Typer(no_args_is_help=True)
MOST = 10_000
DONE = frozenset({Outcome.RELEASED, Outcome.RECALLED, Outcome.NOTHING})


@release_app.command(name="release-stock")
def release_stock(
    numbers: Annotated[list[str] | None, typer.Argument(help="order numbers, or keys channel:shop:no")] = None,
    file: Annotated[Path | None, typer.Option(help="a file with one order number a line")] = None,
    force: Annotated[bool, typer.Option("--force", help="also of paid orders; they then wait for a person")] = False,
    reason: Annotated[str, typer.Option(help="why, in words without personal data")] = "",
    actor: Annotated[str, typer.Option(help="your login; it is written into the order's history")] = "cli",
) -> None:
    """Free the stock of orders that are unpaid, cancelled or refunded. Exit code 1 when one of them was not."""

    async def work() -> list[Answer]:
        asked = [*(numbers or []), *(_read(file) if file else [])]
        if not asked:
            raise BadInput("no order numbers: name them, or a file with one a line (--file)")
        if len(asked) > MOST:
            raise BadInput(f"{len(asked)} numbers; at most {MOST} at once")
        async with session() as opened:
            return await release_all(opened.database, asked, By(actor, utc_now(), reason), force=force)

    answers = told(work)
    for answer in answers:
        out.print(f"{escape(answer.no)}: {escape(answer.words)}", highlight=False, soft_wrap=True)
    counts = Counter(answer.outcome for answer in answers)
    units = sum(answer.units for answer in answers)
    parts = ", ".join(f"{n} {outcome.split(':')[0]}" for outcome, n in sorted(counts.items()))
    out.print(f"{len(answers)} orders: {parts}; {units} units", highlight=False)
    if counts.keys() - DONE:
        raise typer.Exit(1)


def _read(file: Path) -> list[str]:
    """Take the numbers out of a file: one a line, empty lines and those that begin with # left out."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read as text: {error}") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
