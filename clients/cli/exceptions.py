"""`oms exception open, list, show, handle, hand-over, close, reopen, invoice, red-confirmed`; `oms claim ...`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from clients.cli.session import out, session, told
from clients.cli.tables import numbered
from clients.clock import utc_now
from clients.evidence import evidence_pack
from clients.servicing import Servicing, lines_of, minor_of
from clients.settings import ClientSettings
from domain.errors import BadInput
from domain.exceptions import (
    Compensation,
    ExceptionChoice,
    ExceptionDecision,
    ExceptionKind,
    NewException,
    Responsible,
    chosen,
)
from store.reads.service import ServiceReads
from store.red_letters import Blue

exception_app = typer.Typer(no_args_is_help=True)
claim_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the exception, such as E2611220001")]
Claim = Annotated[str, typer.Argument(help="number of the claim, such as E2611220001-L")]
Actor = Annotated[str, typer.Option(help="your login")]
Nonce = Annotated[str, typer.Option(help="the same word again is the same wish")]


@exception_app.command(name="open")
def open_(
    order: Annotated[str, typer.Argument(help="order number, waybill, or key")],
    actor: Actor,
    kind: Annotated[str, typer.Option(help="short, wrong, damaged, logistics")] = "",
    responsible: Annotated[str, typer.Option(help="warehouse, courier, supplier")] = "",
    compensation: Annotated[str, typer.Option(help="reship, refund, gift")] = "",
    lines: Annotated[str, typer.Option(help="LINE=UNITS, such as '1=2 3=1'")] = "",
    amount: Annotated[str, typer.Option(help="with a refund, such as 12.50")] = "",
    gift: Annotated[str, typer.Option(help="with a gift: its SKU")] = "",
    words: Annotated[str, typer.Option(help="what the buyer said")] = "",
    nonce: Nonce = "",
) -> None:
    """Open an exception of an order; what follows is set in motion at once."""

    async def work() -> str:
        async with session() as here:
            service = Servicing(here.database, here.ring, utc_now, ClientSettings().profile)
            new = NewException(
                order_key=await service.order_of(order),
                kind=chosen(ExceptionKind, kind, "kind"),
                responsible=chosen(Responsible, responsible, "responsible"),
                compensation=chosen(Compensation, compensation, "compensation"),
                lines=lines_of(lines),
                request_key=f"cli:{nonce or utc_now().isoformat()}",
                opened_by=actor,
                words=words,
                amount_minor=minor_of(amount),
                gift_sku=gift,
            )
            return await service.open_exception(new)

    out.print(f"{told(work)}: see oms exception show", highlight=False)


@exception_app.command(name="list")
def list_(
    closed: Annotated[bool, typer.Option("--closed", help="those that are closed")] = False,
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List exceptions, the most urgent first."""

    async def work() -> None:
        async with session() as here:
            rows = await ServiceReads(here.database, here.ring).exceptions(open_=not closed, most=most)
        table = numbered("no", "order", "what", "fault", "buyer gets", "state", "owner", "due (UTC)")
        for row in rows:
            due = f"{row.due_at:%m-%d %H:%M}" if row.due_at else ""
            table.add_row(row.no, row.order_key, row.kind, row.responsible, row.compensation, row.state, row.owner, due)
        out.print(table if rows else "no exceptions")

    told(work)


@exception_app.command()
def show(no: No) -> None:
    """Show one exception and all that it led to."""

    async def work() -> None:
        async with session() as here:
            page = await ServiceReads(here.database, here.ring).exception(no)
        if page is None:
            raise BadInput(f"no exception {no!r}; see oms exception list")
        for name in ("no", "order_key", "kind", "responsible", "compensation", "state", "owner", "case_no",
                     "replacement_key", "done"):  # fmt: skip
            if getattr(page.row, name):
                _say(f"{name}: {getattr(page.row, name)}")
        for line in page.lines:
            _say(f"  line {line.line_no}: {line.sku} x {line.quantity}")
        if page.claim:
            _say(f"claim {page.claim.no}: {page.claim.state}, asked {page.claim.asked_minor / 100:.2f}")
        if page.red:
            _say(f"red letter: {page.red.state} {page.red.reason}")
        for change in page.changes:
            _say(f"receivable {change.amount_minor / 100:+.2f} {change.currency}: {change.reason}")

    told(work)


@exception_app.command()
def handle(no: No, actor: Actor, nonce: Nonce = "") -> None:
    """Take it in hand; it is yours."""
    _decide(no, ExceptionDecision(ExceptionChoice.HANDLE, actor), nonce)


