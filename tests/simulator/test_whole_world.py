"""Whole worlds with a stand-in for the order system: they finish, and their books tell what happened."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.simulator.erp import Erp, config, create_xml, qimen_params, until

Open = Callable[..., Erp]


async def finish(erp: Erp) -> dict[str, Any]:
    """Start, wait until the world is finished and every message has its answer, and give the books."""
    await erp.client.post("/sim/start")
    world = erp.world
    await until(lambda: world.finished() and world.tally.undelivered == 0)
    books = await erp.books()
    assert books["finished"] is True
    assert "broken_actors" not in books["faults"]
    return books


def shipped_units(books: dict[str, Any]) -> Counter[str]:
    units: Counter[str] = Counter()
    for fulfilment in books["warehouse"].values():
        units.update(fulfilment["units"])
    return units


async def test_a_world_of_five_orders_finishes(erp_for: Open) -> None:
    erp = erp_for(config(count=5))
    books = await finish(erp)
    orders = books["orders"]
    assert len(orders) == 5
    assert all(o["status"] == "paid" and o["accepted"] and o["fate"] == "paid" for o in orders.values())
    assert books["sum_minor"] == sum(o["total_minor"] for o in orders.values())
    assert books["file_sum_minor"] is None
    assert len(books["parcels"]) == 5
    assert all(p["signed_at"] and p["subscribed"] for p in books["parcels"].values())
    assert {no: sum(told.values()) for no, told in books["shop_told"].items()} == dict.fromkeys(orders, 1)
    at_start = {one["sku"]: one["on_hand"] for one in (await erp.client.get("/sim/catalogue")).json()}
    left = Counter(at_start)
    left.subtract(shipped_units(books))
    assert books["on_hand"] == dict(left)
    for body in erp.bodies.values():
        goods = sum(line["amount_minor"] for line in body["lines"])
        off = body["shop_discount_minor"] + body["platform_discount_minor"]
        assert body["goods_minor"] == goods
        assert body["total_minor"] == goods - off + body["freight_minor"]
        assert body["paid_minor"] == (body["total_minor"] if body["status"] == "paid" else 0)


async def test_an_outage_of_the_gateway_loses_nothing(erp_for: Open) -> None:
    books = await finish(erp_for(config(count=3, retry_longest=0.1), fails_first=25))
    assert books["faults"]["retried"] >= 25
    assert all(order["accepted"] for order in books["orders"].values())


async def test_repeated_messages_keep_their_event_and_a_late_first_comes_second(erp_for: Open) -> None:
    erp = erp_for(config(count=3, duplicate_share=1, reorder_share=1))
    books = await finish(erp)
    assert all(2 <= times <= 3 for times in erp.seen.values())
    for no in books["orders"]:
        mine = [event for event in erp.seen if event.startswith(no)]
        assert sorted(erp.bodies[event]["status"] for event in mine) == ["paid", "unpaid"]
        first = next(status for number, status in erp.events if number == no)
        assert first == "paid"
        by_status = {erp.bodies[event]["status"]: erp.bodies[event]["updated_at"] for event in mine}
        assert by_status["unpaid"] < by_status["paid"]
    assert all(one["shipments"] == 1 for one in books["warehouse"].values())


async def test_a_world_of_hints_finishes_for_a_system_that_asks(erp_for: Open) -> None:
    erp = erp_for(config(count=4, hint_share=1, unpaid_first=1))
    books = await finish(erp)
    assert [sorted(one) for one in erp.hints] == [["no", "status", "updated_at"]] * 8
    assert books["faults"]["shop_orders_read"] == 8
    assert all(order["accepted"] and order["status"] == "paid" for order in books["orders"].values())
    for no in books["orders"]:
        assert sorted(one["status"] for one in erp.hints if one["no"] == no) == ["paid", "unpaid"]
        assert books["shop_told"][no]


async def test_the_seed_decides_which_messages_are_hints(erp_for: Open) -> None:
    runs = []
    for _ in range(2):
        erp = erp_for(config(count=12, hint_share=0.5, unpaid_first=1, pay_delay=0))
        await finish(erp)
        runs.append(sorted((one["no"], one["status"]) for one in erp.hints))
    assert runs[0] == runs[1]
    assert 0 < len(runs[0]) < 24


async def test_buyers_who_cancel_say_so_with_their_money(erp_for: Open) -> None:
    erp = erp_for(config(count=6, cancel_paid_share=1, cancel_within=0.05))
    books = await finish(erp)
    for order in books["orders"].values():
        assert order["status"] == order["fate"] == "refunded"
        assert order["refunded_minor"] == order["paid_minor"] == order["total_minor"]


async def test_a_dead_push_leaves_only_the_query(erp_for: Open) -> None:
    erp = erp_for(config(count=2, push_dead=["courier"]))
    books = await finish(erp)
    assert erp.pushes == {}
    assert all(parcel["signed_at"] and parcel["subscribed"] for parcel in books["parcels"].values())


async def test_a_refused_message_is_written_down_and_not_repeated(erp_for: Open) -> None:
    erp = erp_for(config(count=1, unpaid_first=0))
    erp.refuses = True
    books = await finish(erp)
    order = next(iter(books["orders"].values()))
    assert (order["messages_sent"], order["accepted"]) == (1, False)
    assert books["refusals"][0]["status"] == 422
    assert books["faults"]["shop_refused"] == 1


@pytest.mark.parametrize("mode", ["error", "refuse"])
async def test_an_outage_begins_and_ends(erp_for: Open, mode: str) -> None:
    erp = erp_for(config())
    await erp.client.post("/sim/outage", json={"target": "courier", "mode": mode, "seconds": 0.3})
    answers: list[int] = []
    for path in ("/api/dist", "/Ebusiness/EbusinessOrderHandle.aspx", "/router/qimen/service"):
        answers.append((await erp.client.post(path)).status_code)
    assert answers == [503, 503, 200] if mode == "error" else [502, 502, 200]
    await until(lambda: erp.world.faults.outage("courier") is None)
    assert (await erp.client.post("/api/dist")).status_code == 200


async def test_a_hanging_vendor_waits_until_the_caller_gives_up(erp_for: Open) -> None:
    erp = erp_for(config())
    await erp.client.post("/sim/outage", json={"target": "wms", "mode": "hang", "seconds": 60})
    sent: list[object] = []
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/router/qimen/service",
        "headers": [],
        "query_string": b"",
    }
    await erp.app(scope, receive, send)
    assert sent == []
    assert (await erp.books())["faults"]["wms_hang"] == 1


async def test_a_lost_answer_comes_after_the_work(erp_for: Open) -> None:
    erp = erp_for(config(lost_answer_share=1))
    response = await erp.client.post("/router/qimen/service")
    assert response.status_code == 503
    faults = (await erp.books())["faults"]
    assert faults["wms_lost_answer"] == 1
    assert faults["wms_answered_isv.missing-parameter"] == 1


async def test_random_errors_delay_but_the_stand_in_sees_them(erp_for: Open) -> None:
    erp = erp_for(config(error_share=1))
    with pytest.raises(httpx.HTTPStatusError):
        (await erp.client.post("/api/dist")).raise_for_status()


async def test_the_planted_lies_are_in_the_books(erp_for: Open) -> None:
    lost = await finish(erp_for(config(count=4, plant="lost")))
    assert len(lost["orders"]) == 4
    assert all(order["accepted"] for order in lost["orders"].values())
    assert len(lost["warehouse"]) == 3

    doubled = await finish(erp_for(config(count=4, plant="doubled")))
    assert sorted(one["shipments"] for one in doubled["warehouse"].values()) == [1, 1, 1, 2]

    erp = erp_for(config(count=4, plant="oversold"))
    oversold = await finish(erp)
    ordered = Counter[str]()
    for order in oversold["orders"].values():
        ordered.update({line["sku"]: line["quantity"] for line in order["lines"]})
    assert sum((shipped_units(oversold) - ordered).values()) == 1


async def test_no_new_buyers_after_stop_new(erp_for: Open) -> None:
    erp = erp_for(config(count=1000))
    await erp.client.post("/sim/start")
    await until(lambda: len(erp.world.shop.orders) >= 2)
    await erp.client.post("/sim/stop-new")
    await until(lambda: erp.world.finished() and erp.world.tally.undelivered == 0)
    assert len(erp.world.shop.orders) < 1000


async def settled(erp: Erp) -> dict[str, Any]:
    """Start, wait until every fulfilment has left and every message has its answer, and give the books."""
    await erp.client.post("/sim/start")
    world = erp.world

    def done() -> bool:
        fulfilments = world.warehouse.fulfilments.values()
        return len(fulfilments) == len(world.plan.orders) and world.finished() and world.tally.undelivered == 0

    await until(done)
    return await erp.books()


async def test_of_twenty_confirms_one_never_comes_and_asking_tells_it(erp_for: Open) -> None:
    """INT-17: the goods have left and the order system was not told."""
    erp = erp_for(config(count=20, confirm_lost_share=0.05))
    books = await settled(erp)
    assert books["faults"]["confirms_lost"] == 1
    await until(lambda: len(erp.confirms) == 19)
    heard = {root.findtext("deliveryOrder/deliveryOrderCode") for root in erp.confirms}
    (lost,) = set(books["warehouse"]) - heard
    body = f"<request><orderCode>{lost}</orderCode></request>".encode()
    answer = await erp.qimen("deliveryorder.query", body)
    assert answer.findtext("deliveryOrder/status") == "DELIVERED"
    assert answer.findtext("packages/package/expressCode") == books["warehouse"][lost]["waybills"][0]


async def test_of_twenty_signatures_one_is_never_pushed(erp_for: Open) -> None:
    erp = erp_for(config(count=20, signature_lost_share=0.05))
    books = await settled(erp)
    assert books["faults"]["signatures_lost"] == 1
    await until(lambda: sum(pushes[-1]["State"] == "3" for pushes in erp.pushes.values()) == 19)
    assert all(parcel["signed_at"] for parcel in books["parcels"].values())


async def test_reports_and_pushes_may_be_overtaken_by_the_next_and_none_is_lost(erp_for: Open) -> None:
    erp = erp_for(config(count=5, reorder_share=0.5, unpaid_first=0))
    books = await settled(erp)
    stages = ["ACCEPT", "PRINT", "PICK", "CHECK", "PACKAGE", "WEIGH"]
    await until(lambda: all(sorted(told) == sorted(stages) for told in erp.stages.values()))
    assert any(told != stages for told in erp.stages.values())
    assert 5 < books["faults"]["reordered"] <= books["webhooks"] / 2


@pytest.mark.parametrize("done", [False, True])
async def test_a_call_may_hang_until_the_caller_gives_up_and_be_carried_out_all_the_same(
    erp_for: Open, done: bool
) -> None:
    hang = {"target": "wms", "call": 2, "about": "deliveryorder.create", "done": done}
    erp = erp_for(config(hangs=[hang]))
    await erp.qimen("inventory.query", b"<request/>")
    await erp.qimen("deliveryorder.create", create_xml("F1", {"TEE-WHITE-M": 1}))
    body = create_xml("F2", {"TEE-WHITE-M": 1})
    sent: list[object] = []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    query = urlencode(qimen_params("deliveryorder.create", body)).encode()
    scope = {"type": "http", "method": "POST", "path": "/router/qimen/service", "headers": [], "query_string": query}
    await erp.app(scope, receive, send)
    assert sent == [], "the caller hears nothing"
    books = await erp.books()
    assert set(books["warehouse"]) == ({"F1", "F2"} if done else {"F1"})
    assert books["faults"]["wms_done_unanswered" if done else "wms_unanswered"] == 1
    again = await erp.qimen("deliveryorder.create", body)
    assert again.findtext("flag") == "success", "the next call is answered"


async def test_an_outage_may_begin_with_a_call_which_is_sure_to_meet_it(erp_for: Open) -> None:
    outage = {"target": "wms", "mode": "error", "seconds": 60, "call": 3}
    erp = erp_for(config(outages=[outage], count=0))
    await erp.client.post("/sim/start")
    answers = [(await erp.client.post("/router/qimen/service")).status_code for _ in range(4)]
    assert answers == [200, 200, 503, 503]
    assert (await erp.client.post("/api/dist")).status_code == 200, "nobody else is down"
    assert (await erp.books())["faults"]["wms_outage_calls"] == 2


async def test_the_warehouse_system_says_when_it_is_called_too_often(erp_for: Open) -> None:
    erp = erp_for(config(limit_share=0.05))
    answers = [await erp.qimen("deliveryorder.create", create_xml("F1", {"TEE-WHITE-M": 1})) for _ in range(20)]
    limited = [one for one in answers if one.tag == "error_response"]
    assert [one.findtext("code") for one in limited] == ["7"]
    assert (await erp.books())["faults"]["wms_limited"] == 1


async def test_the_books_say_in_which_phase_a_buyer_called_off(erp_for: Open) -> None:
    erp = erp_for(config(count=20, cancel_unpaid_share=0.05, cancel_paid_share=0.35, cancel_within=0.01, wms_step=0.05))
    books = await finish(erp)
    phases = Counter(one["ended_at"] for one in books["orders"].values())
    assert phases[""] == 12
    assert phases["UNPAID"] == 1
    assert phases["SHIPPED"] == 1
    assert set(phases) == {"", "UNPAID", "PAID", "ACCEPT", "PRINT", "PICK", "CHECK", "PACKAGE", "SHIPPED"}


async def test_progress_says_the_same_as_the_books_in_figures(erp_for: Open) -> None:
    erp = erp_for(config(count=4))
    before = (await erp.client.get("/sim/progress")).json()
    assert (before["planned"], before["sent"], before["acted"], before["finished"]) == (4, 0, False, False)
    books = await finish(erp)
    there = (await erp.client.get("/sim/progress")).json()
    assert (there["planned"], there["sent"], there["acted"], there["finished"]) == (4, 4, True, True)
    assert there["signed"] == len(books["parcels"])
    assert there["faults"] == books["faults"]


async def test_with_so_many_at_once_the_next_buyer_waits_for_a_parcel_to_arrive(erp_for: Open) -> None:
    world = config(count=6)
    erp = erp_for(world.model_copy(update={"orders": world.orders.model_copy(update={"at_once": 2})}))
    most = 0
    await erp.client.post("/sim/start")

    def over() -> bool:
        nonlocal most
        most = max(most, len(erp.world.shop.orders) - erp.world.signed())
        return erp.world.finished()

    await until(over)
    assert most == 2
    assert len(erp.world.shop.orders) == 6
