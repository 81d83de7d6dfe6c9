"""An operator at the command line: a stuck order is seen, explained, retried, cancelled and restarted (FUL-14)."""

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from clients.cli import session
from clients.cli.main import app
from clients.clock import utc_now
from clients.embedded import temporal_binary
from clients.installation import Installation

SECONDS = 60
KEY = "own:shop1:"


class Desk:
    """An installation and the commands typed at it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.messages = 0

    def oms(self, *words: str) -> tuple[int, str]:
        """Type one command; the exit code and everything it said."""
        done = CliRunner().invoke(app, ["--data", str(self.installation.folder), *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    def pay(self, no: str) -> None:
        """Send a paid order as the own shop does."""
        self.messages += 1
        now = utc_now().isoformat()
        body = json.dumps({"order": paid_order(no, now)}).encode()
        event = f"e{self.messages}"
        signed = hmac.new(b"shop-secret", f"{now}\n{event}\n".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Key": "k1", "Timestamp": now, "Event": event, "Signature": signed}
        answer = httpx.post(
            f"{self.installation.run.urls['gateway']}/in/own/shop1",
            content=body,
            headers={f"X-Steadfast-{name}": value for name, value in headers.items()},
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text

    def until(self, no: str, said: Callable[[str], bool]) -> str:
        """Look at an order until it says what is expected."""
        until = time.monotonic() + SECONDS
        words = ""
        while time.monotonic() < until:
            _, words = self.oms("order", "show", no)
            if said(words):
                return words
        raise AssertionError(f"never said; it says {words}")


def paid_order(no: str, now: str) -> dict[str, Any]:
    line = {"no": "1", "sku": "TEE", "title": "短袖", "quantity": 2, "unit_minor": 5000}
    receiver = {
        "name": "欧阳修文",
        "phone": "13800138000",
        "province": "广东省",
        "city": "深圳市",
        "district": "南山区",
    }
    amounts = {"goods_minor": 10000, "shop_discount_minor": 0, "platform_discount_minor": 0, "freight_minor": 0}
    return {
        "no": no,
        "status": "paid",
        "updated_at": now,
        "placed_at": now,
        "paid_at": now,
        "currency": "CNY",
        **amounts,
        "total_minor": 10000,
        "paid_minor": 10000,
        "refunded_minor": 0,
        "lines": [line | {"discount_minor": 0, "amount_minor": 10000}],
        "receiver": receiver | {"district": "南山区", "address": "科技园南区 1 号楼 502"},
        "buyer": {"id": f"b-{no}", "ip": ""},
        "remark": "",
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give the desk; its commands run in this process, for starting Python takes longer than any of them."""
    folder = tmp_path_factory.mktemp("desk")
    installation = Installation(folder / "data", "demo")
    installation.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in installation.run.environment.items():
            patch.setenv(name, value)
        for console in (session.out, session.problems):  # however wide the terminal of the run is
            patch.setattr(console, "width", 200)
        patch.setattr(session.where, "data", session.where.data)
        yield furnished(installation, folder)
    installation.stop()


def furnished(installation: Installation, folder: Path) -> Desk:
    """Connect a shop and a warehouse."""
    found = Desk(installation)
    (folder / "own").write_text("shop-secret\n")
    (folder / "wms").write_text("wms-secret\n")
    nobody = "http://127.0.0.1:9/router"
    sender = ["name=店", "mobile=02087654321", "province=广东省", "city=广州市", "district=白云区", "address=机场路1号"]
    params = [f"sender_{pair}" for pair in sender] + ["customer_id=c", "owner=o"]
    flags = [word for pair in params for word in ("--param", pair)]
    own = ("--url", nobody, "--key-id", "k1", "--secret-file", str(folder / "own"))
    wms = ("--url", nobody, "--key-id", "k2", "--secret-file", str(folder / "wms"))
    assert found.oms("shop", "add", "own", "shop1", *own)[0] == 0
    code, said = found.oms("shop", "add", "qimen", "w1", *wms, *flags, "--warehouse", "GZ01,广州仓,广东省,SF")
    assert code == 0, said
    return found


def test_an_order_without_stock_is_explained_and_goes_on_by_itself_once_there_is_stock(desk: Desk) -> None:
    desk.oms("stock", "set", "TEE", "1", "--warehouse", "GZ01")
    desk.pay("A1")
    words = desk.until("A1", lambda said: "STUCK" in said)
    assert "Waits for stock of an item that is sold out" in words
    assert "oms order retry A1" in words
    assert "A1" in desk.oms("order", "list", "--stuck")[1]
    assert desk.oms("stock", "set", "TEE", "50", "--warehouse", "GZ01")[0] == 0
    desk.until("A1", lambda said: "Waits for the warehouse system to take the order" in said)


def test_a_decision_that_makes_no_sense_is_refused_in_one_line(desk: Desk) -> None:
    desk.until("A1", lambda said: "Waits for the warehouse system" in said)
    code, said = desk.oms("order", "retry", "A1")
    assert code == 2
    assert "not stuck" in said
    assert "Traceback" not in said
    assert desk.oms("order", "cancel", "no-such-order")[0] == 2


def test_an_order_without_stock_can_be_cancelled_and_says_that_money_is_due(desk: Desk) -> None:
    desk.oms("stock", "set", "TEE", "50", "--warehouse", "GZ01")
    code, said = desk.oms("stock", "set", "TEE", "0", "--warehouse", "GZ01")
    assert code == 2, "two units are promised to the order before"
    assert "promised" in said
    desk.oms("stock", "set", "TEE", "2", "--warehouse", "GZ01")
    desk.pay("A2")
    desk.until("A2", lambda said: "STUCK" in said)
    code, said = desk.oms("order", "cancel", "A2", "--actor", "agent-7")
    assert (code, "closed: cancelled by agent-7" in said) == (0, True), said
    desk.until("A2", lambda said: "Waits for nothing" in said)


def test_a_terminated_order_is_started_again_and_finds_its_facts(desk: Desk) -> None:
    desk.oms("stock", "set", "TEE", "60", "--warehouse", "GZ01")
    desk.pay("A3")
    desk.until("A3", lambda said: "Waits for the warehouse system" in said)
    assert "its workflow runs" in desk.oms("order", "restart", "A3")[1]
    assert desk.installation.temporal is not None
    address = desk.installation.temporal.address
    command = [temporal_binary(), "workflow", "terminate", "--workflow-id", f"order:{KEY}A3", "-n", "oms"]
    subprocess.run([*command, "--address", address], check=True, capture_output=True)
    code, said = desk.oms("order", "restart", "A3", "--actor", "agent-7")
    assert code == 0, said
    words = desk.until("A3", lambda said: "Waits for the warehouse system" in said)
    assert words.count("order.planned") == 1, "the plan was found, not made again"


def test_the_doctor_finds_what_is_missing(desk: Desk) -> None:
    code, said = desk.oms("doctor")
    assert code == 1
    assert "courier accounts: none" in said
    assert "mend: connect one" in said
