"""What warehouses and couriers meet at the gateway: each is answered in its own words (INT-6, INT-14, SEC-1, SEC-4)."""

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
from defusedxml.ElementTree import fromstring
from structlog.testing import capture_logs

from connectors import top_sign
from connectors.couriers import kdniao
from store.database import Database
from tests.clients.worlds import PATHS, rows
from tests.connectors.worlds import KDNIAO, QIMEN

CONFIRM = (
    "<request><deliveryOrder><deliveryOrderCode>F1</deliveryOrderCode><outBizCode>{biz}</outBizCode></deliveryOrder>"
    "<packages><package><logisticsCode>SF</logisticsCode><expressCode>SF1</expressCode></package></packages></request>"
)
FORM = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
XML = {"content-type": "text/xml;charset=utf-8"}


async def confirm(
    client: httpx.AsyncClient, body: str, secret: str | None = QIMEN.secrets[0], **query: str
) -> httpx.Response:
    """Push a confirm as a warehouse does; unsigned without a secret."""
    asked = {
        "method": "deliveryorder.confirm",
        "timestamp": "2026-11-22 21:29:00",
        "app_key": QIMEN.key_id,
        "sign_method": "md5",
        "customerId": "stub-cust-code",
    } | query
    if secret is not None:
        asked["sign"] = top_sign.sign(asked, body.encode(), secret)
    return await client.post(PATHS["qimen"], params=asked, content=body.encode(), headers=XML)


def told(answer: httpx.Response) -> tuple[str, str, str]:
    root = fromstring(answer.content)
    assert root.tag == "response"
    return tuple(root.findtext(name) or "" for name in ("flag", "code", "message"))  # type: ignore[return-value]


async def test_a_signed_confirm_is_a_success_and_so_is_its_duplicate(
    client: httpx.AsyncClient, database: Database
) -> None:
    answers = [await confirm(client, CONFIRM.format(biz="OB-1")) for _ in range(2)]
    assert [(one.status_code, told(one)[:2]) for one in answers] == [(200, ("success", "0"))] * 2
    (kept,) = await rows(database, "inbox")
    assert (kept.source, kept.shop, kept.key) == ("qimen", "wms1", "confirm:F1:OB-1")


async def test_an_unsigned_confirm_is_a_failure_and_kept_aside(client: httpx.AsyncClient, database: Database) -> None:
    answer = await confirm(client, CONFIRM.format(biz="OB-1"), secret=None)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    flag, code, message = told(answer)
    assert (flag, code) == ("failure", "sign-check-failure")
    assert "sign" in message
    (kept,) = await rows(database, "unverified")
    assert kept.source == "qimen"
    assert await rows(database, "inbox") == []


async def test_the_previous_key_of_a_warehouse_still_counts(client: httpx.AsyncClient) -> None:
    answer = await confirm(client, CONFIRM.format(biz="OB-2"), secret=QIMEN.secrets[1])
    assert told(answer)[0] == "success"


async def test_an_unknown_method_is_a_failure_that_names_the_known(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await confirm(client, CONFIRM.format(biz="x"), method="stock.13812345678")
    flag, code, message = told(answer)
    assert (answer.status_code, flag, code) == (200, "failure", "invalid-parameter")
    assert "deliveryorder.confirm" in message
    assert "13812345678" not in message
    assert [row.state for row in await rows(database, "inbox")] == ["unparsable"]


async def test_a_confirm_that_says_nothing_is_a_failure(client: httpx.AsyncClient) -> None:
    for body in ("", "<request", "<!DOCTYPE x><request/>", "<request/>", "<a>13812345678</a>"):
        answer = await confirm(client, body)
        assert (body, answer.status_code, told(answer)[0]) == (body, 200, "failure")


async def test_a_confirm_with_an_endless_number_is_kept(client: httpx.AsyncClient, database: Database) -> None:
    endless = "".join(f"{n:06x}" for n in range(2000))
    answer = await confirm(client, CONFIRM.format(biz=endless))
    assert answer.status_code == 200
    assert len(await rows(database, "inbox")) == 1


def trace(waybill: str = "SF1", kind: str = "101", **changes: object) -> dict[str, str]:
    """The form with which the courier service pushes."""
    scan = {"AcceptTime": "2026-11-22 21:00:00", "AcceptStation": "李小明 13812345678 签收", "Action": "301"}
    parcel = {"ShipperCode": "SF", "LogisticCode": waybill, "Success": True, "State": "3", "Traces": [scan]}
    push = {"EBusinessID": KDNIAO.key_id, "PushTime": "2026-11-22 21:29:59", "Data": [parcel | changes]}
    data = json.dumps(push, ensure_ascii=False)
    return {"RequestData": data, "RequestType": kind, "DataSign": kdniao.sign(data, KDNIAO.secrets[0])}


async def track(client: httpx.AsyncClient, form: Mapping[str, str]) -> httpx.Response:
    return await client.post(PATHS["kdniao"], content=urlencode(form).encode(), headers=FORM)


async def test_a_courier_push_is_answered_with_the_documented_json(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await track(client, trace())
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == {
        "EBusinessID": KDNIAO.key_id,
        "UpdateTime": "2026-11-22 21:30:00",
        "Success": True,
        "Reason": "",
    }
    (observed,) = await rows(database, "observation")
    assert (observed.kind, observed.subject) == ("track", "SF:SF1")


async def test_identical_forms_at_once_are_one(client: httpx.AsyncClient, database: Database) -> None:
    answers = await asyncio.gather(*(track(client, trace()) for _ in range(5)))
    assert [one.json()["Success"] for one in answers] == [True] * 5
    assert len(await rows(database, "inbox")) == len(await rows(database, "observation")) == 1


async def test_a_forged_courier_push_is_a_failure_in_its_words(client: httpx.AsyncClient, database: Database) -> None:
    answer = await track(client, trace() | {"DataSign": "bm8="})
    assert (answer.status_code, answer.json()["Success"]) == (200, False)
    assert "DataSign" in answer.json()["Reason"]
    assert len(await rows(database, "unverified")) == 1


async def test_a_trace_names_nobody_in_answers_and_logs(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answers = [
            await track(client, trace()),
            await track(client, trace(kind="13812345678")),
            await track(client, trace(Traces="13812345678")),
            await track(client, trace(LogisticCode="", State="13812345678")),
            await track(client, {"RequestData": "13812345678", "RequestType": "101", "DataSign": "x"}),
        ]
    assert [one.json()["Success"] for one in answers] == [True, False, False, False, False]
    assert len(logs) == 4
    assert "13812345678" not in "".join(one.text for one in answers) + str(logs)


async def test_a_waybill_without_end_is_kept(client: httpx.AsyncClient, database: Database) -> None:
    endless = "".join(f"{n:06x}" for n in range(2000))
    answer = await track(client, trace(endless))
    assert answer.status_code == 200
    assert len(await rows(database, "inbox")) == 1


async def test_a_number_without_end_is_no_number(client: httpx.AsyncClient, database: Database) -> None:
    body = f"<request><deliveryOrder><deliveryOrderCode>{'F1' * 2000}</deliveryOrderCode></deliveryOrder></request>"
    answer = await confirm(client, body)
    assert (answer.status_code, told(answer)[0]) == (200, "failure")
    assert [row.state for row in await rows(database, "inbox")] == ["unparsable"]
