"""What a WeChat shop's platform pushes: signed, sealed, and only hints (platform_vectors.json: WX-1, WX-2; INT-11)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.inbound import Greeter, Outcome
from connectors.platforms.wechatshop_crypt import sign, unseal
from connectors.platforms.wechatshop_push import EVENTS, WechatInbound
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from simulator.platforms import wechatshop_wire as wire
from tests.connectors.wechatshop_answers import AES_KEY, APPID, NO, TOKEN, WECHATSHOP, event, pushed
from tests.connectors.worlds import NOW, push

STAMP, NONCE = "1714036504", "1514711492"
WX_1 = "f464b24fc39322e44b38aa78f5edd27bd1441696"
WX_2 = "7c75169534ad8f8efdbf5d96a50e6b0c92355c45"
SEALED = (
    "Q3stYC6hdFzMh9T8HCvyDEw6MXMVuHYWhNNRmMhwRNW51Vo71zsmK0A4WItJpq7ZZR5UEyeI48CBMQNkrs4saCM9Yu9gQKKyUIMrWCcydJN+d0Ef"
    "dAtrICGsa9RW6Flxfge4oNhNMdaGfa5yRj4R+zaFmoTKCyQIXfekIOS+ywHvtg8U/UBW1DLD9zGbxSs/reV6kPtAQ3EvtFVkHwdPCNsB712kaXsV"
    "i3qY/guJKHfB0TGAszcDQblAZoAHy6BwSbIT3VFXR1Is7JAO0s9uDK0foAvXzurCU3qhBGEeRj8NN9a9gAt+KtzJvA77T0UahciQsUG+87NV/1a8"
    "w19ezA=="
)
PLAIN = (
    '{"ToUserName":"gh_test","FromUserName":"OPENID","CreateTime":1714036504,"MsgType":"event",'
    '"Event":"channels_ec_order_pay","order_info":{"order_id":3705115058471208928,"pay_time":1658509200}}'
)
INBOUND = WechatInbound(WECHATSHOP)


def test_the_published_digests_are_made_and_the_message_opens_on_both_sides() -> None:
    assert sign(TOKEN, STAMP, NONCE) == wire.sha1(TOKEN, STAMP, NONCE) == WX_1
    assert sign(TOKEN, STAMP, NONCE, SEALED) == wire.sha1(TOKEN, STAMP, NONCE, SEALED) == WX_2
    assert unseal(SEALED, AES_KEY, APPID) == PLAIN.encode()
    assert wire.seal(PLAIN.encode(), AES_KEY, APPID, b"0123456789abcdef") == SEALED
    query = {"msg_signature": WX_2, "timestamp": STAMP, "nonce": NONCE}
    arrived = push(json.dumps({"ToUserName": "gh_test", "Encrypt": SEALED}).encode(), query)
    INBOUND.verify(arrived)
    (seen,) = INBOUND.parse(arrived).observations
    assert isinstance(seen, OrderHinted)
    assert seen.no == NO, "beyond 2^53, and whole"


@pytest.mark.parametrize(
    "changed",
    [{"msg_signature": "0" + WX_2[1:]}, {"timestamp": "1714036505"}, {"nonce": "1"}, {"nonce": ""}, {"timestamp": ""}],
)
def test_a_flipped_bit_is_forged(changed: dict[str, str]) -> None:
    query = {"msg_signature": WX_2, "timestamp": STAMP, "nonce": NONCE, **changed}
    with pytest.raises(Forged):
        INBOUND.verify(push(json.dumps({"Encrypt": SEALED}).encode(), query))
    with pytest.raises(Forged):
        INBOUND.verify(push(json.dumps({"Encrypt": SEALED[:-8] + "AAAAAA=="}).encode(), query))


def test_another_key_token_or_application_is_forged_and_so_is_an_open_message() -> None:
    other = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"
    for wrong in (
        pushed(event(), token="BBBBB"),
        pushed(event(), key=other),
        pushed(event(), appid="wx0"),
        push(json.dumps(event()).encode(), {"msg_signature": WX_1, "timestamp": STAMP, "nonce": NONCE}),
        push(b"\xff", {}),
    ):
        with pytest.raises(Forged):
            INBOUND.verify(wrong)
    for bare in ({}, {"push_token": TOKEN}, {"push_token": TOKEN, "encoding_aes_key": "short"}):
        with pytest.raises(Forged):
            WechatInbound(replace(WECHATSHOP, sealed=bare)).verify(pushed(event()))


def test_our_address_is_shown_to_the_platform_alone() -> None:
    query = {"signature": WX_1, "timestamp": STAMP, "nonce": NONCE, "echostr": "4375120948345356249"}
    assert isinstance(INBOUND, Greeter)
    assert INBOUND.greet(query) == "4375120948345356249"
    with pytest.raises(Forged):
        INBOUND.greet({**query, "signature": WX_2})


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_of_an_order_hints_at_it(name: str) -> None:
    arrived = pushed(event(name))
    INBOUND.verify(arrived)
    seen = INBOUND.parse(arrived)
    at = NOW - timedelta(seconds=4)
    assert seen.observations == (OrderHinted("wechatshop", "wx1", NO, EVENTS[name], at),)
    assert seen.sent_at == at
    assert INBOUND.parse(pushed(event(name))).key == seen.key, "however it is sealed, it says the same"


def test_an_event_of_a_case_hints_at_both() -> None:
    told = {"status": "USER_CANCELD", "after_sale_order_id": "88", "order_id": NO}
    arrived = pushed(event("channels_ec_aftersale_update", finder_shop_aftersale_status_update=told))
    order, case = INBOUND.parse(arrived).observations
    at = NOW - timedelta(seconds=4)
    assert order == OrderHinted("wechatshop", "wx1", NO, ChannelStatus.UNMAPPED, at)
    assert case == CaseHinted("wechatshop", "wx1", "88", NO, at)


def test_other_events_are_kept() -> None:
    assert INBOUND.parse(pushed(event("channels_ec_stock_no_enough", sku_id="1"))).observations == ()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "is not an object"),
        (event(x=1), "names no order_id"),
        (event(order_info={"order_id": "李小明"}), "order_id has characters"),
        (event() | {"CreateTime": -1}, "CreateTime is below 0"),
        (event() | {"CreateTime": 10**13}, "CreateTime is above"),
    ],
)
def test_a_bad_message_names_its_fault(told: Any, words: str) -> None:
    arrived = pushed(told)
    INBOUND.verify(arrived)
    with pytest.raises(Unparsable) as caught:
        INBOUND.parse(arrived)
    assert words in caught.value.reason
    assert "李小明" not in caught.value.reason


def test_the_answers_are_in_the_platforms_words() -> None:
    for outcome in (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.UNPARSABLE):
        answer = INBOUND.answer(outcome, "why", NOW)
        assert (answer.status, answer.body) == (200, b"success")
    assert INBOUND.answer(Outcome.FORGED, "why", NOW).status == 401
