"""What Amazon tells through the seller's queue: its signature, its messages, its failures (INT-1, INT-6)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.aws_sign import Key, sign
from connectors.platforms.amazon_queue import AmazonQueue
from domain.errors import Broken, OmsError, RateLimited, Unavailable, Unparsable
from domain.observations import ChannelStatus, OrderHinted
from domain.shops import Shop
from tests.connectors.amazon_answers import AMAZON, says
from tests.connectors.worlds import NOW, Stranger, clock

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/177715257436/MyQueue"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
PARAMS = {"marketplace_id": "ATVPDKIKX0DER", "queue_url": QUEUE_URL, "aws_key_id": "AKIDEXAMPLE"}
SELLER: Shop = replace(AMAZON, params=PARAMS, sealed={"aws_secret": f"{SECRET}\n"})
BODY = b'{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/177715257436/MyQueue","MaxNumberOfMessages":10}'
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/sqs/aws4_request, "
    "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
    "Signature=eaa7b7886d892db3820c4ccecaafcca502e76c563089af68ca3d59fa2d803058"
)
"""Made by the official SDK, botocore 1.44."""


def test_we_sign_as_the_official_sdk_does_and_a_flipped_bit_signs_otherwise() -> None:
    key = Key("AKIDEXAMPLE", SECRET, "us-east-1", "sqs")
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "host": "sqs.us-east-1.amazonaws.com",
        "x-amz-target": "AmazonSQS.ReceiveMessage",
    }
    at = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
    assert sign(key, headers, BODY, at)["authorization"] == SIGNED
    assert sign(key, headers, BODY[:-1] + b"|", at)["authorization"] != SIGNED
    assert sign(replace(key, secret=SECRET + "x"), headers, BODY, at)["authorization"] != SIGNED
    assert SECRET not in repr(key)


def notification(kind: str = "ORDER_CHANGE", summary: dict[str, Any] | None = None, **change: Any) -> dict[str, Any]:
    told = {"MarketplaceId": "ATVPDKIKX0DER", "OrderStatus": "Unshipped", "FulfillmentType": "MFN", **(summary or {})}
    inner = {"SellerId": "A3TH9S8BH6GOGM", "AmazonOrderId": "902-1-1", "Summary": told, **change}
    return {
        "NotificationType": kind,
        "Payload": {"OrderChangeNotification": inner},
        "NotificationMetadata": {"NotificationId": "n-1", "PublishTime": "2026-11-22T13:29:00Z"},
    }


def waiting(*bodies: str) -> httpx.Response:
    rows = [{"MessageId": f"m{n}", "ReceiptHandle": f"r{n}", "Body": body} for n, body in enumerate(bodies)]
    return says({"Messages": rows} if rows else {})


def queue(stranger: Stranger, shop: Shop = SELLER) -> AmazonQueue:
    return AmazonQueue(shop, stranger.client(), clock)


async def test_a_message_is_taken_read_and_deleted() -> None:
    stranger = Stranger(waiting(json.dumps(notification())), says({"Successful": [{"Id": "0"}], "Failed": []}))
    taken = await queue(stranger).take(20.0)
    (one,) = taken
    (hint,) = one.observations
    assert isinstance(hint, OrderHinted)
    assert (hint.no, hint.status, hint.vendor_time, hint.shop) == ("902-1-1", ChannelStatus.PAID, NOW, "us1")
    assert (one.key, one.sent_at, one.reason) == ("n-1", datetime(2026, 11, 22, 13, 29, tzinfo=UTC), "")
    await queue(stranger).confirm(taken)
    take, delete = stranger.asked
    assert str(take.url) == "https://sqs.us-east-1.amazonaws.com/"
    assert take.headers["x-amz-target"] == "AmazonSQS.ReceiveMessage"
    assert take.headers["host"] == "sqs.us-east-1.amazonaws.com"
    assert "Credential=AKIDEXAMPLE/20261122/us-east-1/sqs/aws4_request" in take.headers["authorization"]
    assert json.loads(take.content) == {"QueueUrl": QUEUE_URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 9}
    assert delete.headers["x-amz-target"] == "AmazonSQS.DeleteMessageBatch"
    assert json.loads(delete.content)["Entries"] == [{"Id": "0", "ReceiptHandle": "r0"}]


SILENT = [
    notification("LISTINGS_ITEM_MFN_QUANTITY_CHANGE"),
    notification(summary={"OrderStatus": "Pending"}),
    notification(summary={"FulfillmentType": "AFN"}),
    notification(summary={"MarketplaceId": "A1F83G8C2ARO7P"}),
]


@pytest.mark.parametrize("told", SILENT)
async def test_what_is_not_ours_to_ask_for_is_kept_and_says_nothing(told: dict[str, Any]) -> None:
    (one,) = await queue(Stranger(waiting(json.dumps(told)))).take(0)
    assert (one.observations, one.reason, one.key) == ((), "", "n-1")


BAD = [
    ("", "not JSON"),
    ("<xml/>", "not JSON"),
    ("[" * 50_000, "JSON"),
    ("[]", "is not an object"),
    (json.dumps({"NotificationType": "ORDER_CHANGE"}), "NotificationMetadata is missing"),
    (json.dumps(notification(AmazonOrderId="a b")), "AmazonOrderId has characters"),
    (json.dumps({**notification(), "Payload": {}}), "OrderChangeNotification is missing"),
]


@pytest.mark.parametrize(("body", "words"), BAD, ids=[words for _, words in BAD])
async def test_what_cannot_be_read_is_kept_and_says_why(body: str, words: str) -> None:
    (one,) = await queue(Stranger(waiting(body))).take(0)
    assert words in one.reason
    assert (one.key, one.raw, one.observations) == ("sqs:m0", body.encode(), ())


def test_a_kept_message_is_read_once_more_after_the_mend() -> None:
    read = registry.read_kept(SELLER, json.dumps(notification()).encode(), NOW)
    assert (read.key, len(read.observations)) == ("n-1", 1)
    with pytest.raises(Unparsable, match="not JSON"):
        registry.read_kept(SELLER, b"{", NOW)


def refused(kind: str, status: int = 400) -> httpx.Response:
    return says({"__type": f"com.amazonaws.sqs#{kind}", "message": "no"}, status)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (refused("RequestThrottled"), RateLimited, "RequestThrottled"),
        (refused("OverLimit"), RateLimited, "OverLimit"),
        (refused("KmsThrottled"), Unavailable, "KmsThrottled"),
        (refused("QueueDoesNotExist"), Broken, "QueueDoesNotExist: no"),
        (refused("InvalidSecurity", 403), Broken, "InvalidSecurity"),
        (httpx.Response(503), Unavailable, "503"),
        (httpx.Response(403, text="<html>"), Broken, "HTTP 403"),
        (says({"Messages": "x"}), Broken, "Messages is not"),
    ],
)
async def test_a_queue_that_does_not_answer_says_why(answer: httpx.Response, error: type[OmsError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        await queue(Stranger(answer)).take(0)
    assert SECRET not in str(caught.value)


async def test_what_is_not_deleted_comes_again() -> None:
    taken = await queue(Stranger(waiting(*[json.dumps(notification())] * 2))).take(0)
    failed = says({"Successful": [{"Id": "0"}], "Failed": [{"Id": "1", "Code": "x", "SenderFault": False}]})
    with pytest.raises(Unavailable, match="1 messages"):
        await queue(Stranger(failed)).confirm(taken)
    many = Stranger(says({"Successful": [], "Failed": []}))
    await queue(many).confirm([*taken] * 11)
    assert len(many.asked) == 3


async def test_a_queue_is_had_where_it_is_named_and_what_is_missing_is_told() -> None:
    assert registry.has_queue(SELLER)
    assert not registry.has_queue(AMAZON)
    for wrong, words in (
        (replace(SELLER, sealed={}), "has no aws_secret"),
        (replace(SELLER, params={**PARAMS, "aws_key_id": ""}), "has no aws_key_id"),
        (replace(SELLER, params={**PARAMS, "queue_url": "http://localhost:4566/q"}), "set aws_region"),
    ):
        with pytest.raises(Broken, match=words):
            await queue(Stranger(waiting()), wrong).take(0)
    near = replace(SELLER, params={**PARAMS, "queue_url": "http://localhost:4566/q", "aws_region": "eu-west-1"})
    assert await queue(Stranger(waiting()), near).take(0) == []


async def test_the_platforms_own_samples_are_taken_as_they_are(shared: Path) -> None:
    """Issue 9, acceptance 2: the order change hints at its order, the others are kept."""
    files = sorted((shared / "data" / "payloads" / "amazon_sp_api" / "notifications").glob("*.json"))
    taken = {file.name: (await queue(Stranger(waiting(file.read_text(encoding="utf-8")))).take(0))[0] for file in files}
    (hint,) = taken.pop("OrderChangeNotification.0.json").observations
    assert isinstance(hint, OrderHinted)
    assert (hint.no, hint.status) == ("903-8868176-2219830", ChannelStatus.PAID)
    assert taken
    assert {(one.observations, one.reason) for one in taken.values()} == {((), "")}
