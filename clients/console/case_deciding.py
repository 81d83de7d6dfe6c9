"""Bringing a person's decision about a case to its workflow, from the queue or from its page."""

from collections.abc import Callable

from clients.console.case_words import ANSWERS, CHOICES
from clients.console.frame import Frame
from clients.console.patience import patiently
from clients.console.words import said
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, Choice
from domain.permissions import Action

NEEDS: dict[Choice, Action] = {
    Choice.APPROVE: Action.DECIDE_CASE,
    Choice.REFUSE: Action.DECIDE_CASE,
    Choice.WITHDRAW: Action.DECIDE_CASE,
    Choice.WAYBILL: Action.DECIDE_CASE,
    Choice.PAY_WITHOUT: Action.DECIDE_CASE,
    Choice.RECEIVE_ONLY: Action.DECIDE_CASE,
    Choice.RETRY_PAYOUT: Action.PAY_CASE,
    Choice.PAID_BY_HAND: Action.PAY_CASE,
    Choice.TAKE: Action.SEE_CASES,
}
"""Who may decide what: an agent about the case, finance about money that did not move, everybody takes one."""

DONE = "{no} {what}：{outcome}。"


async def bring(
    frame: Frame, no: str, decision: CaseDecision, nonce: str, answered: Callable[[], None] = lambda: None
) -> str:
    """Send one decision and say what came of it; what is not answered soon is followed and told later."""

    async def send() -> str:
        outcome = await decide_case(await frame.desk.engine.client(), no, decision, nonce)
        told = ANSWERS.get(outcome) or said(outcome)
        return DONE.format(no=no, what=CHOICES[decision.choice], outcome=told)

    return await patiently(frame, send, f"decision {nonce}", answered)
