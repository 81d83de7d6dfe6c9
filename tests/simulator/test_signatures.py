"""The simulator signs as the vendors' published vectors say, and refuses one flipped bit."""

from datetime import datetime
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from simulator import kdniao, own_shop, qimen
from simulator.settings import Courier, Wms

PARAMS = {
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
VECTORS = [
    ("md5", "6ACB676CC6670CA89E1942EA102308D8"),
    ("hmac", "385606938DADDA99C4B6E9DAC22699D0"),
    ("hmac-sha256", "C8CF1C691B28F5A72B2F6E5574A351C105F55CDD0EDDBF05954F00AC10C8227B"),
]
WMS = Wms(
    shop="w",
    app_key="testerp_appkey",
    secret=SecretStr("test"),
    customer_id="stub-cust-code",
    warehouse="WH",
    owner="O",
)
AT = datetime.fromisoformat("2015-04-26T00:00:10+08:00")
KDNIAO_DATA = '{"OrderCode":"","ShipperCode":"YTO","LogisticCode":"12345678"}'
KDNIAO_KEY = "56da2cf8-c8a2-44b2-b6fa-476cd7d1ba17"
KDNIAO_SIGN = "YTMwZmUxZjFkNDMyM2MxOTVhMGRmMDlhYWVmZWE4ZDM="
OWN_AT = "2026-11-22T21:30:00+08:00"
OWN_SIGN = "9b7bfda71c6394e25341d7c6e531ed02d1e3cbbdf605bdbee486461b5ef3bf1a"


@pytest.mark.parametrize(("method", "expected"), VECTORS)
def test_qimen_signs_and_verifies_the_published_vector(method: str, expected: str) -> None:
    params = {**PARAMS, "sign_method": method}
    assert qimen.sign(params, BODY, "test") == expected
    assert qimen.verify(WMS, {**params, "sign": expected}, BODY, AT) == "deliveryorder.create"


@pytest.mark.parametrize(("method", "expected"), VECTORS)
def test_qimen_refuses_a_flipped_bit(method: str, expected: str) -> None:
    params = {**PARAMS, "sign_method": method, "sign": expected}
    flipped = BODY[:-20] + bytes([BODY[-20] ^ 1]) + BODY[-19:]
    for bad_params, bad_body in (
        (params, flipped),
        ({**params, "v": "3.0"}, BODY),
        ({**params, "sign": ""}, BODY),
    ):
        with pytest.raises(qimen.Refused) as caught:
            qimen.verify(WMS, bad_params, bad_body, AT)
        assert caught.value.code == "sign-check-failure"


def test_qimen_refuses_an_old_time() -> None:
    params = {**PARAMS, "sign_method": "md5", "sign": VECTORS[0][1]}
    with pytest.raises(qimen.Refused, match="10 minutes"):
        qimen.verify(WMS, params, BODY, datetime.fromisoformat("2015-04-26T00:20:00+08:00"))


def kdniao_form(sign: str) -> bytes:
    return urlencode(
        {
            "RequestData": KDNIAO_DATA,
            "EBusinessID": "1",
            "RequestType": "1002",
            "DataSign": sign,
            "DataType": "2",
        }
    ).encode()


def test_kdniao_signs_and_verifies_the_published_vector() -> None:
    settings = Courier(shop="c", business_id="1", api_key=SecretStr(KDNIAO_KEY))
    assert kdniao.data_sign(KDNIAO_DATA, KDNIAO_KEY) == KDNIAO_SIGN
    request_type, data = kdniao.read_form(settings, kdniao_form(KDNIAO_SIGN))
    assert request_type == "1002"
    assert kdniao.waybill_of(data) == ("YTO", "12345678")


def test_kdniao_refuses_a_flipped_bit() -> None:
    settings = Courier(shop="c", business_id="1", api_key=SecretStr(KDNIAO_KEY))
    with pytest.raises(kdniao.Refused, match="签名"):
        kdniao.read_form(settings, kdniao_form("ZTMwZmUxZjFkNDMyM2MxOTVhMGRmMDlhYWVmZWE4ZDM="))
    with pytest.raises(kdniao.Refused, match="签名"):
        kdniao.read_form(settings, kdniao_form(KDNIAO_SIGN).replace(b"12345678", b"12345679"))


def own_headers(**changed: str) -> dict[str, str]:
    headers = {"key": "k", "timestamp": OWN_AT, "event": "evt-1", "signature": OWN_SIGN, **changed}
    return {f"X-Steadfast-{name.title()}": value for name, value in headers.items()}


def test_own_shop_signs_and_verifies_the_published_vector() -> None:
    body = b'{"order":{"no":"T1"}}'
    at = datetime.fromisoformat(OWN_AT)
    assert own_shop.signature("own-shop-test-secret", OWN_AT, "evt-1", body) == OWN_SIGN
    assert own_shop.verify("k", ["own-shop-test-secret"], own_headers(), body, at) == "evt-1"


@pytest.mark.parametrize(
    ("changed", "body", "reason"),
    [
        ({}, b'{"order":{"no":"T0"}}', "Signature"),
        ({"signature": "8" + OWN_SIGN[1:]}, b'{"order":{"no":"T1"}}', "Signature"),
        ({"event": "evt-0"}, b'{"order":{"no":"T1"}}', "Signature"),
        ({"key": "other"}, b'{"order":{"no":"T1"}}', "Key"),
        ({"timestamp": ""}, b'{"order":{"no":"T1"}}', "Timestamp"),
    ],
)
def test_own_shop_refuses_what_was_changed(changed: dict[str, str], body: bytes, reason: str) -> None:
    with pytest.raises(own_shop.BadSignature, match=reason):
        own_shop.verify("k", ["own-shop-test-secret"], own_headers(**changed), body, datetime.fromisoformat(OWN_AT))


def test_either_of_two_keys_is_read_while_they_rotate() -> None:
    at, body = datetime.fromisoformat(OWN_AT), b'{"order":{"no":"T1"}}'
    assert own_shop.verify("k", ["the next key", "own-shop-test-secret"], own_headers(), body, at) == "evt-1"
    with pytest.raises(own_shop.BadSignature):
        own_shop.verify("k", ["the next key"], own_headers(), body, at)
