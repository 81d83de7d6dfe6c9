"""Cases of the channels have their queue and their schedule beside those of orders (AFT-3)."""

from clients.temporal import pull_schedule
from domain.mail import LETTERS
from domain.pulling import CASES
from store.case_channel import KIND
from tests.connectors.test_letters import HELP
from tests.connectors.worlds import OWN, QIMEN
from workers.main import queues_of


def test_every_shop_is_told_of_its_cases_and_nobody_else() -> None:
    assert KIND in queues_of(OWN)
    assert KIND not in queues_of(QIMEN)


def test_the_pull_of_cases_is_another_schedule_than_that_of_orders() -> None:
    assert pull_schedule("taobao", "tm") == "pull:taobao:tm"
    assert pull_schedule("taobao", "tm", CASES) == "pull-cases:taobao:tm"


def test_a_mail_account_is_read_and_nothing_else() -> None:
    """EXC-4."""
    assert queues_of(HELP) == (LETTERS,)
