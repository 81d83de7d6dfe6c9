"""The rooms on disk, and that the walls between them hold: each kind of planted violation is caught (design: rooms)."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.layout.house import HOUSE, NOT_OURS, pyproject, rooms

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

# (module of the probe, what it does wrong, the contract that must say so, the chain that must be named)
PLANTS = [
    ("domain.probe", "import sqlalchemy", "The domain decides; it does not do", "domain.probe -> sqlalchemy"),
    ("domain.clocked", "import time", "The domain decides; it does not do", "domain.clocked -> time"),
    ("domain.climber", "import store.inbox", "Each room imports only downwards", "domain.climber -> store.inbox"),
    ("workflows.probe", "import store.orders", "No path leads from a workflow to I/O", "workflows.probe -> store.o"),
    ("activities.probe", "import httpx", "No path leads from a workflow to I/O", "activities.probe -> httpx"),
    ("clients.probe", "import sqlalchemy", "Only store/ speaks SQL", "clients.probe -> sqlalchemy"),
    (
        "connectors.couriers.probe",
        "import connectors.platforms.own",
        "No vendor knows another vendor",
        "connectors.couriers.probe -> connectors.platforms.own",
    ),
    (
        "connectors.platforms.own_probe",
        "import connectors.platforms.common_orders",
        "No vendor knows another vendor",
        "connectors.platforms.own_probe -> connectors.platforms.common_orders",
    ),
    (
        "clients.gateway.probe",
        "import clients.cli.session",
        "Gateway, console and CLI do not share code sideways",
        "clients.gateway.probe -> clients.cli.session",
    ),
    (
        "clients.doer",
        "import activities.orders",
        "Clients ask workflows; they never run activities themselves",
        "clients.doer -> activities.orders",
    ),
    (
        "simulator.probe",
        "import domain.orders",
        "The simulator shares no code with the system it tests",
        "simulator.probe -> domain.orders",
    ),
    ("store.probe", "import simulator.app", "Production never imports the simulator", "store.probe -> simulator.app"),
    (
        "workers.probe",
        "import clients.gateway.app",
        "Workers borrow the Temporal connection, never a web page",
        "workers.probe -> clients.gateway.app",
    ),
    ("store.tester", "import tests.conftest", "Nothing shipped imports the tests", "store.tester -> tests.conftest"),
    (
        "tests.domain.probe",
        "import store.inbox",
        "Domain tests need nothing but the domain",
        "tests.domain.probe -> store.inbox",
    ),
    ("store.tables.probe", "import store.migrations.env", "No package has a cycle", ".tables -> .migrations"),
]


def lint(folder: Path) -> str:
    command = [sys.executable, "-c", LINT, "--no-cache"]
    environment = {"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the contracts say of a copy of the house with every violation planted in it."""
    copy = tmp_path_factory.mktemp("house")
    shutil.copy(HOUSE / "pyproject.toml", copy)
    for room in rooms():
        shutil.copytree(HOUSE / room, copy / room, ignore=shutil.ignore_patterns(*NOT_OURS, "*.pyc"))
    for module, line, _, _ in PLANTS:
        (copy / f"{module.replace('.', '/')}.py").write_text(f'"""A probe."""\n\n{line}\n')
    return lint(copy)


def chapter(verdict: str, contract: str) -> str:
    """What the report says of one broken contract, on one line."""
    _, _, broken = verdict.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-{3,}$", broken, flags=re.MULTILINE)
    chapters = dict(zip(parts[1::2], parts[2::2], strict=True))
    return re.sub(r"\s+", " ", chapters.get(contract, ""))


@pytest.mark.parametrize(("module", "line", "contract", "chain"), PLANTS, ids=[plant[0] for plant in PLANTS])
def test_a_planted_violation_is_caught(verdict: str, module: str, line: str, contract: str, chain: str) -> None:
    assert re.search(rf"^{re.escape(contract)} BROKEN", verdict, re.MULTILINE), verdict
    assert chain in chapter(verdict, contract)


def test_every_contract_has_a_planted_violation() -> None:
    names = {contract["name"] for contract in pyproject()["tool"]["importlinter"]["contracts"]}
    assert names == {contract for _, _, contract, _ in PLANTS}


def test_the_packages_on_disk_are_the_watched_ones() -> None:
    on_disk = {init.parent.name for init in HOUSE.glob("*/__init__.py")}
    assert on_disk == set(rooms())


def test_every_folder_with_python_is_a_package() -> None:
    # A folder without __init__.py is invisible to the import contracts.
    folders = {file.parent for room in rooms() for file in (HOUSE / room).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists() and folder.name != "versions"]


def test_every_shipped_room_is_packed() -> None:
    packed = set(pyproject()["tool"]["setuptools"]["packages"]["find"]["include"])
    assert packed == {f"{room}*" for room in rooms() if room != "tests"}
