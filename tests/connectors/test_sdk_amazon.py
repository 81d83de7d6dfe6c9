"""Amazon's own client reads what our simulated Amazon says, and asks as we ask (issue 9, acceptance 2).

The platform signs nothing: what can be compared is the names of everything, what must be there, and how a token is
asked for. `make check-sdks` brings the client.
"""

import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.observations import OrderObserved
from domain.pulling import Window
from tests.connectors import amazon_answers
from tests.connectors.worlds import NOW, Stranger
from tests.simulator.test_amazon import Street

pytestmark = pytest.mark.sdk
ORDERS, ORDERS_V0 = "spapi.models.orders_v2026_01_01", "spapi.models.orders_v0"


def client(name: str) -> Any:
    return pytest.importorskip(name, reason="make check-sdks brings the client")


def configuration() -> Any:
    """Give settings without a token: nothing is sent from here."""
    settings = client("spapi.configuration").Configuration()
    settings.access_token_cache = None
    return settings


def official(raw: bytes, shape: str, models: str = ORDERS) -> Any:
    """Read a body with the platform's client: what it needs and is not there is a ValueError."""
    reader = client("spapi.api_client").ApiClient(configuration())
    reader.api_models_module = models
    return reader.deserialize(SimpleNamespace(data=raw), shape)


def unknown(told: Any, model: Any, path: str = "") -> Iterator[str]:
    """Name every field of a body that the platform's client does not know."""
    if isinstance(told, list):
        for n, (one, its) in enumerate(zip(told, model, strict=True)):
            yield from unknown(one, its, f"{path}[{n}]")
    elif isinstance(told, dict) and hasattr(model, "attribute_map"):
        attribute = {name: inner for inner, name in model.attribute_map.items()}
        for name, one in told.items():
            if name not in attribute:
                yield f"{path}.{name}"
            else:
                yield from unknown(one, getattr(model, attribute[name]), f"{path}.{name}")


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    opened = Street(6)
    yield opened
    await opened.world.stop()


async def test_the_platforms_client_reads_every_answer_of_the_simulated_one(street: Street) -> None:
    orders = street.buy()
    page = await street.shop.pull(street.window, "")
    listed = official(page.raw, "SearchOrdersResponse")
    assert list(unknown(json.loads(page.raw), listed)) == []
    assert {one.order_id for one in listed.orders} == {one.plan.no for one in orders}
    seen = {one.no: one for one in page.observations if isinstance(one, OrderObserved)}
    for order in listed.orders:
        ours = seen[order.order_id]
        assert float(order.proceeds.grand_total.amount) == ours.total_minor / 100
        assert sum(item.quantity_ordered for item in order.order_items) == sum(line.quantity for line in ours.lines)
    _, raw = await street.shop.read_order(orders[0].plan.no)
    assert list(unknown(json.loads(raw), official(raw, "GetOrderResponse"))) == []


def test_the_orders_of_our_tests_are_orders_to_the_platforms_client() -> None:
    raw = amazon_answers.listed(amazon_answers.order(), token="t1").content
    listed = official(raw, "SearchOrdersResponse")
    assert list(unknown(json.loads(raw), listed)) == []
    assert listed.pagination.next_token == "t1"
    for needed in ("orderId", "createdTime", "orderItems"):
        with pytest.raises(ValueError, match="must not be"):
            official(amazon_answers.listed(amazon_answers.order(**{needed: ...})).content, "SearchOrdersResponse")
    with pytest.raises(ValueError, match="orders"):
        official(b"{}", "SearchOrdersResponse")


async def test_we_ask_for_a_list_at_its_path_in_its_words() -> None:
    stranger = Stranger(amazon_answers.listed())
    await amazon_answers.platform(stranger).pull(Window(NOW, NOW), "next")
    asked: list[tuple[str, str, set[str]]] = []

    class Caught(client("spapi.api_client").ApiClient):  # type: ignore[misc]
        def call_api(self, path: str, method: str, _: Any, query: Any, *rest: Any, **more: Any) -> None:
            asked.append((path, method, {name for name, _ in query}))

    api = client("spapi.api.orders_v2026_01_01.search_orders_api").SearchOrdersApi(Caught(configuration()))
    api.search_orders(
        last_updated_after="x", last_updated_before="x", marketplace_ids=["x"], fulfilled_by=["x"],
        max_results_per_page=100, pagination_token="x", included_data=["x"],
    )  # fmt: skip
    (request,) = stranger.asked
    assert asked == [(request.url.path, request.method, set(request.url.params))]


async def test_a_shipment_is_told_in_its_words() -> None:
    stranger = Stranger(httpx.Response(204))
    lines = (ShippedLine("68828574383266", "TEE", 2),)
    notice = ShipmentNotice(amazon_answers.NO, "SF", "SF1", NOW, lines, True, "write_back:1")
    await amazon_answers.platform(stranger).write_back(notice)
    raw = stranger.asked[0].content
    told = official(raw, "ConfirmShipmentRequest", ORDERS_V0)
    assert list(unknown(json.loads(raw), told)) == []
    assert (told.package_detail.tracking_number, told.package_detail.order_items[0].quantity) == ("SF1", 2)


async def test_a_token_is_asked_for_as_its_client_asks() -> None:
    stranger = Stranger(amazon_answers.says({"access_token": "Atza|2", "expires_in": 3600}))
    await amazon_answers.platform(stranger).renew()
    shop = amazon_answers.AMAZON
    cache = client("spapi.auth.lwa_request").AccessTokenCache(shop.key_id, shop.secrets[0], "Atzr|1")
    told = cache.prepare_token_request_data(shop.key_id, shop.secrets[0], "Atzr|1", "refresh_token", None)
    assert dict(parse_qsl(stranger.asked[0].content.decode())) == told
