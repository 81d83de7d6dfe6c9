"""Price protection and compensation: the buyer names an amount that the policy allows; English shows its words."""

import re

import httpx

from clients.portal.policy_words import PolicyWords, in_english
from domain.after_sales import Choice
from store import settings_docs
from store.settings_docs import Profile
from tests.clients.portal.conftest import field, told
from tests.store.case_world import CaseWorld

PRICE = "/portal/apply/price/check?n.1=1&reason=cheaper&amount=3.50"


async def _send(client: httpx.AsyncClient, path: str) -> httpx.Response:
    page = (await client.get(path)).text
    names = ("n.1", "amount", "reason", "nonce", "form")
    data = {name: field(page, name) for name in names} | {"words": ""}
    action = re.search(r'action="(/portal/apply/[^"]+/send)"', page)
    assert action, page
    return await client.post(action[1], data=data, files=[("photo", ("", b"", "application/octet-stream"))])


async def test_a_buyer_asks_for_the_difference_and_gets_what_was_approved(
    buyer: httpx.AsyncClient, world: CaseWorld
) -> None:
    """AFT-1: price protection names an amount; a person compares the prices, nobody sends anything back."""
    assert 'href="/portal/apply/price"' in (await buyer.get("/portal/apply")).text
    form = (await buyer.get("/portal/apply/price")).text
    assert 'name="amount" required' in form
    assert "最多 ¥20.00" in form
    page = (await buyer.get(PRICE)).text
    assert re.search(r'id="sum">¥3\.50<', page)
    assert "客服核对价格后退差价" in page
    answer = await _send(buyer, PRICE)
    no = answer.url.path.rsplit("/", 1)[1]
    await world.look(no)
    case = await world.case(no)
    assert (case.kind, case.wanted_minor, case.state) == ("price", 350, "review")
    assert (await world.decide(no, Choice.APPROVE)).taken
    await world.look(no)
    assert (await world.case(no)).granted_minor == 350


async def test_an_amount_that_is_none_or_too_much_is_told_before_anything_is_sent(buyer: httpx.AsyncClient) -> None:
    """AFT-7: never more than what is left of the order."""
    for given in ("", "0", "-1", "1.234", "abc", "%00"):
        answer = await buyer.get(f"/portal/apply/price/check?n.1=1&reason=cheaper&amount={given}")
        assert (answer.status_code, told(answer)) == (400, "请填写申请金额，例如 12.50。"), given
    answer = await buyer.get("/portal/apply/price/check?n.1=1&reason=cheaper&amount=20.01")
    assert "申请金额 20.01 超过可退金额 20.00" in answer.text
    assert "/send" not in answer.text


async def test_the_policy_says_for_what_there_is_compensation(buyer: httpx.AsyncClient) -> None:
    """AFT-2: the reasons that the policy allows can be chosen, the others say why not."""
    page = (await buyer.get("/portal/apply/compensation")).text
    assert re.search(r'value="missing" required>', page)
    assert re.search(r'value="no_reason" required disabled>', page)
    assert "补偿请选破损" in page


async def test_the_english_switch_shows_the_policys_english_words(buyer: httpx.AsyncClient, world: CaseWorld) -> None:
    """AFT-2: rows and reasons have English cells; the sentences that we write ourselves are there in English too."""
    page = (await buyer.get("/portal/apply/compensation?lang=en")).text
    assert "Compensation is for damage" in page
    assert "It became cheaper" in page
    assert not re.search("补偿请|买贵了", page)
    page = (await buyer.get(PRICE)).text
    assert "Our service compares the prices" in page
    assert (
        "20.01 is more than the 20.00 that can be paid back"
        in (await buyer.get("/portal/apply/price/check?n.1=1&reason=cheaper&amount=20.01")).text
    )


async def test_every_shipped_word_of_the_policy_has_its_english(world: CaseWorld) -> None:
    async with world.database.transaction() as tx:
        policy = await settings_docs.after_sales(tx, Profile.LIVE)
    english = in_english(policy)
    rows = [row.words or row.name for row in policy.rows]
    for words in [*rows, *(f"{one}:请上传照片后再申请" for one in rows), ";".join(rows[:2])]:
        assert not re.search(r"[\u4e00-\u9fff]", english(words)), words
    for reason in policy.reasons:
        assert not re.search(r"[\u4e00-\u9fff]", english.reason(reason.code, reason.words))
    assert PolicyWords()("客服补偿") == "客服补偿"
    assert english("一句没有英文的话") == "一句没有英文的话"
