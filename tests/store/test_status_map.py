"""The status map document: every documented code has a meaning, a senseless document is refused in words (INT-13)."""

from typing import Any

import pytest

from connectors import registry
from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.shops import Role
from domain.status_map import StatusMeaning
from store import settings_docs
from store.database import Database
from store.settings_docs import validated
from tests.store.builders import value

S = ChannelStatus
HELD, PART = StatusMeaning(S.PAID, may_ship=False), StatusMeaning(S.PAID, partial=True)
GONE = StatusMeaning(S.CANCELLED)
UNPAID_AT_SHOPIFY, PAID_AT_SHOPIFY = ("PENDING", "AUTHORIZED", "PARTIALLY_PAID"), ("PAID", "PARTIALLY_REFUNDED")
SHOPIFY_GOODS = {
    **dict.fromkeys(("UNFULFILLED", "OPEN", "IN_PROGRESS", "PENDING_FULFILLMENT"), StatusMeaning(S.PAID)),
    "PARTIALLY_FULFILLED": PART,
    **dict.fromkeys(("ON_HOLD", "SCHEDULED", "REQUEST_DECLINED", "RESTOCKED", "FULFILLMENT_NOT_REQUIRED"), HELD),
    "FULFILLED": StatusMeaning(S.SHIPPED),
    "DELIVERED": StatusMeaning(S.SIGNED),
    "CLOSED": StatusMeaning(S.COMPLETED),
}
DOCUMENTED = {
    "taobao": {
        "TRADE_NO_CREATE_PAY": StatusMeaning(S.UNPAID),
        "WAIT_BUYER_PAY": StatusMeaning(S.UNPAID),
        "PAY_PENDING": StatusMeaning(S.UNPAID),
        "WAIT_PRE_AUTH_CONFIRM": StatusMeaning(S.UNPAID),
        "PAID_FORBID_CONSIGN": HELD,
        "WAIT_SELLER_SEND_GOODS": StatusMeaning(S.PAID),
        "SELLER_CONSIGNED_PART": PART,
        "WAIT_BUYER_CONFIRM_GOODS": StatusMeaning(S.SHIPPED),
        "TRADE_BUYER_SIGNED": StatusMeaning(S.SIGNED),
        "TRADE_FINISHED": StatusMeaning(S.COMPLETED),
        "TRADE_CLOSED": StatusMeaning(S.REFUNDED),
        "TRADE_CLOSED_BY_TAOBAO": StatusMeaning(S.CANCELLED),
    },
    "douyin": {
        "1": StatusMeaning(S.UNPAID),
        "103": StatusMeaning(S.UNPAID),
        "105": HELD,
        "2": StatusMeaning(S.PAID),
        "101": PART,
        "3": StatusMeaning(S.SHIPPED),
        "5": StatusMeaning(S.COMPLETED),
        "4": StatusMeaning(S.CANCELLED),
        **{code: StatusMeaning(S.REFUNDED) for code in ("21", "22", "39")},
    },
    "jd": {
        **{one: StatusMeaning(S.PAID) for one in ("WAIT_SELLER_STOCK_OUT", "WAIT_SELLER_DELIVERY", "WAIT_SEND_CODE")},
        **dict.fromkeys(("WAIT_SELLER_STOCK_OUT+store", "LOCKED", "PAUSE", "POP_ORDER_PAUSE"), HELD),
        "WAIT_GOODS_RECEIVE_CONFIRM": StatusMeaning(S.SHIPPED),
        "SEND_TO_DISTRIBUTION_CENER": StatusMeaning(S.SHIPPED),
        "DISTRIBUTION_CENTER_RECEIVED": StatusMeaning(S.SHIPPED),
        "RECEIPTS_CONFIRM": StatusMeaning(S.SIGNED),
        "FINISHED_L": StatusMeaning(S.COMPLETED),
        "TRADE_CANCELED": StatusMeaning(S.REFUNDED),
        "PARENT_TRADE_CANCELED": StatusMeaning(S.REFUNDED),
        "DELIVERY_RETURN": StatusMeaning(S.REFUNDED),
    },
    "kuaishou": {
        "10": StatusMeaning(S.UNPAID),
        "30": StatusMeaning(S.PAID),
        "30+disabled": HELD,
        "40": StatusMeaning(S.SHIPPED),
        "50": StatusMeaning(S.SIGNED),
        "70": StatusMeaning(S.COMPLETED),
        "80": StatusMeaning(S.CANCELLED),
        "80+paid": StatusMeaning(S.REFUNDED),
    },
    "xhs": {
        "1": StatusMeaning(S.UNPAID),
        "2": HELD,
        "3": HELD,
        "4": StatusMeaning(S.PAID),
        "5": PART,
        "6": StatusMeaning(S.SHIPPED),
        "7": StatusMeaning(S.COMPLETED),
        "8": StatusMeaning(S.CANCELLED),
        "8+paid": StatusMeaning(S.REFUNDED),
        "9": StatusMeaning(S.CANCELLED),
        "9+paid": StatusMeaning(S.REFUNDED),
        "10+paid": HELD,
        "10+shipped": StatusMeaning(S.SHIPPED),
        "10+finished": StatusMeaning(S.COMPLETED),
    },
    "amazon": {
        **dict.fromkeys(("PENDING", "PENDING_AVAILABILITY"), StatusMeaning(S.UNPAID)),
        "UNSHIPPED": StatusMeaning(S.PAID),
        "PARTIALLY_SHIPPED": PART,
        "UNSHIPPED/CANCEL_REQUESTED": HELD,
        "PARTIALLY_SHIPPED/CANCEL_REQUESTED": StatusMeaning(S.PAID, may_ship=False, partial=True),
        "SHIPPED": StatusMeaning(S.SHIPPED),
        "SHIPPED/DELIVERED": StatusMeaning(S.SIGNED),
        **dict.fromkeys(("CANCELLED", "UNFULFILLABLE"), StatusMeaning(S.CANCELLED)),
    },
    "shopify": {
        **dict.fromkeys(UNPAID_AT_SHOPIFY, StatusMeaning(S.UNPAID)),
        **dict.fromkeys(("VOIDED", "EXPIRED"), StatusMeaning(S.CANCELLED)),
        **dict.fromkeys((f"CANCELLED/{one}" for one in (*UNPAID_AT_SHOPIFY, "VOIDED", "EXPIRED")), GONE),
        **dict.fromkeys((f"CANCELLED/{one}" for one in PAID_AT_SHOPIFY), GONE),
        **dict.fromkeys(("REFUNDED", "CANCELLED/REFUNDED"), StatusMeaning(S.REFUNDED)),
        **{f"{money}/{goods}": meaning for money in PAID_AT_SHOPIFY for goods, meaning in SHOPIFY_GOODS.items()},
    },
    "own": {one.value: StatusMeaning(one) for one in S if one is not S.UNMAPPED},
}


