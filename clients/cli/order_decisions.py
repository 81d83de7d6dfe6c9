"""`oms order cancel, hold, release, retry, skip, restart`: what an operator may decide about one order."""

import secrets
from typing import Annotated

import typer

from clients.cli.session import Session, out, session, told
from clients.clock import utc_now
from clients.deciding import Decisions
from clients.settings import ClientSettings
from clients.temporal import connect
from domain.errors import BadInput
from store.reads.order_search import OrderSearch
from workflows.decisions import Choice, Decision

decision_app = typer.Typer(no_args_is_help=True)
Words = Annotated[str, typer.Argument(help="order number, waybill or fulfilment number")]
Actor = Annotated[str, typer.Option(help="your login; it is written into the order's history")]
Reason = Annotated[str, typer.Option(help="why, in words without personal data")]


@decision_app.command()
def cancel(words: Words, actor: Actor = "cli") -> None:
    """Cancel an order before it ships: recalls it from the warehouse. Refused once it has shipped."""
    _decide(words, Decision(Choice.CANCEL, actor))


@decision_app.command()
def hold(words: Words, reason: Reason, actor: Actor = "cli") -> None:
    """Hold an order: it is not sent to the warehouse, or held there."""
    _decide(words, Decision(Choice.HOLD, actor, reason))


@decision_app.command()
def release(words: Words, actor: Actor = "cli") -> None:
    """Let a held or reviewed order go on."""
    _decide(words, Decision(Choice.RELEASE, actor))


@decision_app.command()
def skip(words: Words, actor: Actor = "cli") -> None:
    """Go on after a refused step that was done by hand."""
    _decide(words, Decision(Choice.SKIP, actor))


@decision_app.command()
def retry(words: Words, actor: Actor = "cli") -> None:
    """Try the step again at which an order is stuck, or the calls that its channel or courier refused."""
    _decide(words, Decision(Choice.RETRY, actor))


@decision_app.command()
def restart(words: Words, actor: Actor = "cli") -> None:
    """Start the workflow of an open order again after it was terminated; nothing is done twice."""

    async def work() -> str:
        async with session() as opened:
            key = await one_order(opened, words)
            return f"{key}: {await _decisions(opened).restart(key, actor)}"

    out.print(told(work), highlight=False)


def _decide(words: str, decision: Decision) -> None:
    async def work() -> str:
        async with session() as opened:
            key = await one_order(opened, words)
            return f"{key}: {await _decisions(opened).decide(key, decision, _nonce())}"

    out.print(told(work), highlight=False)


def _decisions(opened: Session) -> Decisions:
    return Decisions(opened.database, opened.ring, connect, utc_now, ClientSettings().profile)


async def one_order(opened: Session, words: str) -> str:
    """Find the one order that these words name; BadInput when they name none or several."""
    keys = (await OrderSearch(opened.database, opened.ring).find(words)).exact
    if len(keys) != 1:
        raise BadInput(f"{words!r} names {len(keys)} orders; name exactly one")
    return keys[0]


def _nonce() -> str:
    """Name this one decision; a command has no form that could be sent twice."""
    return secrets.token_hex(8)
