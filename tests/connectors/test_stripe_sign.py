"""Stripe's signatures, beside the vendor's own library: what it takes we take, what it refuses we refuse (INT-14)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import stripe

from connectors.payments import stripe_sign as signing
from connectors.payments.stripe_inbound import StripeInbound
from domain.errors import Forged
from tests.connectors.stripe_answers import (
    INTENT,
    NEXT_SECRET,
    SECRET,
    STRIPE,
    VECTOR_AT,
    VECTOR_BODY,
    VECTOR_V1,
    event,
    signed,
)
from tests.connectors.worlds import NOW, push

BODY = event("payment_intent.succeeded", INTENT)
SENT = int(NOW.timestamp())
GOOD = signing.signature(SECRET, str(SENT), BODY)
NEXT = signing.signature(NEXT_SECRET, str(SENT), BODY)


def library_takes(header: str, body: bytes, at: datetime, secret: str = SECRET) -> bool:
    """Ask the vendor's own library, at a time of ours."""
    with patch("time.time", return_value=at.timestamp()):
        try:
            stripe.Webhook.construct_event(body, header, secret)
        except stripe.SignatureVerificationError:
            return False
    return True


def we_take(header: str, body: bytes, at: datetime, secret: str = SECRET) -> bool:
    try:
        signing.check(replace(STRIPE, secrets=(secret,)), {"stripe-signature": header}, body, at)
    except Forged:
        return False
    return True


def test_the_published_vector_is_genuine() -> None:
    assert signing.signature(SECRET, str(VECTOR_AT), VECTOR_BODY) == VECTOR_V1
    at, header = datetime.fromtimestamp(VECTOR_AT, UTC), f"t={VECTOR_AT},v1={VECTOR_V1},v0=6ffb"
    StripeInbound(STRIPE).verify(push(VECTOR_BODY, headers={"stripe-signature": header}, received_at=at))
    assert library_takes(header, VECTOR_BODY, at)


@pytest.mark.parametrize(
    ("header", "late", "taken"),
    [
        (f"t={SENT},v1={GOOD}", 0, True),
        (f"t={SENT},v1={GOOD}", 300, True),
        (f"t={SENT},v1={GOOD}", 301, False),
        (f"t={SENT},v1={GOOD}", -3600, True),
        (f"t={SENT},v1={'0' * 64},v1={GOOD}", 0, True),
        (f"t={SENT},v1={NEXT},v1={GOOD},v0=x", 0, True),
        (f"t={SENT},v1={NEXT}", 0, False),
        (f"t={SENT},v0={GOOD}", 0, False),
        (f"t={SENT + 1},v1={GOOD}", 0, False),
        (f"v1={GOOD}", 0, False),
        (f"t=soon,v1={GOOD}", 0, False),
        (f"t={SENT}", 0, False),
        ("", 0, False),
    ],
)
def test_we_take_and_refuse_what_the_vendors_own_library_does(header: str, late: int, taken: bool) -> None:
    at = NOW + timedelta(seconds=late)
    assert we_take(header, BODY, at) is taken
    assert library_takes(header, BODY, at) is taken


def test_a_changed_body_is_forged() -> None:
    assert not we_take(f"t={SENT},v1={GOOD}", BODY.replace(b"1000", b"1001"), NOW)


@pytest.mark.parametrize("secret", [SECRET, NEXT_SECRET])
def test_both_secrets_are_valid_while_they_are_rolled(secret: str) -> None:
    StripeInbound(STRIPE).verify(push(BODY, headers=signed(BODY, secret=secret)))


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "header stripe-signature is missing"),
        ({"stripe-signature": f"t=1,v1={GOOD}"}, "no t= with a number of seconds"),
        ({"stripe-signature": f"t={SENT},v1=é"}, "no v1 signature fits"),
        (signed(BODY, NOW - timedelta(seconds=301)), "older than 5 minutes"),
        (signed(BODY, secret="whsec_other"), "no v1 signature fits"),
    ],
)
def test_a_forgery_is_told_apart_by_its_fault(headers: dict[str, str], words: str) -> None:
    with pytest.raises(Forged, match=words):
        StripeInbound(STRIPE).verify(push(BODY, headers=headers))


def test_an_account_without_a_secret_takes_nothing() -> None:
    with pytest.raises(Forged):
        StripeInbound(replace(STRIPE, secrets=("",))).verify(push(BODY, headers=signed(BODY, secret="")))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sealed": {"api_key": "pk_test_0123456789"}}, "api_key: a secret key begins with sk_ or rk_"),
        ({"sealed": {}}, "api_key"),
        ({"secrets": ("sk_test",)}, "secret: the signing secret of a webhook endpoint begins with whsec_"),
        ({"params": {"shop": "mall"}}, "VENDOR/CODE"),
    ],
)
def test_what_is_wrong_with_an_account_is_said_before_it_is_used(changed: dict[str, Any], words: str) -> None:
    assert words in "; ".join(signing.faults(replace(STRIPE, **changed)))
    assert signing.faults(STRIPE) == []
