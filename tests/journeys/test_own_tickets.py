"""The simulated own shop tells what its buyers say, each message twice; on the board each is once (EXC-4)."""

import asyncio

from store.reads.service import ServiceReads
from tests.journeys.test_hints import SECONDS, Town, town

__all__ = ["town"]


async def told(town: Town, **message: object) -> None:
    """Let a buyer say something, and wait until the gateway has answered every copy."""
    answer = await town.http.post("http://shop/sim/complain", json=message)
    assert answer.status_code == 200, answer.text
    until = asyncio.get_running_loop().time() + SECONDS
    await asyncio.sleep(0)
    while town.world.tally.webhooks < town_messages(town) or town.world.tally.undelivered:
        assert asyncio.get_running_loop().time() < until, town.world.tally.refusals
        await asyncio.sleep(0.01)


def town_messages(town: Town) -> int:
    """How many messages the shop was told to send."""
    return int(town.world.own.counts["complaints"])


async def test_a_conversation_at_the_own_shop_is_one_ticket_whatever_the_wire_does(town: Town) -> None:
    first = {"ticket_no": "TK1", "order_no": "D404", "contact": "李四 13900139000", "photos": ["https://shop/1.jpg"]}
    await told(town, **first)
    await told(town, **first)
    await told(town, ticket_no="TK1", message_no="2", words="还没有人回复我", order_no="D404")
    await town.apply()
    (row,) = await town.rows("SELECT * FROM ticket")
    assert (row.source, row.kind, row.named_order, row.order_key) == ("shop", "complaint", "D404", "")
    page = await ServiceReads(town.database, town.ring).ticket(row.no)
    assert page is not None
    assert [words for _, words in page.log] == ["收到的商品有破损，请尽快处理。", "还没有人回复我"]
    assert [page.beside[entry.id].contact for entry, _ in page.log] == ["李四 13900139000", ""]
    assert town.world.tally.faults["duplicated"] >= 2
    assert town.world.tally.refusals == []


async def test_what_the_shop_writes_wrongly_is_refused_in_words_and_kept(town: Town) -> None:
    await told(town, ticket_no="TK 1")
    assert "ticket.ticket_no has characters or a form" in town.world.tally.refusals[0]["error"]
    assert {row.state for row in await town.rows("SELECT state FROM inbox")} == {"unparsable"}
