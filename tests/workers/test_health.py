"""The worker's own address: three paths, plain answers, figures that Prometheus can read (OPS-1)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest

from clients.embedded import free_port
from domain.errors import BadInput
from domain.watch import AccountCalls, Backlog, EngineFigures, Figures, PullAge, StockLag, StoreFigures, TaskQueue
from workers import metrics
from workers.engine import Oversize
from workers.health import place, serve

FIGURES = Figures(
    StoreFigures(
        apply=(Backlog(0, 4, 1.5),),
        calls=(AccountCalls("push", "qimen", 'a"b', 3, 60.0, 2, 1),),
        pulls=(PullAge("taobao", "tm", 12.0),),
        stock=(StockLag("douyin", "dy", 4, 2.5, refused=1),),
        stuck=2,
    ),
    EngineFigures((TaskQueue("orders", ("a", "b"), 5, 0.5),), failing=1),
)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    where = f"127.0.0.1:{free_port()}"
    server = await serve(where, {"/healthz": lambda: (200, "alive\n"), "/readyz": lambda: (503, "no\n")})
    assert server is not None
    yield where
    server.close()


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/healthz", 200, "alive\n"),
        ("GET", "/readyz?x=1", 503, "no\n"),
        ("GET", "/etc/passwd", 404, "there are /healthz, /readyz\n"),
        ("POST", "/healthz", 405, "GET only\n"),
    ],
)
async def test_each_path_has_its_answer(address: str, method: str, path: str, status: int, words: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.request(method, f"http://{address}{path}")
    assert (answer.status_code, answer.text) == (status, words)


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n\r\n", b"nonsense", b"GET /" + b"x" * 20_000 + b"\r\n\r\n", b"\xff\x00\r\n\r\n"]
)
async def test_nonsense_ends_its_own_connection_only(address: str, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection(*place(address))
    writer.write(sent)
    writer.write_eof()
    said = await reader.read(100)
    writer.close()
    assert said == b"" or said.startswith(b"HTTP/1.1 404")
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/healthz")).is_success


async def test_a_taken_port_does_not_stop_a_worker(address: str) -> None:
    assert await serve(address, {}) is None


@pytest.mark.parametrize("words", ["", "8081", ":8081", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:99999"])
def test_a_senseless_address_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(BadInput, match=r"such as 127\.0\.0\.1:8081"):
        place(words)


def test_the_figures_are_prometheus_text() -> None:
    lines = metrics.text(FIGURES, 3.0, fit=True).splitlines()
    for line in (
        'steadfast_apply_waiting{lane="urgent"} 4',
        'steadfast_apply_waiting{lane="later"} 0',
        'steadfast_deliver_oldest_seconds{lane="normal"} 0',
        'steadfast_calls_waiting{kind="push",vendor="qimen",shop="a\\"b"} 3',
        'steadfast_calls_refused{kind="push",vendor="qimen",shop="a\\"b"} 1',
        'steadfast_pull_age_seconds{vendor="taobao",shop="tm"} 12',
        'steadfast_stock_oldest_seconds{channel="douyin",shop="dy"} 2.5',
        'steadfast_queue_pollers{queue="orders"} 2',
        "steadfast_orders_stuck 2",
        "steadfast_workflows_failing 1",
        "steadfast_fit 1",
    ):
        assert line in lines
    typed = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(typed) == len(set(typed))
    assert (
        {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
        == set(typed)
        == set(metrics.HELP)
    )


def test_what_could_not_be_asked_is_left_out_and_not_zero() -> None:
    text = metrics.text(Figures(away=("database: gone",)), float("inf"), fit=False)
    assert "steadfast_apply" not in text
    assert "steadfast_fit 0" in text
    assert "steadfast_watch_age_seconds +Inf" in text


def test_the_sdks_warning_of_a_large_payload_is_noted_once() -> None:
    oversize = Oversize()
    record = logging.makeLogRecord({"msg": "[TMPRL1103] Attempted to upload payloads with size that exceeded"})
    record.temporal_log = SimpleNamespace(fields={"size": 700_000, "limit": 524_288})
    assert oversize.filter(record)
    assert oversize.filter(logging.makeLogRecord({"msg": "anything else"}))
    assert (oversize.taken(), oversize.taken()) == (700_000, 0)
