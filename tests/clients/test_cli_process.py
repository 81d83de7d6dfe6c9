"""`oms` as a process of its own: exit codes, what runs where, the doctor, files for us alone (OPS-1, SEC-1)."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_world import DemoWorld
from clients.embedded import free_port
from clients.installation import Child, Installation
from clients.run_file import RunFile, read_run_file
from clients.settings import inherited
from domain.errors import BadInput
from store.database import Database
from store.keyring import create_keyring

CLEAN = {name: value for name, value in inherited().items() if not name.startswith(("OMS_", "TEMPORAL_"))}


def oms(*words: str, **environment: str) -> tuple[int, str]:
    """Run a command in a fresh process; its exit code and everything it said."""
    command = [sys.executable, "-m", "clients.cli.main", *words]
    settings = CLEAN | {"COLUMNS": "300"} | environment
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--help"], 0, "every order is a durable workflow"),
        (["order", "show"], 2, "Missing argument"),
        (["fly"], 2, "fly"),
    ],
)
def test_a_process_ends_with_the_right_code(words: list[str], code: int, told: str) -> None:
    ended, said = oms(*words)
    assert (ended, told in said) == (code, True), said


def test_without_an_installation_every_command_says_how_to_start_one(tmp_path: Path) -> None:
    code, said = oms("--data", str(tmp_path), "order", "list")
    assert (code, len(said.splitlines())) == (2, 1)
    assert f"nothing runs on {tmp_path}" in said
    assert "make up" in said


def test_the_doctor_says_the_mend_when_nothing_runs(tmp_path: Path) -> None:
    code, said = oms("--data", str(tmp_path), "doctor")
    assert code == 1
    assert "ILL" in said
    assert "mend: make up" in said


def test_the_doctor_examines_every_part_of_a_broken_installation(tmp_path: Path) -> None:
    create_keyring(tmp_path / "keyring.json")
    nowhere = f"127.0.0.1:{free_port()}"
    settings = {
        "OMS_DATABASE_URL": f"postgresql://oms:secret-word@{nowhere}/none",
        "OMS_KEYRING": str(tmp_path / "keyring.json"),
        "TEMPORAL_ADDRESS": nowhere,
    }
    RunFile(settings, {"gateway": f"http://{nowhere}", "console": f"http://{nowhere}"}).write(tmp_path)
    code, said = oms("--data", str(tmp_path), "doctor")
    assert code == 1
    ill = [line for line in said.splitlines() if line.startswith(" ILL")]
    assert {line.split(":")[0].removeprefix(" ILL").strip() for line in ill} >= {
        "database",
        "gateway",
        "console",
        "Temporal",
    }
    assert said.count("mend: ") == len(ill)
    assert "secret-word" not in said


async def test_a_run_file_leads_commands_to_their_installation(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    create_keyring(tmp_path / "keyring.json")
    settings = {"OMS_DATABASE_URL": database_url, "OMS_KEYRING": str(tmp_path / "keyring.json")}
    RunFile(settings).write(tmp_path)
    assert oms("--data", str(tmp_path), "shop", "list") == (0, "nothing is connected yet: oms shop add --help\n")


def test_a_run_file_is_for_us_alone_and_read_back(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        written = RunFile({"OMS_DATABASE_URL": "postgresql://secret"}, {"gateway": "http://x"}, {"worker": 7})
        written.write(tmp_path)
    finally:
        os.umask(old)
    assert mode(tmp_path / "run.json") == 0o600
    assert read_run_file(tmp_path) == written
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"color": 1}'])
def test_a_damaged_run_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(BadInput, match=r"run\.json"):
        read_run_file(tmp_path)


def test_the_simulator_gets_its_keys_in_a_file_for_us_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(installation: Installation) -> None:
        installation.run.urls["gateway"] = "http://127.0.0.1:1"

    def add(installation: Installation, name: str, module: str, *arguments: str) -> Child:
        return Child(name, [module, *arguments], {}, tmp_path / "log")

    class Seen(Exception):
        """The file is written; the rest is not needed."""

    def stop(world: DemoWorld) -> None:
        raise Seen

    monkeypatch.setattr(Installation, "start", start)
    monkeypatch.setattr(Installation, "add", add)
    monkeypatch.setattr(DemoWorld, "_wait_for_simulator", stop)
    old = os.umask(0)
    try:
        with pytest.raises(Seen):
            DemoWorld(tmp_path, DemoPlan(7, 3, None, None)).start()
    finally:
        os.umask(old)
    assert mode(tmp_path / "simulator.json") == 0o600
    config = json.loads((tmp_path / "simulator.json").read_text())
    assert config["seed"] == 7
    assert len({config["own"]["secret"], config["wms"]["secret"], config["courier"]["api_key"]}) == 3
