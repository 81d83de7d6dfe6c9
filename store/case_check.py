"""The automatic check of a case (AFT-2): reads what the policy asks about, and writes down what it decided."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import OF_GOODS, CaseKind, CaseState, Origin
from domain.after_sales_policy import Asked, Checked, Phase, Policy, Ruling, check
from domain.case_flow import Review, Stop, returns_goods
from domain.observations import ChannelCaseState
from domain.orders import LogisticsStatus, PaymentStatus
from domain.refundable import Refundable, refundable
from store import audit, case_money, cases, settings_docs
from store.settings_docs import Profile

_CHECKED = text(
    """
    UPDATE after_sales_case SET state = :state, phase = :phase, review = :review, reviewed_by = :by,
        verdict_words = :words, freight_back = :freight_back, pay_first = :pay_first, returns = :returns,
        stop = :stop, fault = :fault, policy_version = :version, policy_row = :row, owner = :owner
    WHERE no = :no
    """
)
_COUNTS = text(
    """
    SELECT
        (SELECT count(*) FROM case_photo WHERE case_no = :no AND kind <> 'inspection') AS photos,
        (SELECT count(*) FROM after_sales_case c JOIN orders o ON o.key = c.order_key
            WHERE o.buyer_index <> '' AND o.buyer_index = :buyer AND c.opened_at > :since
                AND c.no <> :no) AS buyer_cases,
        ARRAY(SELECT DISTINCT c.no FROM after_sales_case c JOIN case_line l ON l.case_no = c.no
            WHERE c.order_key = :key AND c.closed_at IS NULL AND c.no <> :no AND c.opened_at <= :opened
                AND l.line_no IN (SELECT line_no FROM case_line WHERE case_no = :no) ORDER BY c.no) AS open_cases
    """
)
_LEFT = text("SELECT line_no, quantity - dropped AS left FROM order_line WHERE order_key = :key")
_SHIPPED = {LogisticsStatus.SHIPPED.value, LogisticsStatus.SIGNED.value}
PAID = {ChannelCaseState.PAID.value}
AGREED = {ChannelCaseState.AWAITS_GOODS.value, ChannelCaseState.SENT.value}
"""What a platform says of a case that is agreed to already, by its own rules or by somebody on its own pages."""


async def check_case(tx: AsyncConnection, order: Row[Any], row: Row[Any], profile: Profile, now: datetime) -> Checked:
    """Decide a case by the policy in force; what was decided stands in its row with the version and the row number."""
    policy = await settings_docs.after_sales(tx, profile)
    asked = await ask(tx, order, row, policy, now)
    decided = check(asked, policy, now)
    if row.channel_state in AGREED | PAID:
        decided = Checked(Ruling.APPROVE, "the platform has agreed to it already", decided.row)
    elif await _is_part_of_deposit(tx, order, row, asked):
        decided = Checked(Ruling.REFUSE, "订单只付了定金,只能整单退款")
    kind, shipped = CaseKind(row.kind), asked.phase is not Phase.BEFORE_SHIPPING
    stop = Stop.WANTED if _must_stop(order, row, asked) else Stop.NO_NEED
    fault = next((reason.fault for reason in policy.reasons if reason.code == row.reason), "")
    review = {Ruling.APPROVE: Review.APPROVED, Ruling.REFUSE: Review.REFUSED, Ruling.REVIEW: Review.NONE}
    values = {
        "no": row.no,
        "state": CaseState.REVIEW.value,
        "phase": asked.phase.value,
        "review": review[decided.ruling].value,
        "by": "" if decided.ruling is Ruling.REVIEW else "policy",
        "words": decided.words,
        "freight_back": decided.freight_back,
        "pay_first": decided.pay_before_return,
        "returns": returns_goods(kind, shipped=shipped),
        "stop": stop.value,
        "fault": row.fault or fault,
        "version": policy.version,
        "row": decided.row,
        "owner": row.owner or (row.asked_by if row.origin == Origin.AGENT else ""),
    }
    await tx.execute(_CHECKED, values)
    told = {"ruling": decided.ruling.value, "policy": policy.version, "row": decided.row, "words": decided.words}
    await audit.write(tx, "case.checked", row.no, now, actor="policy", **told)
    return decided


async def ask(tx: AsyncConnection, order: Row[Any], row: Row[Any], policy: Policy, now: datetime) -> Asked:
    """Read all that the policy asks about."""
    bill = await case_money.bill(tx, order)
    lines = await cases.lines(tx, row.no)
    left = {line.line_no: line.quantity - line.granted_units for line in bill.lines}
    wanted = {line.line_no: min(line.quantity, left[line.line_no]) for line in lines}
    goods = refundable(bill, wanted, with_freight=True)
    values = {
        "no": row.no,
        "key": order.key,
        "buyer": order.buyer_index,
        "since": now - timedelta(days=policy.cases_window_days),
        "opened": row.opened_at,
    }
    counts = (await tx.execute(_COUNTS, values)).one()
    most = most_of(row, goods)
    return Asked(
        kind=CaseKind(row.kind),
        origin=Origin(row.origin),
        phase=phase_of(order),
        paid=order.payment_status != PaymentStatus.UNPAID.value and order.paid_minor > 0,
        skus=tuple(line.sku for line in lines),
        reason=row.reason,
        signed_at=order.signed_at,
        refundable_minor=most,
        wanted_minor=most if row.wanted_minor is None else int(row.wanted_minor),
        photos=counts.photos,
        buyer_cases=counts.buyer_cases,
        too_many=tuple(line.sku for line in lines if line.quantity > left[line.line_no]),
        open_cases=tuple(counts.open_cases),
    )


def most_of(row: Row[Any], goods: Refundable) -> int:
    """Say how much a case may ask for: of goods their price, else (and by a platform's rules) what is left at all."""
    free = CaseKind(row.kind) not in OF_GOODS or Origin(row.origin) is Origin.CHANNEL
    return goods.cap_minor if free else goods.amount_minor


def phase_of(order: Row[Any]) -> Phase:
    """Say how far the goods of an order are."""
    if order.signed_at is not None:
        return Phase.RECEIVED
    shipped = order.shipped_at is not None or order.logistics_status in _SHIPPED
    return Phase.ON_THE_WAY if shipped else Phase.BEFORE_SHIPPING


async def _is_part_of_deposit(tx: AsyncConnection, order: Row[Any], row: Row[Any], asked: Asked) -> bool:
    """Say whether units of an order are given back whose balance is still to be paid for all of it."""
    deposit = order.payment_status == PaymentStatus.DEPOSIT.value and order.closed_at is None
    if not deposit or not _must_stop(order, row, asked):
        return False
    wanted = {line.line_no: line.quantity for line in await cases.lines(tx, row.no)}
    left = (await tx.execute(_LEFT, {"key": order.key})).all()
    return any(wanted.get(line.line_no, 0) < line.left for line in left)


def _must_stop(order: Row[Any], row: Row[Any], asked: Asked) -> bool:
    """Goods that are paid back are not sent: the order, or the lines, are stopped first."""
    refund = CaseKind(row.kind) is CaseKind.REFUND
    return refund and asked.phase is Phase.BEFORE_SHIPPING and order.closed_at is None
