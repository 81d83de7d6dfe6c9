"""`oms case approve, refuse, withdraw, waybill, paid ...`: what somebody decides about one case, each once."""

import secrets
from collections.abc import Callable
from typing import Annotated

import typer

from clients.cli.cases import minor, read
from clients.cli.session import find_installation, out, told
from clients.temporal import connect
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseState, Choice
from domain.errors import BadInput
from store.reads.case_story import CaseStory

case_decision_app = typer.Typer(no_args_is_help=True)
No = Annotated[str, typer.Argument(help="number of the case, such as C2611220001")]
Actor = Annotated[str, typer.Option(help="your login; it is written into the case's story")]
Why = Annotated[str, typer.Option(help="why, in words without personal data; the buyer reads them")]


@case_decision_app.command()
def approve(
    no: No,
    amount: Annotated[str, typer.Option(help="less than is asked for, such as 12.50")] = "",
    reason: Why = "",
    actor: Actor = "cli",
) -> None:
    """Approve a case that waits for a review, for all that it asks for or for less.

    More than `agent_up_to_minor` of the settings document after_sales is for logins that may pay (admin, finance).
    """
    _decide(no, lambda: CaseDecision(Choice.APPROVE, actor, reason, minor(amount)))


@case_decision_app.command()
def refuse(no: No, reason: Why, actor: Actor = "cli") -> None:
    """Refuse a case that waits for a review."""
    _decide(no, lambda: CaseDecision(Choice.REFUSE, actor, reason))


@case_decision_app.command()
def withdraw(no: No, reason: Why = "", actor: Actor = "cli") -> None:
    """Withdraw a case because its buyer wants so; too late once the goods are back or money is granted."""
    _decide(no, lambda: CaseDecision(Choice.WITHDRAW, actor, reason))


@case_decision_app.command()
def waybill(
    no: No,
    waybill_no: Annotated[str, typer.Argument(help="number on the label of the buyer's parcel")],
    carrier: Annotated[str, typer.Option(help="code of the carrier, such as SF")] = "",
    actor: Actor = "cli",
) -> None:
    """Note the parcel in which the goods come back, or correct it."""
    _decide(no, lambda: CaseDecision(Choice.WAYBILL, actor, carrier=carrier, waybill_no=waybill_no))


@case_decision_app.command(name="pay-without-return")
def pay_without_return(no: No, reason: Why, actor: Actor = "cli") -> None:
    """Pay without waiting for the goods."""
    _decide(no, lambda: CaseDecision(Choice.PAY_WITHOUT, actor, reason))


@case_decision_app.command(name="receive-only")
def receive_only(no: No, reason: Why, actor: Actor = "cli") -> None:
    """Receive the goods without a refund."""
    _decide(no, lambda: CaseDecision(Choice.RECEIVE_ONLY, actor, reason))


@case_decision_app.command()
def retry(no: No, actor: Actor = "cli") -> None:
    """Ask again for a payout that failed, under its key: nothing is paid twice."""
    _decide(no, lambda: CaseDecision(Choice.RETRY_PAYOUT, actor))


@case_decision_app.command()
def paid(
    no: No,
    reference: Annotated[str, typer.Option(help="number of the payment at the bank or the provider")],
    actor: Actor = "cli",
) -> None:
    """Book that the money was paid by hand; refused while a provider may be paying it."""
    _decide(no, lambda: CaseDecision(Choice.PAID_BY_HAND, actor, reference=reference))


@case_decision_app.command()
def take(no: No, actor: Actor = "cli") -> None:
    """Take a case as your own."""
    _decide(no, lambda: CaseDecision(Choice.TAKE, actor))


def _decide(no: str, decision: Callable[[], CaseDecision]) -> None:
    async def work() -> str:
        made = decision()
        story = await read(no)
        if story.case.state == CaseState.CLOSED.value:
            raise BadInput(f"{no} is closed: {_end(story)}")
        find_installation()
        return f"{no}: {await decide_case(await connect(), no, made, secrets.token_hex(8))}"

    out.print(told(work), highlight=False, markup=False)


def _end(story: CaseStory) -> str:
    """Say how a case ended: whoever presses twice is shown what came of the first."""
    money = story.money.row
    if money.paid_at is None:
        return str(story.case.outcome)
    paid_by = f"{money.way} {money.vendor}".strip()
    amount = f"{money.amount_minor / 100:.2f} {story.case.currency}"
    return f"{story.case.outcome}, {amount} by {paid_by}, reference {money.reference}"
