"""A worker process says itself whether it is fit for work; the doctor passes it on, Prometheus reads it (OPS-1)."""

import subprocess
import sys
from pathlib import Path

import httpx

from clients.installation import Installation, unready
from clients.settings import inherited
from store.database import Database
from tests.workflows.house import eventually


def doctor(folder: Path) -> str:
    command = [sys.executable, "-m", "clients.cli.main", "--data", str(folder), "doctor"]
    settings = {name: value for name, value in inherited().items() if not name.startswith(("OMS_", "TEMPORAL_"))}
    done = subprocess.run(command, env=settings | {"COLUMNS": "300"}, capture_output=True, text=True, check=False)
    return done.stdout


async def test_a_worker_is_ready_when_it_polls_and_its_doctor_says_so(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    installation = Installation(tmp_path, "demo", {"OMS_DATABASE_URL": database_url}, labels=True)
    try:
        installation.start()
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
        said = doctor(tmp_path)
        assert f"worker: {url} is ready" in said
        assert "workers of ocr: 1 pollers" in said
        installation.children["worker"].stop()
        said = doctor(tmp_path)
        assert f"worker: {url} is not ready" in said
        assert "mend: it does not answer" in said
    finally:
        installation.stop()
