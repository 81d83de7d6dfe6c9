"""Alipay's signatures against published vectors: requests, answers, notifications, and keys in every form (INT-14)."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization

from connectors.payments import alipay_sign as signing
from connectors.payments.alipay_inbound import AlipayInbound
from connectors.rsa_keys import private_key, public_keys
from domain.errors import Broken, Forged
from domain.observations import PaymentObserved
from tests.connectors.alipay_answers import (
    ALIPAY,
    ANSWERED,
    ASKED,
    NOTICE,
    NOTIFIED,
    next_key,
    notified,
    public_pem,
    signed,
)
from tests.connectors.worlds import push


def bare(pem: str) -> str:
    """A key as the vendor's own tool writes it: one line of base64."""
    return "".join(line for line in pem.splitlines() if "-----" not in line)


def test_a_request_is_signed_as_the_vendors_own_library_signs_it() -> None:
    """Equal, text and signature, to the official library's."""
    assert signing.content(ASKED["params"]).decode() == ASKED["sign_content"]
    assert signing.sign(ALIPAY, ASKED["params"]) == ASKED["sign"]
    assert signing.content(ASKED["params"] | {"notify_url": "", "sign": "x"}).decode() == ASKED["sign_content"]


def test_an_answer_is_proven_over_its_very_text() -> None:
    text, given = signing.answer_text(ANSWERED["raw"].encode(), ("error_response", ANSWERED["response_key"]))
    assert text == ANSWERED["sign_source"]
    signing.check_answer(ALIPAY, text, given)
    with pytest.raises(Forged, match="does not fit"):
        signing.check_answer(ALIPAY, text.replace("200.12", "200.13"), given)
    with pytest.raises(Forged, match="does not fit"):
        signing.check_answer(ALIPAY, text, "?")


def test_the_published_notification_is_genuine_with_all_its_chinese_percents_and_ampersands() -> None:
    receiver, body = AlipayInbound(ALIPAY), NOTIFIED["form_urlencoded"].encode()
    assert signing.content(NOTIFIED["form"], ("sign", "sign_type")).decode() == NOTIFIED["sign_source"]
    receiver.verify(push(body))
    (seen,) = receiver.parse(push(body)).observations
    assert isinstance(seen, PaymentObserved)
    assert (seen.no, seen.amount_minor) == ("6823789339978248", 2000)


def test_a_message_that_counts_the_kind_of_signature_in_is_genuine_too() -> None:
    AlipayInbound(ALIPAY).verify(push(urlencode(signed(NOTICE, with_type=True)).encode()))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"total_amount": "0.01"}, "does not fit"),
        ({"sign": ""}, "sign is missing"),
        ({"sign": "é"}, "does not fit"),
        ({"out_biz_no": "R-1"}, "does not fit"),
    ],
)
def test_a_changed_notification_is_forged(changed: dict[str, str], words: str) -> None:
    with pytest.raises(Forged, match=words):
        AlipayInbound(ALIPAY).verify(push(urlencode(signed(NOTICE) | changed).encode()))


@pytest.mark.parametrize("name", ["app_id", "seller_id"])
def test_what_alipay_signed_for_another_merchant_is_not_ours(name: str) -> None:
    with pytest.raises(Forged, match=f"{name} is not the one of this account"):
        AlipayInbound(ALIPAY).verify(notified(NOTICE | {name: "2088000000000000"}))


@pytest.mark.parametrize("body", [b"\xff", b"x" * (1024 * 1024 + 1), b"a=%ff"])
def test_what_is_no_form_is_forged(body: bytes) -> None:
    with pytest.raises(Forged):
        AlipayInbound(ALIPAY).verify(push(body))


def test_both_keys_are_valid_while_they_rotate() -> None:
    both = f"{ANSWERED['alipay_public_key']}\n{public_pem(next_key())}"
    receiver = AlipayInbound(replace(ALIPAY, sealed=ALIPAY.sealed | {"alipay_public_key": both}))
    receiver.verify(notified(NOTICE))
    receiver.verify(notified(NOTICE, next_key()))
    with pytest.raises(Forged):
        AlipayInbound(ALIPAY).verify(notified(NOTICE, next_key()))


def test_keys_are_read_as_pem_and_as_the_vendors_tool_writes_them() -> None:
    private, public = ASKED["app_private_key"], ANSWERED["alipay_public_key"]
    assert private_key(bare(private)).private_numbers() == private_key(private).private_numbers()
    older = next_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    assert private_key(bare(older.decode())).private_numbers() == next_key().private_numbers()
    two = public_keys(f"{bare(public)}\n{bare(public_pem(next_key()))}\n")
    assert [key.public_numbers() for key in two] == [
        public_keys(public)[0].public_numbers(),
        next_key().public_key().public_numbers(),
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sealed": ALIPAY.sealed | {"private_key": "nothing"}}, "private_key: not a private key"),
        ({"sealed": ALIPAY.sealed | {"alipay_public_key": ""}}, "alipay_public_key: no public key"),
        ({"sealed": ALIPAY.sealed | {"alipay_public_key": "nothing"}}, "alipay_public_key: a line that cannot be read"),
        ({"params": ALIPAY.params | {"shop": "mall"}}, "VENDOR/CODE"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_before_it_is_used(changed: dict[str, Any], words: str) -> None:
    assert words in "; ".join(signing.faults(replace(ALIPAY, **changed)))
    assert signing.faults(ALIPAY) == []


def test_an_account_without_readable_keys_is_broken_and_names_them() -> None:
    bad = replace(ALIPAY, sealed={"private_key": "x", "alipay_public_key": "x"})
    with pytest.raises(Broken, match=r"shop ali \(alipay\), private_key"):
        signing.sign(bad, {"a": "b"})
    with pytest.raises(Broken, match="alipay_public_key"):
        AlipayInbound(bad).verify(notified(NOTICE))


@pytest.mark.parametrize("body", [b"[]", b"{}", b"\xff", json.dumps({"other_response": {}}).encode()])
def test_an_answer_without_its_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no answer in it|codec"):
        signing.answer_text(body, ("a_response",))
