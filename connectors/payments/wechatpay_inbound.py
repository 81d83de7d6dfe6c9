"""Receives what WeChat Pay notifies: payments and results of refunds. Of our answer only the HTTP status counts."""

import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.payments import wechatpay_read as read
from connectors.payments import wechatpay_sign as signing
from domain.errors import Unparsable
from domain.observations import Observation
from domain.shops import Shop

ALGORITHM = "AEAD_AES_256_GCM"
PAID = "TRANSACTION.SUCCESS"
REFUNDS = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})
STATUSES = {Outcome.ACCEPTED: 200, Outcome.DUPLICATE: 200, Outcome.FORGED: 401, Outcome.UNPARSABLE: 422}


class _Resource(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)
    algorithm: str
    ciphertext: str
    associated_data: str = ""
    nonce: str = Field(min_length=1, max_length=fields.MAX_ID)


class _Notice(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)
    id: str = Field(min_length=1, max_length=fields.MAX_ID)
    event_type: str
    resource: _Resource


class WechatpayInbound:
    """Receives notifications of one merchant account."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check the platform's signature with the key that the message names, and its time."""
        signing.check(self._shop, push.headers, push.body, push.received_at)

    def parse(self, push: Push) -> Genuine:
        """Open and read a notification; its own id is the key, repeats carry the same."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
        try:
            notice = _Notice.model_validate_json(push.body)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        return Genuine(notice.id, signing.signed_at(push.headers), (self._observation(notice),))

    def _observation(self, notice: _Notice) -> Observation:
        if notice.event_type == PAID:
            paid = read.payment(self._opened(notice.resource), self._shop)
            if paid is None:
                raise Unparsable(f"event_type is {PAID}, but trade_state says otherwise")
            return paid
        if notice.event_type in REFUNDS:
            return read.refund(self._opened(notice.resource), self._shop)
        known = ", ".join(sorted({PAID, *REFUNDS}))
        raise Unparsable(f"event_type {fields.vendor_text(notice.event_type)!r} is none of {known}")

    def _opened(self, resource: _Resource) -> bytes:
        if resource.algorithm != ALGORITHM:
            raise Unparsable(f"resource.algorithm is not {ALGORITHM}")
        keys = fields.usable_secrets(self._shop)
        try:
            return signing.decrypt(keys, resource.nonce, resource.associated_data, resource.ciphertext)
        except ValueError as error:
            raise Unparsable(f"resource.ciphertext: {error}") from error

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say it by the status; anything but 2xx brings the notification again, 15 times within a day."""
        code = "SUCCESS" if STATUSES[outcome] == 200 else "FAIL"
        said = json.dumps({"code": code, "message": reason}, ensure_ascii=False)
        return Answer(STATUSES[outcome], "application/json", said.encode())
