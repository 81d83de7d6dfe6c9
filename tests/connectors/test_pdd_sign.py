"""Pinduoduo's signatures in both directions (platform_vectors.json: PDD-1, PDD-2, PDD-PMC-1)."""

import json
from datetime import UTC, datetime

import pytest

from connectors.platforms.pdd_sign import message_path, sign
from simulator.platforms import pdd_wire as wire
from tests.connectors.pdd_answers import NO, PDD, asked, detail, platform
from tests.connectors.worlds import NOW, Stranger

PDD_1 = {
    "access_token": "asd78172s8ds9a921j9qqwda12312w1w21211",
    "client_id": "1",
    "data_type": "XML",
    "order_status": "1",
    "page": "1",
    "page_size": "10",
    "timestamp": "1480411125",
    "type": "pdd.order.number.list.get",
}
PDD_2 = {
    "client_id": "test-client",
    "data_type": "JSON",
    "logistics_id": "9",
    "order_sn": "240101-1",
    "order_state": "1",
    "timestamp": "1720000000",
    "type": "pdd.erp.order.sync",
    "version": "V1",
    "waybill_no": "SF123",
}
VECTORS = [
    (PDD_1, "testSecret", "E4DE3ED21002510DED352819E7AE6775"),
    (PDD_2, "test-secret", "CC0F30530BBAC3FD67608391D61E370C"),
]
PMC = "OTgxODMwNDI2NWZiN2NiNzA2NzIxOTI0ZjJlMDMxMjE%3D"


@pytest.mark.parametrize(("params", "secret", "digest"), VECTORS)
def test_the_published_digests_are_made_on_both_sides(params: dict[str, str], secret: str, digest: str) -> None:
    for signed in (params, {**params, "empty": "", "sign": "X"}):
        assert sign(signed, secret) == wire.sign(signed, secret) == digest
    for name in params:
        assert sign({**params, name: params[name] + "x"}, secret) != digest


def test_the_platform_takes_the_published_call_and_no_flipped_bit() -> None:
    params, secret, digest = VECTORS[1]
    at, secrets = datetime.fromtimestamp(1_720_000_000, UTC), {"test-client": secret}
    body = json.dumps({**params, "sign": digest}).encode()
    assert wire.verify(secrets, body, at)["waybill_no"] == "SF123"
    for wrong in (body.replace(b"SF123", b"SF122"), body.replace(b"CC0F", b"CC0E"), body.replace(b'"9"', b'"8"')):
        with pytest.raises(wire.PddError) as caught:
            wire.verify(secrets, wrong, at)
        assert caught.value.code == wire.SIGN
    with pytest.raises(wire.PddError) as caught:
        wire.verify(secrets, body, datetime.fromtimestamp(1_720_000_601, UTC))
    assert caught.value.code == wire.PUBLIC_PARAM


def test_the_address_of_the_messages_is_as_an_open_client_makes_it() -> None:
    assert message_path("app", "secret", "1700000000000") == f"/message/app/1700000000000/{PMC}"
    shown, at = wire.proof("app", "1700000000000", "secret"), datetime.fromtimestamp(1_700_000_000, UTC)
    assert shown == PMC.replace("%3D", "=")
    assert wire.may_listen({"app": "secret"}, "app", "1700000000000", shown, at)
    assert not wire.may_listen({"app": "secret"}, "app", "1700000000001", shown, at)
    assert not wire.may_listen({"app": "other"}, "app", "1700000000000", shown, at)


async def test_what_we_send_the_platform_takes() -> None:
    stranger = Stranger(detail())
    await platform(stranger).read_order(NO)
    (request,) = stranger.asked
    assert str(request.url) == "http://pdd.example/api/router"
    taken = wire.verify({"app": "secret"}, request.content, NOW)
    assert taken == asked(stranger)
    wanted = {
        "type": "pdd.order.information.get",
        "access_token": "access-1",
        "timestamp": "1795354200",
        "order_sn": NO,
    }
    assert {name: taken[name] for name in wanted} == wanted
    assert PDD.secrets[0] not in request.content.decode()
