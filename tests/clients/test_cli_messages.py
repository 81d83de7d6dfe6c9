"""Messages on the command line: an account connected, tried, its message listed and shown (OPS-3)."""

from pathlib import Path

import pytest

from clients.console.message_words import ALERTS, SAID, STATES, VENDORS
from clients.console.words import ALERTS as ALL_ALERTS
from clients.console.words import said
from domain.messages import VENDORS as KNOWN
from domain.messages import Saying
from store import messaging
from store.database import Database
from store.message_sending import REFUSED_ALERT
from store.messaging import TEMPLATE_ALERT
from tests.clients.worlds import Oms
from tests.conftest import NOON

ADD = ["shop", "add", "wecom", "duty", "--url", "http://127.0.0.1:1", "--key-id", "duty group"]


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "robot.key"
    file.write_text("robot-key")
    return str(file)


async def test_an_account_is_connected_and_tried_and_its_message_is_seen(oms: Oms, secret: str) -> None:
    code, words = await oms(*ADD, "--secret-file", secret)
    assert (code, "try it: oms message test wecom/duty" in words) == (0, True)
    assert "none: written to" in (await oms("shop", "list"))[1]
    assert (await oms("message", "test", "wecom/duty"))[0] == 0
    listed = (await oms("message", "list", "--account", "wecom/duty"))[1]
    assert "waiting" in listed
    number = next(line.split()[0] for line in listed.splitlines() if "waiting" in line)
    shown = (await oms("message", "show", number))[1]
    assert "to: wecom/duty" in shown
    assert "测试消息" in shown
    assert "robot-key" not in listed + shown


async def test_what_reaches_nobody_is_listed_with_the_reason(oms: Oms, database: Database) -> None:
    async with database.transaction() as tx:
        await messaging.say(tx, Saying("nobody.asked", "k1", "C1"), NOON)
    listed = (await oms("message", "list", "--state", "nobody"))[1]
    assert "no rule for nobody.asked" in listed
    assert "nobody" in listed


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("test", "wecom/none"), "no account 'wecom/none' for messages is connected; see oms shop list"),
        (("show", "7"), "no message 7; see oms message list"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_in_words(oms: Oms, words: tuple[str, ...], reason: str) -> None:
    code, told = await oms("message", *words)
    assert code == 2
    assert reason in told


@pytest.mark.parametrize(
    ("vendor", "missing"),
    [("dingtalk", "access_token: "), ("feishu", "token: "), ("aliyun_sms", "sign_name: "), ("smtp", "from: ")],
)
async def test_an_account_that_lacks_something_is_refused_with_what_it_needs(
    oms: Oms, secret: str, vendor: str, missing: str
) -> None:
    code, told = await oms("shop", "add", vendor, *ADD[3:], "--secret-file", secret)
    assert code == 2
    assert missing in told


def test_everything_about_messages_is_said_in_chinese() -> None:
    assert {REFUSED_ALERT, TEMPLATE_ALERT} == set(ALERTS) <= set(ALL_ALERTS)
    assert set(VENDORS) == KNOWN
    assert set(STATES) == {"waiting", "sending", "sent", "refused", "nobody", "no_phone", "repeated", "merged"}
    for words in (
        "no account wecom/duty is connected: oms shop add",
        "no rule for case.opened",
        "quiet hours until 00:00 UTC",
        "wecom takes no more for 60 s",
        "message 3 said the same",
        "in message 3",
        "the channel shows no whole mobile number of the buyer",
        "refused (no_number): nobody to write to (ab12): give the role mobiles, or the account",
        "a message was refused: refused (93000): invalid webhook url (ab12)",
        "template late of the settings document messages asks for who, hours, which nobody gives",
    ):
        assert said(words) != words
    assert len(SAID) >= 10
