"""What Alipay says of payments and refunds, as observations. Owns its fields and states.

Amounts are yuan with two decimals, times Beijing's. Who paid (`buyer_id`, `buyer_logon_id`) is not read: nobody here
needs it. Alipay has no number of its own for a refund: it is found by the trade's number and ours. A refund is
notified as one more notification of its trade, with `out_biz_no` (our number) and `refund_fee`. Not found: whether
that fee counts earlier refunds of the trade in; a fee that differs from what we asked for books nothing and is told.
"""

from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from connectors import fields
from domain.errors import Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundAsk, RefundState
from domain.shops import Shop

PROVIDER, CURRENCY = "alipay", "CNY"
PAID_STATES = frozenset({"TRADE_SUCCESS", "TRADE_FINISHED"})
CLOSED = "TRADE_CLOSED"
"""Never paid, or paid and given back whole: the time of the payment tells them apart."""
REFUNDED = "REFUND_SUCCESS"


def _fen(text: object) -> object:
    try:
        return fields.yuan(text) if isinstance(text, str) else text
    except ValueError as error:
        raise PydanticCustomError("explained", "{text}", {"text": f"is {error}"}) from error


Yuan = Annotated[int, BeforeValidator(_fen), Field(ge=0, le=fields.MAX_AMOUNT_MINOR)]
M = TypeVar("M", bound=BaseModel)
Name = Annotated[str, Field(min_length=1, max_length=fields.MAX_ID)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Trade(_Model):
    """The answer to a query (`send_pay_date`) and a notification (`gmt_payment`)."""

    trade_no: Name
    out_trade_no: Name
    trade_status: str
    total_amount: Yuan
    send_pay_date: str = ""
    gmt_payment: str = ""


class _Notice(_Trade):
    out_biz_no: str = Field(default="", max_length=fields.MAX_ID)
    refund_fee: Yuan = 0
    gmt_refund: str = ""


class _Refund(_Model):
    """The answer to a refund, and to the question about one."""

    trade_no: Name
    out_trade_no: Name
    out_request_no: str = ""
    refund_status: str = ""
    refund_amount: Yuan | None = None


def payment(text: str | bytes, shop: Shop, now: datetime) -> PaymentObserved | None:
    """Read the answer about a trade; None when nobody has paid it. Unparsable names the field and the fault."""
    trade = _validated(_Trade, text)
    paid_at = _moment(trade.send_pay_date, "send_pay_date", shop)
    if trade.trade_status not in PAID_STATES and not (trade.trade_status == CLOSED and paid_at):
        return None
    return _payment(trade, shop, paid_at or now)


def notice(form: dict[str, str], shop: Shop, now: datetime) -> PaymentObserved | RefundObserved | None:
    """Read a notification; None when it is about neither a payment nor a refund that somebody numbered."""
    try:
        told = _Notice.model_validate(form)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    if told.refund_fee and told.out_biz_no:
        refunded_at = _moment(told.gmt_refund, "gmt_refund", shop)
        return _refund(shop, told, told.out_biz_no, told.refund_fee, refunded_at or now)
    if told.trade_status not in PAID_STATES:
        return None
    return _payment(told, shop, _moment(told.gmt_payment, "gmt_payment", shop) or now)


def refund(text: str, shop: Shop, ask: RefundAsk, now: datetime) -> RefundObserved | None:
    """Read the answer to the question about a refund; None when Alipay has carried out none of that number."""
    told = _about(text, ask)
    if told.refund_status != REFUNDED:
        return None
    amount = ask.amount_minor if told.refund_amount is None else told.refund_amount
    return _refund(shop, told, ask.no, amount, now)


def asked(text: str, shop: Shop, ask: RefundAsk) -> RefundObserved:
    """Read the answer to a refund that the question about it does not show yet: it is under way."""
    return _refund(shop, _about(text, ask), ask.no, ask.amount_minor, None)


def _about(text: str, ask: RefundAsk) -> _Refund:
    told = _validated(_Refund, text)
    if told.trade_no != ask.transaction_id or told.out_request_no not in {"", ask.no}:
        raise Unparsable(f"it is about another refund than {ask.no}")
    return told


def _validated(model: type[M], text: str | bytes) -> M:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error


def _payment(trade: _Trade, shop: Shop, paid_at: datetime) -> PaymentObserved:
    channel, code = fields.paid_shop(shop)
    return PaymentObserved(
        provider=PROVIDER,
        account=shop.code,
        channel=channel,
        shop=code,
        no=trade.out_trade_no,
        transaction_id=trade.trade_no,
        amount_minor=trade.total_amount,
        currency=CURRENCY,
        paid_at=paid_at,
    )


def _refund(
    shop: Shop, told: _Refund | _Notice, number: str, amount_minor: int, succeeded_at: datetime | None
) -> RefundObserved:
    channel, code = fields.paid_shop(shop)
    return RefundObserved(
        provider=PROVIDER,
        account=shop.code,
        channel=channel,
        shop=code,
        no=told.out_trade_no,
        transaction_id=told.trade_no,
        refund_no=number,
        refund_id=f"{told.trade_no}/{number}",
        state=RefundState.SUCCEEDED if succeeded_at else RefundState.PROCESSING,
        amount_minor=amount_minor,
        succeeded_at=succeeded_at,
    )


def _moment(text: str, name: str, shop: Shop) -> datetime | None:
    if not text:
        return None
    try:
        return fields.local_time(text, shop.tz)
    except ValueError as error:
        raise Unparsable(f"{name}: {error}") from error
