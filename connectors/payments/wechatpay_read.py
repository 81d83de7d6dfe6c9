"""What WeChat Pay says of payments and refunds, as observations. Owns its fields and states.

Who paid (`payer.openid`) and to which account money went back are not read: nobody here needs them. Amounts are whole
fen, times RFC 3339 with an offset. `amount.total` is the price of the order, whoever bore it (coupons of the platform).
"""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors import fields
from domain.errors import Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundState
from domain.shops import Shop

PROVIDER = "wechatpay"
PAID_STATES = frozenset({"SUCCESS", "REFUND"})
"""A payment that went back, in part or whole, was a payment."""
REFUND_STATES: Mapping[str, RefundState] = {
    "SUCCESS": RefundState.SUCCEEDED,
    "PROCESSING": RefundState.PROCESSING,
    "CLOSED": RefundState.CLOSED,
    "ABNORMAL": RefundState.ABNORMAL,
}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Total(_Model):
    total: int = Field(ge=0, le=fields.MAX_AMOUNT_MINOR)
    currency: str = "CNY"


class _Transaction(_Model):
    mchid: str
    out_trade_no: str = Field(min_length=1, max_length=fields.MAX_ID)
    trade_state: str
    transaction_id: str = Field(default="", max_length=fields.MAX_ID)
    success_time: str = ""
    amount: _Total | None = None


class _Refunded(_Model):
    refund: int = Field(gt=0, le=fields.MAX_AMOUNT_MINOR)


class _Refund(_Model):
    """One shape for answers (`status`) and notifications (`refund_status`, `mchid`)."""

    mchid: str = ""
    out_trade_no: str = Field(min_length=1, max_length=fields.MAX_ID)
    transaction_id: str = Field(min_length=1, max_length=fields.MAX_ID)
    out_refund_no: str = Field(min_length=1, max_length=fields.MAX_ID)
    refund_id: str = Field(min_length=1, max_length=fields.MAX_ID)
    status: str = ""
    refund_status: str = ""
    success_time: str | None = None
    amount: _Refunded


def payment(body: bytes, shop: Shop) -> PaymentObserved | None:
    """Read a transaction; None when it is not paid. Unparsable names the field and the fault."""
    try:
        told = _Transaction.model_validate_json(body)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    _ours(told.mchid, shop)
    if told.trade_state not in PAID_STATES:
        return None
    if not told.transaction_id or told.amount is None:
        raise Unparsable("transaction_id or amount is missing in a paid transaction")
    channel, code = fields.paid_shop(shop)
    paid_at = _moment(told.success_time, "success_time")
    return PaymentObserved(
        provider=PROVIDER,
        account=shop.code,
        channel=channel,
        shop=code,
        no=told.out_trade_no,
        transaction_id=told.transaction_id,
        amount_minor=told.amount.total,
        currency=told.amount.currency,
        paid_at=paid_at,
    )


def refund(body: bytes, shop: Shop) -> RefundObserved:
    """Read a refund, from an answer or a notification; Unparsable names the field and the fault."""
    try:
        told = _Refund.model_validate_json(body)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
    if told.mchid:
        _ours(told.mchid, shop)
    word = told.status or told.refund_status
    if word not in REFUND_STATES:
        raise Unparsable(f"status {fields.vendor_text(word)!r} is none of {', '.join(REFUND_STATES)}")
    channel, code = fields.paid_shop(shop)
    return RefundObserved(
        provider=PROVIDER,
        account=shop.code,
        channel=channel,
        shop=code,
        no=told.out_trade_no,
        transaction_id=told.transaction_id,
        refund_no=told.out_refund_no,
        refund_id=told.refund_id,
        state=REFUND_STATES[word],
        amount_minor=told.amount.refund,
        succeeded_at=_moment(told.success_time, "success_time") if told.success_time else None,
    )


def _ours(mchid: str, shop: Shop) -> None:
    if mchid != shop.key_id:
        raise Unparsable("mchid is not the one of this account")


def _moment(text: str, name: str) -> datetime:
    try:
        return fields.offset_time(text)
    except ValueError as error:
        raise Unparsable(f"{name}: {error}") from error
