"""Qimen's published digests, from both sides."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.top_sign import sign
from connectors.warehouses.qimen_inbound import QimenInbound
from domain.errors import Forged
from tests.connectors.worlds import QIMEN, push

QUERY = {
    "method": "taobao.qimen.deliveryorder.create",
    "timestamp": "2015-04-26 00:00:07",
    "format": "xml",
    "app_key": "testerp_appkey",
    "v": "2.0",
    "customerId": "stub-cust-code",
}
BODY = (
    '<?xml version="1.0" encoding="utf-8"?><request><deliveryOrder>'
    "<deliveryOrderCode>TB1234</deliveryOrderCode><remark>测试</remark></deliveryOrder></request>"
).encode()
SENT = datetime.fromisoformat("2015-04-26T00:00:07+08:00")
VECTORS = {
    "md5": "6ACB676CC6670CA89E1942EA102308D8",
    "hmac": "385606938DADDA99C4B6E9DAC22699D0",
    "hmac-sha256": "C8CF1C691B28F5A72B2F6E5574A351C105F55CDD0EDDBF05954F00AC10C8227B",
}


@pytest.mark.parametrize(("method", "digest"), VECTORS.items())
def test_we_sign_what_the_official_sdk_signs(method: str, digest: str) -> None:
    assert sign({**QUERY, "sign_method": method, "empty": "", "sign": "old"}, BODY, "test") == digest


@pytest.mark.parametrize(("method", "digest"), VECTORS.items())
def test_we_accept_what_the_official_sdk_signs(method: str, digest: str) -> None:
    signed = {**QUERY, "sign_method": method, "sign": digest}
    QimenInbound(QIMEN).verify(push(BODY, signed, received_at=SENT))
    QimenInbound(QIMEN).verify(push(BODY, {**signed, "sign": digest.lower()}, received_at=SENT))


@pytest.mark.parametrize("method", VECTORS)
def test_the_key_before_is_accepted_while_keys_rotate(method: str) -> None:
    params = {**QUERY, "sign_method": method}
    signed = {**params, "sign": sign(params, BODY, "the-one-before")}
    QimenInbound(QIMEN).verify(push(BODY, signed, received_at=SENT))


def test_headers_named_in_the_sign_list_are_signed() -> None:
    params = {**QUERY, "sign_method": "md5"}
    digest = sign({**params, "Site-Code": "s1", "x-empty": ""}, BODY, "test")
    headers = {"top-sign-list": "Site-Code, x-empty", "site-code": "s1"}
    signed = {**params, "sign": digest}
    QimenInbound(QIMEN).verify(push(BODY, signed, headers, SENT))
    with pytest.raises(Forged, match="sign does not fit"):
        QimenInbound(QIMEN).verify(push(BODY, signed, {**headers, "site-code": "s2"}, SENT))


@pytest.mark.parametrize("method", VECTORS)
@pytest.mark.parametrize(
    ("change", "body", "reason"),
    [
        ({}, BODY.replace(b"TB1234", b"TB1235"), "sign does not fit"),
        ({"v": "3.0"}, BODY, "sign does not fit"),
        ({"sign": ""}, BODY, "sign does not fit"),
        ({"sign": "错"}, BODY, "sign does not fit"),
        ({"app_key": "other"}, BODY, "app_key"),
        ({"sign_method": "plain"}, BODY, "sign_method is none of md5"),
        ({"timestamp": ""}, BODY, "timestamp is missing"),
        ({"timestamp": "yesterday"}, BODY, "timestamp is missing or not"),
        ({"timestamp": "0001-01-01 00:00:00"}, BODY, "timestamp"),
    ],
)
def test_a_changed_message_is_forged(method: str, change: dict[str, str], body: bytes, reason: str) -> None:
    signed = {**QUERY, "sign_method": method, "sign": VECTORS[method], **change}
    with pytest.raises(Forged, match=reason):
        QimenInbound(QIMEN).verify(push(body, signed, received_at=SENT))


@pytest.mark.parametrize("secrets", [("other",), (), ("",)])
def test_another_key_or_none_is_forged(secrets: tuple[str, ...]) -> None:
    params = {**QUERY, "sign_method": "md5"}
    signed = {**params, "sign": sign(params, BODY, "")}
    for given in (signed, {**signed, "sign": VECTORS["md5"]}):
        with pytest.raises(Forged, match="sign does not fit"):
            QimenInbound(replace(QIMEN, secrets=secrets)).verify(push(BODY, given, received_at=SENT))


@pytest.mark.parametrize(("minutes", "fits"), [(-11, False), (-10, True), (10, True), (11, False)])
def test_a_message_is_believed_for_ten_minutes(minutes: int, fits: bool) -> None:
    signed = {**QUERY, "sign_method": "md5", "sign": VECTORS["md5"]}
    arrived = push(BODY, signed, received_at=SENT + timedelta(minutes=minutes))
    if fits:
        QimenInbound(QIMEN).verify(arrived)
    else:
        with pytest.raises(Forged, match="10 minutes"):
            QimenInbound(QIMEN).verify(arrived)
