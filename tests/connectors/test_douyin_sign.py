"""Douyin signatures: the known vectors (DY-1, DY-2, DY-PUSH) in both directions, and an independent client."""

import hashlib
import hmac
import json
from dataclasses import replace

import httpx
import pytest
from doudian import AppType, DouDian

from connectors.inbound import Push
from connectors.platforms.douyin_push import DouyinInbound
from connectors.platforms.douyin_sign import canonical, event_sign, sign
from domain.errors import Broken, Forged
from tests.connectors.douyin_answers import APP_KEY, DOUYIN, NO, SECRET, asked, detail, message, platform, pushed
from tests.connectors.worlds import Stranger, push

LIST_ASKED = {
    "size": 50,
    "page": 0,
    "product": "羊毛<衫>&帽",
    "update_time_start": 1700000000,
    "update_time_end": 1700003600,
    "order_by": "update_time",
    "order_asc": True,
}
LIST_TEXT = (
    '{"order_asc":true,"order_by":"update_time","page":0,"product":"羊毛<衫>&帽","size":50,'
    '"update_time_end":1700003600,"update_time_start":1700000000}'
)
DETAIL_TEXT = '{"shop_order_id":"4781320682406083640"}'
VECTORS = [
    ("order.searchList", LIST_TEXT, "67551074793316d6f846e6741c019de44290013c4dfb3f37774c92d060d6a33c"),
    ("order.orderDetail", DETAIL_TEXT, "8ae5123f6ae9e4847d80948a43364c2072424c4dd24dfa6f7a2488ece6239eb1"),
]
PUSH = (
    b'[{"tag":"101","msg_id":"7312345678901234567","data":"{\\"p_id\\":4781320682406083640,\\"shop_id\\":1111111,'
    b'\\"order_status\\":2,\\"pay_time\\":1700003600}"}]'
)
PUSH_SIGN = "9841470a8ed1fa483095ea349f6ed5d0"
SDK = DouDian(APP_KEY, SECRET, AppType.TOOL)


@pytest.mark.parametrize(("method", "text", "wanted"), VECTORS, ids=["DY-1", "DY-2"])
def test_we_sign_what_the_platform_signs(method: str, text: str, wanted: str) -> None:
    assert sign(APP_KEY, SECRET, method, text, "1700003600") == wanted


@pytest.mark.parametrize(("method", "text", "wanted"), VECTORS, ids=["DY-1", "DY-2"])
def test_a_flipped_bit_another_key_or_time_signs_otherwise(method: str, text: str, wanted: str) -> None:
    flipped = chr(ord(text[-2]) ^ 1).join((text[:-2], text[-1]))
    others = [
        sign(APP_KEY, SECRET, method, flipped, "1700003600"),
        sign(APP_KEY, SECRET + "x", method, text, "1700003600"),
        sign(APP_KEY, SECRET, method, text, "1700003601"),
        sign(APP_KEY, SECRET, method + "s", text, "1700003600"),
        sign(APP_KEY + "0", SECRET, method, text, "1700003600"),
    ]
    assert wanted not in others
    assert len(set(others)) == len(others)


def test_the_canonical_form_is_sorted_at_every_depth_and_escapes_nothing() -> None:
    assert canonical(LIST_ASKED) == LIST_TEXT
    assert canonical({"b": [{"z": 1, "a": "/&<>"}], "a": True}) == '{"a":true,"b":[{"a":"/&<>","z":1}]}'


@pytest.mark.parametrize("method", ["order.searchList", "token.refresh"])
def test_an_independent_client_signs_the_same_texts_alike(method: str) -> None:
    assert SDK._sign(method, LIST_TEXT, "1700003600") == sign(APP_KEY, SECRET, method, LIST_TEXT, "1700003600")


def test_an_independent_client_that_escapes_signs_another_text() -> None:
    # It agrees with itself, for it sends what it signs; we must not take its text for the canonical one.
    escaped = json.dumps(LIST_ASKED, sort_keys=True, separators=(",", ":"))
    assert escaped != LIST_TEXT
    theirs = SDK._sign("order.searchList", escaped, "1700003600")
    assert theirs == sign(APP_KEY, SECRET, "order.searchList", escaped, "1700003600") != VECTORS[0][2]


async def test_exactly_the_signed_bytes_are_sent() -> None:
    stranger = Stranger(detail())
    await platform(stranger).read_order(NO)
    request = stranger.asked[0]
    path, query, _ = asked(request)
    assert (request.method, path, request.headers["content-type"]) == ("POST", "/order/orderDetail", "application/json")
    assert request.content.decode() == DETAIL_TEXT
    given = query.pop("sign")
    assert query == {
        "app_key": APP_KEY,
        "method": "order.orderDetail",
        "access_token": "access-1",
        "timestamp": "1795354200",
        "v": "2",
        "sign_method": "hmac-sha256",
    }
    names = ("app_key", "method", "timestamp", "v")
    parts = {**{name: query[name] for name in names}, "param_json": DETAIL_TEXT}
    text = SECRET + "".join(name + parts[name] for name in sorted(parts)) + SECRET
    assert given == hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert given == SDK._sign("order.orderDetail", DETAIL_TEXT, "1795354200")


def published(body: bytes = PUSH, given: str = PUSH_SIGN, app: str = APP_KEY) -> Push:
    return push(body, headers={"app-id": app, "event-sign": given})


def test_a_published_push_is_accepted_and_so_is_one_of_the_independent_client() -> None:
    assert event_sign(APP_KEY, SECRET, PUSH) == PUSH_SIGN
    DouyinInbound(DOUYIN).verify(published())
    assert SDK.callback(dict(published().headers), PUSH) == json.loads(PUSH)
    ours = pushed([message()])
    DouyinInbound(DOUYIN).verify(ours)
    assert SDK.callback(dict(ours.headers), ours.body) == [message()]


@pytest.mark.parametrize(
    ("arrived", "reason"),
    [
        (published(PUSH.replace(b"640", b"641")), "event-sign does not fit"),
        (published(PUSH + b" "), "event-sign does not fit"),
        (published(PUSH.replace(b",", b", ")), "event-sign does not fit"),
        (published(given=PUSH_SIGN.upper()), "event-sign does not fit"),
        (published(given="8" + PUSH_SIGN[1:]), "event-sign does not fit"),
        (published(given="签"), "event-sign does not fit"),
        (published(given=""), "header missing: event-sign"),
        (published(app="6839996111100003001"), "app-id is not the app key"),
        (pushed([message()], app="1"), "app-id is not the app key"),
        (pushed([message()], secret="another"), "event-sign does not fit"),
        (pushed([message()], secret=""), "event-sign does not fit"),
        (push(PUSH), "header missing: app-id, event-sign"),
    ],
)
def test_a_push_that_cannot_be_verified_says_why(arrived: Push, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        DouyinInbound(DOUYIN).verify(arrived)


async def test_a_call_without_token_is_not_made() -> None:
    stranger = Stranger(httpx.Response(200))
    with pytest.raises(Broken, match="has no access token: oms shop token douyin dy1"):
        await platform(stranger, replace(DOUYIN, token=None)).read_order(NO)
    assert stranger.asked == []
