"""What Amazon tells of orders (ORDER_CHANGE), out of the seller's own queue at Amazon's cloud (SQS). All are hints.

The platform writes into the queue; whoever may read it is what a message is trusted for, there is no other signature.
Calls are the JSON protocol of SQS, signed by aws_sign.py: names, limits and errors are those of the official SDK's own
description of the service. What is not deleted comes again.

A hint's time is the moment of taking: a message may have waited, in any order. Messages about orders that Amazon ships
itself, that nobody has paid yet, or of another marketplace say nothing; those of other kinds are kept and say nothing.
Two shops must not share a queue: let the subscription of each name its marketplace.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
from pydantic import AliasChoices, Field, ValidationError

from connectors import fields
from connectors.aws_sign import Key, sign
from connectors.http import Call, send, unexplained
from connectors.outbound import Clock, Queued
from connectors.platforms.amazon_orders import CHANNEL
from connectors.platforms.amazon_v0 import BY_AMAZON, STATUSES
from connectors.shapes import Id, Lenient
from domain.errors import Broken, OmsError, RateLimited, Unavailable
from domain.observations import ChannelStatus, OrderHinted
from domain.shops import Shop

QUEUE_URL, AWS_KEY, AWS_SECRET, AWS_REGION = "queue_url", "aws_key_id", "aws_secret", "aws_region"
SERVICE, CONTENT = "sqs", "application/x-amz-json-1.0"
MOST = 10
"""So many messages the service gives, and takes back, in one call."""
LONGEST_WAIT_SECONDS = 9
"""Below the time after which a call is given up."""
ORDER_CHANGE = "ORDER_CHANGE"

_CODES: Mapping[str, type[OmsError]] = {
    "RequestThrottled": RateLimited,
    "OverLimit": RateLimited,
    "KmsThrottled": Unavailable,
}


class _Message(Lenient):
    id: Annotated[str, Field(min_length=1, max_length=fields.MAX_ID, alias="MessageId")]
    receipt: Annotated[str, Field(min_length=1, alias="ReceiptHandle")]
    body: str = Field(default="", alias="Body")


class _Messages(Lenient):
    messages: Annotated[tuple[_Message, ...], Field(max_length=MOST, alias="Messages")] = ()


class _Deleted(Lenient):
    failed: tuple[dict[str, Any], ...] = Field(default=(), alias="Failed")


class _Error(Lenient):
    type: str = Field(default="", alias="__type")
    message: str = ""


class _Summary(Lenient):
    marketplace: str = Field(default="", alias="MarketplaceId")
    status: str = Field(default="", alias="OrderStatus")
    by: str = Field(default="", alias="FulfillmentType")


class _Change(Lenient):
    seller: str = Field(default="", alias="SellerId")
    no: Id = Field(alias="AmazonOrderId")
    summary: _Summary = Field(default=_Summary(), alias="Summary")


class _Payload(Lenient):
    change: _Change = Field(alias="OrderChangeNotification")


def _either(name: str) -> AliasChoices:
    """Take a field of the envelope, which some kinds of messages write with a small first letter."""
    return AliasChoices(name, name[0].lower() + name[1:])


class _Metadata(Lenient):
    id: Annotated[str, Field(min_length=1, max_length=fields.MAX_ID, validation_alias=_either("NotificationId"))]
    published: Annotated[str, Field(validation_alias=_either("PublishTime"))] = ""


class _Notification(Lenient):
    kind: Annotated[str, Field(min_length=1, validation_alias=_either("NotificationType"))]
    metadata: Annotated[_Metadata, Field(validation_alias=_either("NotificationMetadata"))]
    payload: Annotated[dict[str, Any], Field(default_factory=dict, validation_alias=_either("Payload"))]


class AmazonQueue:
    """The queue of one seller."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def take(self, longest_seconds: float) -> Sequence[Queued]:
        """Give what waits; what cannot be read says why."""
        wait = max(0, min(int(longest_seconds), LONGEST_WAIT_SECONDS))
        reply = await self._ask("ReceiveMessage", {"MaxNumberOfMessages": MOST, "WaitTimeSeconds": wait})
        try:
            told = _Messages.model_validate_json(reply)
        except ValidationError as error:
            raise Broken(f"{CHANNEL} about its queue: {fields.explain(error)}") from error
        return [_read(one, self._shop, self._clock()) for one in told.messages]

    async def confirm(self, taken: Sequence[Queued]) -> None:
        """Delete what is stored; Unavailable when some of it is not, which then comes again."""
        for begin in range(0, len(taken), MOST):
            some = taken[begin : begin + MOST]
            entries = [{"Id": str(n), "ReceiptHandle": one.receipt} for n, one in enumerate(some)]
            reply = await self._ask("DeleteMessageBatch", {"Entries": entries})
            try:
                failed = len(_Deleted.model_validate_json(reply).failed)
            except ValidationError as error:
                raise Broken(f"{CHANNEL} about its queue: {fields.explain(error)}") from error
            if failed:
                raise Unavailable(f"{CHANNEL} did not delete {failed} messages of its queue: they come again")

    async def close(self) -> None:
        """Nothing is held."""

    async def _ask(self, action: str, said: Mapping[str, Any]) -> bytes:
        url = urlsplit(fields.param(self._shop, QUEUE_URL))
        key = Key(fields.param(self._shop, AWS_KEY), _secret(self._shop), self._region(url.netloc), SERVICE)
        body = json.dumps({"QueueUrl": url.geturl(), **said}, separators=(",", ":")).encode()
        headers = {"content-type": CONTENT, "host": url.netloc, "x-amz-target": f"AmazonSQS.{action}"}
        signed = sign(key, headers, body, self._clock())
        # The host is signed, but it is the client who sends it.
        del signed["host"]
        call = Call(CHANNEL, f"{action} of {self._shop.code}", f"{url.scheme}://{url.netloc}/", body, signed)
        reply = await send(self._http, call)
        if reply.is_success:
            return reply.body
        try:
            error = _Error.model_validate_json(reply.body)
        except ValidationError:
            raise unexplained(call, reply) from None
        code = fields.vendor_text(error.type.rpartition("#")[2])
        kind = _CODES.get(code, Broken)
        raise kind(f"{CHANNEL} about {call.ref}: {code}: {fields.vendor_text(error.message)}")

    def _region(self, host: str) -> str:
        """Take the region from the shop, or from an address such as sqs.us-east-1.amazonaws.com."""
        named = self._shop.params.get(AWS_REGION, "")
        parts = host.split(".")
        if not named and (len(parts) < len(("sqs", "region", "amazonaws", "com")) or parts[0] != SERVICE):
            raise Broken(f"shop {self._shop.code} ({CHANNEL}): {QUEUE_URL} names no region: set {AWS_REGION}")
        return named or parts[1]


