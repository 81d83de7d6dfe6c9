"""Whatever a stranger sends, signed or not, the gateway answers and never breaks (SEC-4)."""

import json
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import top_sign
from connectors.couriers import kdniao
from tests.clients.worlds import PATHS, message, signed
from tests.connectors.worlds import KDNIAO, QIMEN

pytestmark = pytest.mark.timeout(60)
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
# A NUL, a line feed and a carriage return never come through: the HTTP parser refuses them.
VALUES = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=300).map(
    lambda text: text.encode("latin-1")
)
NAMES = st.sampled_from(
    [
        b"x-steadfast-key", b"x-steadfast-timestamp", b"x-steadfast-event", b"x-steadfast-signature",
        b"x-steadfast-other", b"content-type", b"content-length", b"user-agent", b"top-sign-list", b"date",
    ]
)  # fmt: skip
QUERY = st.dictionaries(
    st.sampled_from(["app_key", "timestamp", "sign_method", "sign", "method", "x"]), st.text(max_size=50)
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = list(json.loads(message())["order"])


@FEW
@given(st.sampled_from(list(PATHS.values())), st.binary(max_size=500), st.dictionaries(NAMES, VALUES), QUERY)
async def test_any_bytes_and_headers_are_answered(
    client: httpx.AsyncClient, path: str, body: bytes, headers: dict[bytes, bytes], query: dict[str, str]
) -> None:
    answer = await client.post(path, content=body, headers=list(headers.items()), params=query)
    assert answer.status_code < 500


@FEW
@given(st.sampled_from(FIELDS), ANY_JSON)
async def test_any_signed_order_is_answered(client: httpx.AsyncClient, field: str, value: object) -> None:
    body = json.dumps({"order": json.loads(message())["order"] | {field: value}}).encode()
    answer = await client.post(PATHS["own"], content=body, headers=signed(body))
    assert answer.status_code in {200, 422}


@FEW
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
async def test_any_signed_bytes_are_answered(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(PATHS["own"], content=body, headers=signed(body))
    assert answer.status_code == 422


@FEW
@given(
    st.sampled_from(["deliveryorder.confirm", "orderprocess.report"]),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=50),
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=50),
)
async def test_any_signed_confirm_is_answered(client: httpx.AsyncClient, method: str, no: str, biz: str) -> None:
    head = f"<deliveryOrderCode>{no}</deliveryOrderCode><outBizCode>{biz}</outBizCode><status>{biz}</status>"
    step = f"<order><orderCode>{no}</orderCode></order><process><processStatus>{biz}</processStatus></process>"
    body = f"<request><deliveryOrder>{head}</deliveryOrder>{step}</request>".encode()
    query = {
        "method": method,
        "timestamp": "2026-11-22 21:29:00",
        "app_key": QIMEN.key_id,
        "sign_method": "hmac-sha256",
    }
    query["sign"] = top_sign.sign(query, body, QIMEN.secrets[0])
    answer = await client.post(PATHS["qimen"], params=query, content=body)
    assert answer.status_code == 200


@FEW
@given(st.sampled_from(["101", "102"]), st.lists(ANY_JSON, max_size=3), st.text(max_size=80), ANY_JSON)
async def test_any_signed_trace_is_answered(
    client: httpx.AsyncClient, kind: str, parcels: list[object], waybill: str, odd: object
) -> None:
    parcel = {"ShipperCode": odd, "LogisticCode": waybill, "State": odd, "Traces": odd}
    push = {"EBusinessID": KDNIAO.key_id, "PushTime": waybill, "Data": [*parcels, parcel]}
    data = json.dumps(push)
    form = {"RequestData": data, "RequestType": kind, "DataSign": kdniao.sign(data, KDNIAO.secrets[0])}
    answer = await client.post(PATHS["kdniao"], content=urlencode(form).encode())
    assert answer.status_code == 200
