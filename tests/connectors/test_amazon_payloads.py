"""Amazon's own sample answers go through pull, write-back and errors as they are (issue 9, acceptance 2)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.errors import Broken, Refused
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import ChannelStatus, OrderHinted
from domain.pulling import Window
from tests.connectors.amazon_answers import AMAZON, platform, says
from tests.connectors.worlds import NOW, Stranger

OLD = replace(AMAZON, params={**AMAZON.params, "list_api": "v0"})
WINDOW = Window(NOW.replace(hour=0), NOW)


def answers(shared: Path, name: str) -> dict[str, Any]:
    """Give the answers among the samples of one operation; some files hold the question beside it."""
    found = {}
    for file in sorted((shared / "data" / "payloads" / "amazon_sp_api" / "ordersV0").glob(name)):
        told = json.loads(file.read_text(encoding="utf-8"))
        found[file.name] = told.get("response", told)
    assert found
    return found


async def test_the_sample_lists_hint_at_the_orders_that_are_paid(shared: Path) -> None:
    """Pending ones say nothing, and a time of 1970 is not believed."""
    seen: dict[str, OrderHinted] = {}
    cursors = set()
    for told in answers(shared, "getOrders.200.*").values():
        page = await platform(Stranger(says(told)), OLD).pull(WINDOW, "")
        assert page.raw == says(told).content
        cursors.add(page.next_cursor)
        seen |= {one.no: one for one in page.observations if isinstance(one, OrderHinted)}
    hint = seen["902-1845936-5435065"]
    assert (hint.status, hint.vendor_time, hint.shop) == (ChannelStatus.PAID, NOW, "us1")
    assert "902-3159896-1390916" not in seen
    assert "2YgYW55IGNhcm5hbCBwbGVhc3VyZS4" in cursors


@pytest.mark.parametrize("operation", ["getOrders", "getOrder", "getOrderItems", "confirmShipment"])
async def test_the_sample_refusals_are_refusals_with_the_platforms_code(shared: Path, operation: str) -> None:
    for told in answers(shared, f"{operation}.400.*").values():
        code = told["errors"][0]["code"]
        with pytest.raises(Refused) as caught:
            await platform(Stranger(says(told, 400)), OLD).pull(WINDOW, "")
        assert caught.value.code == code


async def test_a_confirmation_is_written_as_the_sample_is(shared: Path) -> None:
    (name,) = answers(shared, "confirmShipment.204.*")
    folder = shared / "data" / "payloads" / "amazon_sp_api" / "ordersV0"
    wanted = json.loads((folder / name).read_text(encoding="utf-8"))["request"]["parameters"]["body"]["value"]
    stranger = Stranger(httpx.Response(204))
    line = ShippedLine("79039765272157", "X", 1)
    await platform(stranger).write_back(ShipmentNotice("902-1106328-1059050", "UPS", "1", NOW, (line,), True, "k"))
    told = json.loads(stranger.asked[0].content)
    assert told.keys() == wanted.keys()
    assert told["packageDetail"].keys() <= wanted["packageDetail"].keys()
    assert told["packageDetail"]["orderItems"][0].keys() <= wanted["packageDetail"]["orderItems"][0].keys()


BAD = [
    ({}, "payload is missing"),
    ({"payload": {"Orders": [{}]}}, "AmazonOrderId is missing"),
    ({"payload": {"Orders": [{"AmazonOrderId": "a b"}]}}, "AmazonOrderId has characters"),
    ({"payload": {"Orders": [{"AmazonOrderId": "1"}] * 101}}, "has more than 100 entries"),
    ([], "is not an object"),
]


@pytest.mark.parametrize(("told", "words"), BAD)
async def test_a_list_that_cannot_be_read_names_the_field(told: Any, words: str) -> None:
    with pytest.raises(Broken, match=words):
        await platform(Stranger(says(told)), OLD).pull(WINDOW, "")


async def test_what_the_platform_ships_itself_and_unknown_words() -> None:
    rows = [
        {"AmazonOrderId": "1", "OrderStatus": "Unshipped", "FulfillmentChannel": "AFN"},
        {"AmazonOrderId": "2", "OrderStatus": "ByDrone", "LastUpdateDate": "2026-11-22T13:00:00Z"},
        {"AmazonOrderId": "3", "OrderStatus": "PendingAvailability"},
    ]
    page = await platform(Stranger(says({"payload": {"Orders": rows}})), OLD).pull(WINDOW, "")
    (hint,) = page.observations
    assert isinstance(hint, OrderHinted)
    assert (hint.no, hint.status) == ("2", ChannelStatus.UNMAPPED)
