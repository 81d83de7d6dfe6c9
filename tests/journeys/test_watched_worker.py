"""A worker process says itself whether it is fit for work; the doctor passes it on, Prometheus reads it (OPS-1)."""

import asyncio
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from clients.cli import session
from clients.cli.main import app
from clients.installation import Installation, unready
from store.database import Database
from tests.workflows.house import eventually


async def doctor(folder: Path) -> str:
    return (await asyncio.to_thread(CliRunner().invoke, app, ["--data", str(folder), "doctor"])).output


async def test_a_worker_is_ready_when_it_polls_and_its_doctor_says_so(
    tmp_path: Path, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = Installation(tmp_path, "demo", {"OMS_DATABASE_URL": database_url}, labels=True)
    try:
        installation.start()
        for name, value in installation.run.environment.items():  # the command runs here
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(session.out, "width", 300)
        monkeypatch.setattr(session.where, "data", session.where.data)
        url = installation.run.urls["worker"]

        async def ready() -> bool:
            return not unready(f"{url}/readyz")

        async def show() -> str:
            return unready(f"{url}/readyz")

        await eventually(ready, show)
        assert httpx.get(f"{url}/healthz").text == "alive\n"
        figures = httpx.get(f"{url}/metrics").text
        assert 'steadfast_queue_pollers{queue="orders"} 1' in figures
        assert "steadfast_fit 1" in figures

        async def labels_are_read() -> bool:
            return 'steadfast_queue_pollers{queue="ocr"} 1' in httpx.get(f"{url}/metrics").text

        await eventually(labels_are_read, show)
        said = await doctor(tmp_path)
        assert f"worker: {url} is ready" in said
        assert "workers of ocr: 1 pollers" in said
        installation.children["worker"].stop()
        said = await doctor(tmp_path)
        assert f"worker: {url} is not ready" in said
        assert "mend: it does not answer" in said
    finally:
        installation.stop()
