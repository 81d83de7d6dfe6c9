"""TOP signatures: the known ones, those of another client, and that every call of ours carries one.

Vectors: TOP-1 and TOP-2 (published), TOP-3-hmac and TOP-3-hmac-sha256, TMC-1 of the protocol facts.
"""

from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from taobao_open.api.base import sign as sdk_sign

from connectors.top_sign import SIGNERS, sign
from domain.errors import Broken
from domain.shops import Shop
from tests.connectors.taobao_answers import TID, asked, detail, taobao
from tests.connectors.worlds import TAOBAO, Stranger

TOP_1 = {
    "method": "taobao.user.seller.get", "timestamp": "2013-05-06 13:52:03", "format": "xml", "app_key": "test",
    "v": "2.0", "fields": "nick", "sign_method": "md5", "session": "test",
}  # fmt: skip
TOP_2 = {
    "method": "taobao.item.seller.get", "app_key": "12345678", "session": "test", "timestamp": "2016-01-01 12:00:00",
    "format": "json", "v": "2.0", "sign_method": "md5", "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}  # fmt: skip
VECTORS = [
    (TOP_1, "test", "72CB4D809B375A54502C09360D879C64"),
    (TOP_2, "helloworld", "66987CB115214E59E6EC978214934FB8"),
    ({**TOP_2, "sign_method": "hmac"}, "helloworld", "D56D7858309C31B6251083A874D48273"),
    (
        {**TOP_2, "sign_method": "hmac-sha256"},
        "helloworld",
        "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
    ),
]


TMC_1 = "C86848D198760FA334AA309207C72ECD"
IDS = ["TOP-1", "TOP-2", "TOP-3-hmac", "TOP-3-hmac-sha256"]


@pytest.mark.parametrize(("params", "secret", "digest"), VECTORS, ids=IDS)
def test_we_sign_what_the_platform_documents(params: dict[str, str], secret: str, digest: str) -> None:
    assert sign(params, b"", secret) == digest
    assert sign({**params, "empty": "", "sign": "old"}, b"", secret) == digest


@pytest.mark.parametrize(("params", "secret", "digest"), VECTORS, ids=IDS)
def test_a_flipped_bit_another_name_or_another_key_signs_otherwise(
    params: dict[str, str], secret: str, digest: str
) -> None:
    for name, value in params.items():
        if name != "sign_method":
            flipped = value[:-1] + chr(ord(value[-1]) ^ 1)
            assert sign({**params, name: flipped}, b"", secret) != digest
    fewer = {name: value for name, value in params.items() if name != "fields"}
    assert sign({**fewer, "field": params["fields"]}, b"", secret) != digest
    assert sign(params, b"", secret[:-1] + chr(ord(secret[-1]) ^ 1)) != digest


def test_a_connection_for_messages_is_signed_by_the_same_algorithm() -> None:
    told = b"app_key12345678group_namedefaulttimestamp1700000000000"
    assert SIGNERS["md5"](b"helloworld", told).hex().upper() == TMC_1
    assert SIGNERS["md5"](b"helloworld", told[:-1] + b"1").hex().upper() != TMC_1


@pytest.mark.parametrize(("params", "secret", "digest"), VECTORS[:2])
def test_another_client_signs_the_same(params: dict[str, str], secret: str, digest: str) -> None:
    assert sdk_sign(secret, params) == sign(params, b"", secret) == digest


async def test_another_client_accepts_what_we_send() -> None:
    stranger = Stranger(detail())
    await taobao(stranger).read_order(TID)
    form = asked(stranger)
    given = form.pop("sign")
    assert sdk_sign(TAOBAO.secrets[0], form) == given


@pytest.mark.parametrize("method", ["hmac", "hmac-sha256"])
async def test_the_shop_chooses_the_algorithm(method: str) -> None:
    stranger = Stranger(detail())
    await taobao(stranger, replace(TAOBAO, params={"sign_method": method})).read_order(TID)
    form = asked(stranger)
    assert form["sign_method"] == method
    assert form["sign"] == sign(form, b"", TAOBAO.secrets[0])


async def test_every_call_carries_the_gateways_parameters_in_its_zone_and_form() -> None:
    stranger = Stranger(detail())
    await taobao(stranger).read_order(TID)
    request = stranger.asked[0]
    assert (request.method, str(request.url)) == ("POST", "http://top.example/router/rest")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded;charset=utf-8"
    form = dict(parse_qsl(request.content.decode()))
    assert {name: form[name] for name in ("method", "app_key", "session", "timestamp", "v", "format")} == {
        "method": "taobao.trade.fullinfo.get",
        "app_key": "12345678",
        "session": "session-1",
        "timestamp": "2026-11-22 21:30:00",  # GMT+8, half past one in the afternoon UTC (I-5)
        "v": "2.0",
        "format": "json",
    }


@pytest.mark.parametrize(
    ("shop", "words"),
    [
        (replace(TAOBAO, params={"sign_method": "sha1"}), "sign_method is none of md5, hmac, hmac-sha256"),
        (replace(TAOBAO, secrets=("",)), "shop flagship (taobao) has no secret: set one"),
        (replace(TAOBAO, token=None), "has no access token: oms shop token taobao flagship"),
    ],
)
async def test_a_shop_that_cannot_sign_asks_nothing(shop: Shop, words: str) -> None:
    stranger = Stranger(detail())
    with pytest.raises(Broken) as caught:
        await taobao(stranger, shop).read_order(TID)
    assert words in str(caught.value)
    assert stranger.asked == []