def channels(**codes: Any) -> dict[str, Any]:
    return {"channels": {"douyin": codes}}


async def test_every_documented_code_has_its_meaning_and_no_other_has_one(database: Database) -> None:
    async with database.transaction() as tx:
        shipped = await settings_docs.status_map(tx)
    assert shipped.version == 1
    assert {name: shipped.channels.get(name) for name in DOCUMENTED} == DOCUMENTED


def test_every_channel_that_can_be_connected_has_codes() -> None:
    told = settings_docs.status_map_of(1, {"channels": {}}).channels
    sells = {name for name, one in registry.VENDORS.items() if one.role is Role.SALES}
    assert sells <= set(told) | {"common"}, "a common channel brings its own"


async def test_a_channel_that_an_older_map_does_not_name_takes_its_shipped_codes() -> None:
    told = settings_docs.status_map_of(7, channels(**{"9": {"status": "signed"}}))
    assert told.meaning("douyin", "9") == StatusMeaning(S.SIGNED)
    assert told.meaning("douyin", "2") is None, "a channel that is named counts as it is written"
    assert told.meaning("taobao", "TRADE_FINISHED") == StatusMeaning(S.COMPLETED)


async def test_a_map_is_read_whole_only_when_its_version_changes(database: Database) -> None:
    async with database.transaction() as tx:
        assert await settings_docs.status_map(tx) is await settings_docs.status_map(tx)


async def test_the_shipped_document_fits_its_schema(database: Database) -> None:
    validated("status_map", await value(database, "SELECT body FROM setting WHERE kind = 'status_map'"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            channels(**{"2": {"status": "payed"}}),
            r"channel douyin, code 2, status: .*'deposit', 'paid'.*\"payed\"",
        ),
        (channels(**{"2": {"status": "unmapped"}}), "channel douyin, code 2, status"),
        (channels(**{"2": {}}), "channel douyin, code 2, status: field required"),
        (channels(**{"3": {"status": "shipped", "may_ship": False}}), "code 3: may_ship and partial are about paid"),
        (channels(**{"2": {"status": "paid", "may_ship": "no"}}), 'code 2, may_ship: .*boolean.*"no"'),
        (channels(**{"2": {"status": "paid", "ship": True}}), "code 2, ship: extra inputs"),
        (channels(**{" ": {"status": "paid"}}), "channel douyin, code  : "),
        ({"channels": {}}, "channels: "),
        ({}, "channels: field required"),
        ([], "the document: "),
        (None, "the document: "),
        (channels(**{str(n): {} for n in range(12)}), "code 9, status: field required; and 2 more$"),
    ],
)
def test_a_senseless_map_is_refused_with_the_place_and_what_is_allowed(body: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        validated("status_map", body)


def test_an_unknown_document_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="known are after_sales, alerts, messages, risk, sla, status_map, stock, timing"):
        validated("weather", {})