def read_kept(shop: Shop, raw: bytes, at: datetime) -> Queued:
    """Read a message as it was stored: its body, without what the queue called it."""
    text = raw.decode("utf-8", "replace")
    return _read(_Message.model_validate({"MessageId": "kept", "ReceiptHandle": "kept", "Body": text}), shop, at)


def _read(message: _Message, shop: Shop, at: datetime) -> Queued:
    raw = message.body.encode("utf-8", "replace")
    try:
        told = _Notification.model_validate_json(raw)
        hints = _hints(told, shop, at)
    except ValidationError as error:
        return Queued(message.receipt, f"sqs:{message.id}", raw, None, (), fields.explain(error))
    return Queued(message.receipt, told.metadata.id, raw, _moment(told.metadata.published), hints)


def _hints(told: _Notification, shop: Shop, at: datetime) -> tuple[OrderHinted, ...]:
    if told.kind != ORDER_CHANGE:
        return ()
    change = _Payload.model_validate(told.payload).change
    summary, ours = change.summary, shop.params
    status = STATUSES.get(summary.status, ChannelStatus.UNMAPPED)
    pairs = ((summary.marketplace, "marketplace_id"), (change.seller, "seller_id"))
    is_other = any(_differ(said, ours.get(name)) for said, name in pairs)
    if status is None or summary.by == BY_AMAZON or is_other:
        return ()
    return (OrderHinted(CHANNEL, shop.code, change.no, status, at),)


def _differ(told: str, ours: str | None) -> bool:
    return bool(told and ours and told != ours)


def _moment(text: str) -> datetime | None:
    try:
        return fields.offset_time(text)
    except ValueError:
        return None


def _secret(shop: Shop) -> str:
    value = shop.sealed.get(AWS_SECRET, "").strip()
    if not value:
        raise Broken(f"shop {shop.code} ({CHANNEL}) has no {AWS_SECRET}: give it as a file")
    return value
