"""`oms ticket add, list, show, answer, take, hand-over, attach, close, macro …`: the service board by typing."""

from typing import Annotated

import typer

from clients.cli.session import out, session, told
from clients.cli.tables import numbered
from clients.clock import utc_now
from clients.servicing import Servicing
from clients.settings import ClientSettings
from domain.errors import BadInput
from domain.exceptions import chosen
from domain.tickets import NewTicket, TicketChoice, TicketDecision, TicketKind, TicketSource
from store.reads.service import ServiceReads

ticket_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the ticket, such as T2611220001")]
Actor = Annotated[str, typer.Option(help="your login")]
Words = Annotated[str, typer.Argument(help="the words; they are sealed")]


@ticket_app.command()
def add(
    words: Words,
    actor: Actor,
    source: Annotated[str, typer.Option(help="wechat, mail, paper, phone, channel, shop")] = "paper",
    kind: Annotated[str, typer.Option(help="complaint, reminder, question")] = "complaint",
    order: Annotated[str, typer.Option(help="order number, waybill or phone; else it is looked for in the words")] = "",
    nonce: Annotated[str, typer.Option(help="the same word again is the same ticket")] = "",
) -> None:
    """Type in what a buyer said."""

    async def work() -> str:
        async with session() as here:
            service = Servicing(here.database, here.ring, utc_now, ClientSettings().profile)
            new = NewTicket(
                chosen(TicketKind, kind, "kind"),
                chosen(TicketSource, source, "source"),
                words,
                f"cli:{nonce or utc_now().isoformat()}",
                actor,
                await service.order_of(order) if order else "",
            )
            return await service.open_ticket(new)

    _say(f"{told(work)}: see oms ticket show")


@ticket_app.command(name="list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="also exceptions and cases: the whole board")] = False,
    owner: Annotated[str, typer.Option(help="login")] = "",
    most: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """List what is open, the most urgent first."""

    async def work() -> None:
        async with session() as here:
            rows = await ServiceReads(here.database, here.ring).board("" if everything else "ticket", owner, most)
        table = numbered("no", "is", "what", "order", "state", "owner", "due (UTC)")
        for row in rows:
            due = f"{row.due_at:%m-%d %H:%M}" if row.due_at else ""
            table.add_row(row.no, row.process, row.kind, row.order_key, row.state, row.owner, due)
        out.print(table if rows else "nothing is open")

    told(work)


@ticket_app.command()
def show(no: No) -> None:
    """Show one ticket with its log."""

    async def work() -> None:
        async with session() as here:
            page = await ServiceReads(here.database, here.ring).ticket(no)
        if page is None:
            raise BadInput(f"no ticket {no!r}; see oms ticket list")
        for name in ("no", "kind", "source", "state", "order_key", "named_order", "case_no", "owner", "exception_no"):
            if getattr(page.row, name):
                _say(f"{name}: {getattr(page.row, name)}")
        for row, words in page.log:
            _say(f"  {row.at:%m-%d %H:%M} {row.actor} ({row.kind}): {words}")
            came = page.beside[row.id]
            told = [f"contact: {came.contact}"] if came.contact else []
            told += [f"photo: {one}" for one in came.photos] + [f"left out: {one}" for one in came.notes]
            for line in told + ([f"raw message: oms inbox show {came.inbox_id}"] if came.inbox_id else []):
                _say(f"    {line}")

    told(work)


@ticket_app.command()
def answer(no: No, words: Words, actor: Actor, nonce: str = "") -> None:
    """Log what was answered."""
    _decide(no, TicketDecision(TicketChoice.ANSWER, actor, words), nonce)


@ticket_app.command()
def note(no: No, words: Words, actor: Actor, nonce: str = "") -> None:
    """Log a note that the buyer does not see."""
    _decide(no, TicketDecision(TicketChoice.NOTE, actor, words), nonce)


@ticket_app.command()
def asked(no: No, words: Words, actor: Actor, nonce: str = "") -> None:
    """Log that the buyer wrote again; the clock starts anew."""
    _decide(no, TicketDecision(TicketChoice.ASKED, actor, words), nonce)


@ticket_app.command()
def take(no: No, actor: Actor) -> None:
    """Make it yours."""
    _decide(no, TicketDecision(TicketChoice.TAKE, actor), "")


@ticket_app.command(name="hand-over")
def hand_over(no: No, actor: Actor, to: Annotated[str, typer.Option(help="login")]) -> None:
    """Give it to somebody else."""
    _decide(no, TicketDecision(TicketChoice.HAND_OVER, actor, owner=to), "")


@ticket_app.command()
def attach(no: No, order: Annotated[str, typer.Argument(help="order number, waybill or phone")], actor: Actor) -> None:
    """Say which order it is about."""

    async def work() -> str:
        async with session() as here:
            service = Servicing(here.database, here.ring, utc_now, ClientSettings().profile)
            decision = TicketDecision(TicketChoice.ATTACH, actor, order_key=await service.order_of(order))
            return await service.decide_ticket(no, decision, f"cli:{utc_now().isoformat()}")

    _say(f"{no}: {told(work)}")


@ticket_app.command()
def close(no: No, actor: Actor) -> None:
    """Close it."""
    _decide(no, TicketDecision(TicketChoice.CLOSE, actor), "")


@ticket_app.command()
def reopen(no: No, actor: Actor) -> None:
    """Open a closed one again."""
    _decide(no, TicketDecision(TicketChoice.REOPEN, actor), "")


@ticket_app.command()
def macro(
    code: str, title: str, words: Annotated[str, typer.Argument(help="with {order} {status} {next} {waybill} {agent}")],
    actor: Actor,
) -> None:  # fmt: skip
    """Save a text that is answered often."""

    async def work() -> None:
        async with session() as here:
            await Servicing(here.database, here.ring, utc_now, ClientSettings().profile).save_macro(
                code, title, words, actor
            )

    told(work)
    _say(f"macro {code} is saved")


def _decide(no: str, decision: TicketDecision, nonce: str) -> None:
    async def work() -> str:
        async with session() as here:
            service = Servicing(here.database, here.ring, utc_now, ClientSettings().profile)
            return await service.decide_ticket(no, decision, nonce or f"cli:{utc_now().isoformat()}")

    _say(f"{no}: {told(work)}")


def _say(words: str) -> None:
    out.print(words, highlight=False, markup=False)
