"""Shopee's signatures in both directions (platform_vectors.json: SPE-1, SPE-2, SPE-PUSH)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors import registry
from connectors.platforms.shopee_push import ShopeeInbound
from connectors.platforms.shopee_sign import push_sign, sign
from domain.errors import Forged
from domain.shops import Token
from simulator.platforms import shopee_wire as wire
from tests.connectors.shopee_answers import CALLBACK, KEY, NO, OLD_KEY, SHOPEE, asked, detail, message, platform, pushed
from tests.connectors.worlds import NOW, Stranger, push

LIST, TOKEN = "/api/v2/order/get_order_list", "/api/v2/auth/token/get"
SPE_1 = "be95c274cc436c65bc96e1245c9deb7e903f2d4a97380f4bd58d27d437962e5d"
SPE_2 = "041e66493bc087a4da882430decb33226e3ba28786662ec972a0926f82e3ed11"
SPE_PUSH = "a565881aa1a18bb6f1296283927d830a214998684b394f6935e91865dbc269b8"
PUSHED = (
    b'{"data":{"items":[],"ordersn":"220810QSK8S7BX","status":"PROCESSED","completed_scenario":"",'
    b'"update_time":1660123127},"shop_id":727720655,"code":3,"timestamp":1660123127}'
)
QUERY = {
    "partner_id": "2000001",
    "timestamp": "1700000000",
    "access_token": "4c7259534969484e",
    "shop_id": "600000",
    "sign": SPE_1,
}
AT = datetime.fromtimestamp(1_700_000_000, UTC)


def test_the_known_digests_are_made_on_both_sides() -> None:
    assert sign(KEY, "2000001", LIST, "1700000000", "4c7259534969484e600000") == SPE_1
    assert sign(KEY, "2000001", TOKEN, "1700000000") == SPE_2
    assert wire.sign(KEY, LIST, QUERY, public=False) == SPE_1
    assert wire.sign(KEY, TOKEN, QUERY, public=True) == SPE_2
    assert push_sign(KEY, CALLBACK, PUSHED) == wire.push_sign(KEY, CALLBACK, PUSHED) == SPE_PUSH


@pytest.mark.parametrize(
    "changed",
    [{"sign": "0" + SPE_1[1:]}, {"shop_id": "600001"}, {"access_token": "4c"}, {"timestamp": "1700000001"}],
)
def test_the_platform_takes_the_known_call_and_no_flipped_bit(changed: dict[str, str]) -> None:
    wire.verify({"2000001": KEY}, LIST, QUERY, AT, public=False)
    with pytest.raises(wire.ShopeeError) as caught:
        wire.verify({"2000001": KEY}, LIST, {**QUERY, **changed}, AT, public=False)
    assert caught.value.word == wire.SIGN
    with pytest.raises(wire.ShopeeError, match="Timestamp is expired"):
        wire.verify({"2000001": KEY}, LIST, QUERY, AT + timedelta(seconds=301), public=False)


async def test_what_we_send_the_platform_takes() -> None:
    stranger = Stranger(detail(pay_time=None))
    await platform(stranger).read_order(NO)
    path, query = asked(stranger)
    assert str(stranger.asked[0].url).startswith("http://shopee.example/api/v2/order/get_order_detail?")
    wire.verify({"2000001": KEY}, path, query, NOW, public=False)
    assert KEY not in str(stranger.asked[0].url)


def test_a_push_counts_with_either_key_and_with_no_other_address_or_body() -> None:
    """INT-14: while keys rotate both count."""
    inbound = ShopeeInbound(SHOPEE)
    inbound.verify(push(PUSHED, headers={"authorization": SPE_PUSH}))
    inbound.verify(pushed(message(), OLD_KEY))
    wrong = [
        push(PUSHED, headers={"authorization": "0" + SPE_PUSH[1:]}),
        push(PUSHED.replace(b"PROCESSED", b"PROCESSEE"), headers={"authorization": SPE_PUSH}),
        pushed(message(), "another-key"),
        pushed(message(), url=CALLBACK + "/"),
        push(PUSHED),
        push(PUSHED, headers={"authorization": "é"}),
    ]
    for one in wrong:
        with pytest.raises(Forged):
            inbound.verify(one)


def test_a_shop_without_a_key_takes_nothing() -> None:
    bare = replace(SHOPEE, secrets=("",), token=Token("x"))
    with pytest.raises(Forged):
        registry.inbound(bare).verify(pushed(message(), ""))
