"""WeChat Pay signatures: published vectors in both directions, an independent client, keys that rotate."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.x509.oid import NameOID
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core
from wechatpayv3.utils import build_authorization

from connectors.payments import wechatpay_sign as signing
from connectors.payments.wechatpay_inbound import WechatpayInbound
from connectors.rsa_keys import private_key
from domain.errors import Forged
from domain.payments import RefundState
from tests.connectors.wechatpay_answers import (
    APIV3,
    ASK,
    ASKED,
    NEXT_SERIAL,
    NOTIFIED,
    PAID,
    PLATFORM_KEYS,
    REFUNDED,
    SERIAL,
    WECHATPAY,
    merchant,
    next_key,
    notice,
    public_pem,
    says,
    signed,
)
from tests.connectors.worlds import NOW, Stranger, push

BODY = NOTIFIED["body"].encode()
HEADERS = {name.lower(): value for name, value in NOTIFIED["headers"].items()}
SENT = datetime.fromtimestamp(int(HEADERS["wechatpay-timestamp"]), UTC)
BOTH = replace(
    WECHATPAY, sealed=WECHATPAY.sealed | {"platform_keys": f"{PLATFORM_KEYS}\n{NEXT_SERIAL}\n{public_pem(next_key())}"}
)


def sdk() -> WeChatPay:
    return WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=WECHATPAY.key_id,
        private_key=ASKED["private_key"],
        cert_serial_no=ASKED["serial_no"],
        apiv3_key=APIV3,
        appid="wx1",
        notify_url="http://oms.example/in/wechatpay/pay",
        public_key=NOTIFIED["platform_public_key"],
        public_key_id=SERIAL,
    )


def test_we_sign_a_refund_as_the_vector_does() -> None:
    request = ("POST", ASKED["path"], ASKED["body"].encode())
    given = signing.authorization(WECHATPAY, request, ASKED["timestamp"], ASKED["nonce_str"])
    assert given == ASKED["authorization"]


def test_we_sign_a_query_with_its_path_query_and_an_empty_body_as_the_vector_does() -> None:
    path = "/v3/pay/transactions/out-trade-no/1217752501201407033233368018?mchid=1900009191"
    given = signing.authorization(WECHATPAY, ("GET", path, b""), ASKED["timestamp"], ASKED["nonce_str"])
    assert f'signature="{ASKED["get_signature"]}"' in given


def test_what_the_vector_sends_is_genuine_and_opens() -> None:
    arrived = push(BODY, headers=HEADERS, received_at=SENT)
    receiver = WechatpayInbound(WECHATPAY)
    receiver.verify(arrived)
    read = receiver.parse(arrived)
    (seen,) = read.observations
    assert (read.key, read.sent_at) == ("EV-2026112210000012345", SENT)
    assert seen.kind == "refund"
    assert (seen.refund_no, seen.refund_id) == ("R202611220001", "50300000000202611220001")
    assert (seen.state, seen.amount_minor) == (RefundState.SUCCEEDED, 888)
    assert seen.succeeded_at == datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def test_what_we_pretend_the_platform_signs_has_the_vectors_signature() -> None:
    again = signed(BODY, SENT)
    assert {name: HEADERS[name] for name in again} == again


def test_the_published_sealed_text_opens() -> None:
    opened = signing.decrypt(
        ("testAPIv3Key0000",),
        "wCq51qZv4Yfg",
        "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
    )
    assert opened == b"Hello World"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wechatpay-signature": ""}, "wechatpay-signature is missing"),
        ({"wechatpay-serial": "PUB_KEY_ID_9"}, "no platform key 'PUB_KEY_ID_9' is known"),
        ({"wechatpay-nonce": "other"}, "does not fit"),
        ({"wechatpay-signature": "WECHATPAY/SIGNTEST/abc"}, "does not fit"),
        ({"wechatpay-signature": "é"}, "does not fit"),
        ({"wechatpay-timestamp": str(int(SENT.timestamp()) + 1)}, "does not fit"),
    ],
)
def test_a_changed_header_is_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(Forged, match=words):
        signing.check(WECHATPAY, HEADERS | changed, BODY, SENT)


def test_a_flipped_bit_of_the_body_is_refused() -> None:
    with pytest.raises(Forged, match="does not fit"):
        signing.check(WECHATPAY, HEADERS, BODY.replace(b"EV-2026", b"EV-2027"), SENT)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_replay_outside_five_minutes_is_refused(seconds: int) -> None:
    with pytest.raises(Forged, match="more than 5 minutes"):
        signing.check(WECHATPAY, HEADERS, BODY, SENT + timedelta(seconds=seconds))
    signing.check(WECHATPAY, HEADERS, BODY, SENT + timedelta(seconds=seconds - (seconds > 0) + (seconds < 0)))


@pytest.mark.parametrize("timestamp", ["soon", "", "-5", "99999999999999"])
def test_a_time_that_is_none_is_refused_even_when_signed(timestamp: str) -> None:
    with pytest.raises(Forged):
        signing.check(WECHATPAY, HEADERS | {"wechatpay-timestamp": timestamp}, BODY, SENT)


def test_two_platform_keys_are_valid_while_they_rotate() -> None:
    for headers in (signed(BODY), signed(BODY, serial=NEXT_SERIAL, key=next_key())):
        signing.check(BOTH, headers, BODY, NOW)
    with pytest.raises(Forged, match="no platform key"):
        signing.check(WECHATPAY, signed(BODY, serial=NEXT_SERIAL, key=next_key()), BODY, NOW)
    with pytest.raises(Forged, match="does not fit"):
        signing.check(BOTH, signed(BODY, serial=SERIAL, key=next_key()), BODY, NOW)


def test_a_platform_certificate_is_known_by_its_own_number() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(next_key().public_key())
    dated = made.not_valid_before(NOW - timedelta(days=1)).not_valid_after(NOW + timedelta(days=1))
    certificate = dated.serial_number(0x0ABC).sign(next_key(), hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    assert list(signing.platform_keys(pem)) == ["0ABC".zfill(40)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sealed": {"private_key": "", "platform_keys": PLATFORM_KEYS}}, "private_key: not a private key"),
        ({"sealed": {"private_key": NOTIFIED["platform_public_key"], "platform_keys": PLATFORM_KEYS}}, "private_key"),
        ({"sealed": WECHATPAY.sealed | {"platform_keys": "nothing"}}, "no public key or certificate"),
        ({"sealed": WECHATPAY.sealed | {"platform_keys": NOTIFIED["platform_public_key"]}}, "has no id"),
        ({"secrets": ("short",)}, "32 characters"),
        ({"params": WECHATPAY.params | {"shop": "mall"}}, "VENDOR/CODE"),
    ],
)
def test_bad_keys_are_told_before_they_are_used(changed: dict[str, Any], words: str) -> None:
    faults = signing.faults(replace(WECHATPAY, **changed))
    assert words in "; ".join(faults)
    assert len(faults) == 1
    assert signing.faults(WECHATPAY) == []


def test_the_previous_apiv3_key_still_opens() -> None:
    rotated = replace(WECHATPAY, secrets=("0" * 32, APIV3))
    assert WechatpayInbound(rotated).parse(push(notice(PAID), headers=signed(notice(PAID)))).key == "EV-1"


def test_an_independent_client_takes_our_notifications_and_refuses_a_changed_one() -> None:
    body = notice(PAID)
    headers = signed(body) | {"wechatpay-signature-type": signing.SCHEME}
    taken = sdk().callback(headers, body)
    assert taken["resource"]["transaction_id"] == PAID["transaction_id"]
    assert sdk().callback(headers, body.replace(b"EV-1", b"EV-2")) is None


async def test_an_independent_client_signs_the_same_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time and nonce are put into ours: then both headers are equal, for a refund and for a query."""
    theirs: list[tuple[str, str]] = []

    def capture(self: Any, path: str, method: Any = None, data: Any = None, **more: Any) -> tuple[int, str]:
        text = json.dumps(data) if data else ""
        word = method.value if data else "GET"
        header = build_authorization(path, word, self._mchid, self._cert_serial_no, self._private_key, data=text)
        theirs.append((header, f"{word} {path} {text}"))
        return 200, "{}"

    monkeypatch.setattr(Core, "request", capture)
    sdk().query(out_trade_no="D1")
    sdk().refund(
        out_refund_no="R-1", amount={"refund": 888, "total": 1000, "currency": "CNY"}, transaction_id="4200001"
    )
    for header, asked in theirs:
        word, path, text = asked.split(" ", 2)
        parts = dict(part.split("=", 1) for part in header.split(" ", 1)[1].split(","))
        timestamp, nonce = parts["timestamp"].strip('"'), parts["nonce_str"].strip('"')
        ours = signing.authorization(WECHATPAY, (word, path, text.encode()), timestamp, nonce)
        assert dict(part.split("=", 1) for part in ours.split(" ", 1)[1].split(",")) == parts
    assert [asked.split(" ")[1] for _, asked in theirs] == [
        "/v3/pay/transactions/out-trade-no/D1?mchid=1900009191",
        "/v3/refund/domestic/refunds",
    ]


async def test_a_call_carries_a_signature_over_its_very_bytes_and_a_nonce_of_its_own() -> None:
    stranger = Stranger(says(REFUNDED))
    for _ in range(2):
        await merchant(stranger).refund(ASK)
    nonces = [proven(request) for request in stranger.asked]
    assert len(set(nonces)) == 2


def proven(request: httpx.Request) -> str:
    parts = dict(part.split("=", 1) for part in request.headers["authorization"].split(" ", 1)[1].split(","))
    given = {name: value.strip('"') for name, value in parts.items()}
    lines = (request.method, request.url.raw_path.decode(), given["timestamp"], given["nonce_str"])
    message = signing.lines(*lines, request.content.decode())
    key = private_key(ASKED["private_key"]).public_key()
    key.verify(base64.b64decode(given["signature"]), message, PKCS1v15(), hashes.SHA256())
    return given["nonce_str"]