@exception_app.command(name="hand-over")
def hand_over(no: No, actor: Actor, to: Annotated[str, typer.Option(help="login")], nonce: Nonce = "") -> None:
    """Give it to somebody else."""
    _decide(no, ExceptionDecision(ExceptionChoice.HAND_OVER, actor, owner=to), nonce)


@exception_app.command()
def close(
    no: No, actor: Actor, done: Annotated[str, typer.Option(help="what was done")] = "", nonce: Nonce = ""
) -> None:
    """Close it; say what was done."""
    _decide(no, ExceptionDecision(ExceptionChoice.CLOSE, actor, done), nonce)


@exception_app.command()
def reopen(no: No, actor: Actor, reason: Annotated[str, typer.Option()] = "", nonce: Nonce = "") -> None:
    """Open a closed one again; its ladder begins anew."""
    _decide(no, ExceptionDecision(ExceptionChoice.REOPEN, actor, reason), nonce)


@exception_app.command()
def invoice(
    no: No,
    blue: Annotated[str, typer.Argument(help="number of the blue invoice, 20 digits")],
    actor: Actor,
    line: Annotated[
        list[str] | None,
        typer.Option(help="for a part, each line that turns red: '2 短袖 1 69.00 13% CODE' (number, goods, units, "
                          "amount with tax, rate, tax code)"),
    ] = None,
) -> None:  # fmt: skip
    """Say which invoice the red letter of its refund turns red; the draft is made where a service is connected."""
    named = Blue(blue.strip(), "\n".join(line or ()))
    _with_service(no, lambda service: service.set_invoice(no, named, actor))


@exception_app.command(name="red-confirmed")
def red_confirmed(no: No, actor: Actor) -> None:
    """Note that finance confirmed its red letter."""
    _with_service(no, lambda service: service.confirm_red_letter(no, actor))


@claim_app.command(name="list")
def claims(closed: Annotated[bool, typer.Option("--closed", help="those that are won or lost")] = False) -> None:
    """List claims against couriers and suppliers."""

    async def work() -> None:
        async with session() as here:
            rows = await ServiceReads(here.database, here.ring).claims(open_=not closed)
        table = numbered("no", "order", "against", "whom", "asked", "won", "state")
        for row in rows:
            asked, won = f"{row.asked_minor / 100:.2f}", f"{row.won_minor / 100:.2f}"
            table.add_row(row.no, row.order_key, row.against, row.party, asked, won, row.state)
        out.print(table if rows else "no claims")

    told(work)


@claim_app.command()
def pack(no: Claim, file: Annotated[Path, typer.Argument(help="the ZIP to write")], actor: Actor) -> None:
    """Write the evidence of a claim as a ZIP, the receiver masked; hand it in by hand."""

    async def work() -> int:
        async with session() as here:
            data = await evidence_pack(here.database, here.ring, no, actor, utc_now())
        file.write_bytes(data)
        return len(data)

    out.print(f"{file}: {told(work)} bytes; then: oms claim hand-in {no}", highlight=False)


@claim_app.command(name="hand-in")
def hand_in(no: Claim, actor: Actor) -> None:
    """Note that it was handed in."""
    _with_service(no, lambda service: service.hand_in(no, actor))


@claim_app.command()
def won(no: Claim, amount: Annotated[str, typer.Argument(help="such as 12.50")], actor: Actor) -> None:
    """Note what they pay; it is receivable."""
    _with_service(no, lambda service: service.end_claim(no, minor_of(amount) or 0, "", actor))


@claim_app.command()
def lost(no: Claim, actor: Actor, reason: Annotated[str, typer.Option(help="what they said")] = "") -> None:
    """Note that they pay nothing."""
    _with_service(no, lambda service: service.end_claim(no, 0, reason, actor))


def _with_service(no: str, does: Callable[[Servicing], Awaitable[str]]) -> None:
    async def work() -> str:
        async with session() as here:
            return await does(Servicing(here.database, here.ring, utc_now, ClientSettings().profile))

    _say(f"{no}: {told(work)}")


def _decide(no: str, decision: ExceptionDecision, nonce: str) -> None:
    async def work() -> str:
        async with session() as here:
            service = Servicing(here.database, here.ring, utc_now, ClientSettings().profile)
            return await service.decide_exception(no, decision, nonce or f"cli:{utc_now().isoformat()}")

    _say(f"{no}: {told(work)}")


def _say(words: str) -> None:
    out.print(words, highlight=False, markup=False)
