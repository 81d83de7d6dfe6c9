"""Image and compose file: as the specification says, nobody is root, nothing is public, no secret in them (OPS-5).

Nothing here starts a container: what the images of others do has to be tried where there is Docker.
"""

import os
import re
import subprocess
import sys
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from clients.embedded import EmbeddedTemporal, Ports
from clients.settings import ClientSettings, ConsoleSettings, LabelSettings, PortalSettings, TracingSettings
from store import settings as store_settings
from store.settings import StoreSettings
from tests.layout.house import HOUSE, shipped_rooms
from workers.settings import OcrSettings, WorkerSettings

OURS = ("gateway", "worker", "ocr", "console", "portal")
ONCE = ("temporal-schema", "temporal-namespace")
"""They run to their end before others start, so they have no state to be healthy in."""
WRITES_BESIDE_ITSELF = {"temporal-ui"}
STANDARD = {"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "FORWARDED_ALLOW_IPS"}


@cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((HOUSE / "docker-compose.yml").read_text())
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def settings_of(*classes: type[BaseSettings]) -> set[str]:
    return {f"{one.model_config['env_prefix']}{name.upper()}" for one in classes for name in one.model_fields}


def dockerfile() -> str:
    return (HOUSE / "Dockerfile").read_text().replace("\\\n", " ")


def specified(file: Path) -> int:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False).returncode


def test_the_compose_file_keeps_to_the_specification(tmp_path: Path) -> None:
    assert specified(HOUSE / "docker-compose.yml") == 0
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(yaml.safe_dump(compose() | {"services": {"x": {"image": 7}}}))
    assert specified(broken) == 1


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_is_nobody_special(name: str) -> None:
    service = services()[name]
    uid = int(service["user"].split(":")[0])
    assert uid > 0
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert service.get("read_only") or name in WRITES_BESIDE_ITSELF
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["restart"].startswith("on-failure" if name in ONCE else "unless-stopped")
    assert ("healthcheck" in service) is (name not in ONCE)
    assert ":" in service["image"]
    assert service["image"].split(":")[1] != "latest" or name in OURS


@pytest.mark.parametrize("name", sorted(services()))
def test_only_loopback_is_published_and_databases_have_no_way_out(name: str) -> None:
    service = services()[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    if "outside" not in service["networks"]:
        assert not service.get("ports")
    assert compose()["networks"]["inside"]["internal"] is True
    assert (name in {"postgres", "temporal"}) <= (service["networks"] == ["inside"])


@pytest.mark.parametrize("name", sorted(services()))
def test_no_secret_has_a_value_here(name: str) -> None:
    service = services()[name]
    for variable, value in service.get("environment", {}).items():
        if re.search(r"PASS|PWD|SECRET|TOKEN|KEY", variable):
            assert str(value).startswith("/run/secrets/"), variable
        assert "://" not in str(value), f"{variable} may hold a password"
    assert set(service.get("secrets", [])) <= compose()["secrets"].keys()
    files = {Path(secret["file"]) for secret in compose()["secrets"].values()}
    assert {file.parent.as_posix() for file in files} == {"deploy/secrets"}
    ignored = subprocess.run(["git", "check-ignore", "deploy/secrets/x"], cwd=HOUSE, check=False, capture_output=True)
    assert ignored.returncode in (0, 128)


def test_every_drawn_secret_is_used_and_every_used_one_is_drawn() -> None:
    drawn = (HOUSE / "deploy" / "draw-secrets.sh").read_text()
    used = {name for service in services().values() for name in service.get("secrets", [])}
    assert used == compose()["secrets"].keys()
    assert [secret["file"] for secret in compose()["secrets"].values() if Path(secret["file"]).name not in drawn] == []


@pytest.mark.parametrize("name", OURS)
def test_what_our_services_are_told_is_what_they_read(name: str) -> None:
    service = services()[name]
    clients = settings_of(ClientSettings, ConsoleSettings, LabelSettings, PortalSettings, TracingSettings)
    known = clients | settings_of(StoreSettings, WorkerSettings, OcrSettings) | STANDARD
    assert service["environment"].keys() - known == set()
    assert "oms_database_url" in service["secrets"]
    module = service["command"][2]
    assert find_spec(module) is not None
    assert find_spec(service["healthcheck"]["test"][3]) is not None


def test_only_the_console_has_to_be_asked_for() -> None:
    assert services()["console"]["profiles"] == ["console"]
    assert [name for name, service in services().items() if service.get("profiles")] == ["console"]


def test_the_doors_of_health_checks_are_the_doors_that_are_opened() -> None:
    doors = {"gateway": "OMS_GATEWAY_PORT", "console": "OMS_CONSOLE_PORT", "worker": "OMS_HEALTH_ADDRESS"}
    doors["ocr"] = "OMS_OCR_HEALTH_ADDRESS"
    doors["portal"] = "OMS_PORTAL_PORT"
    for name, variable in doors.items():
        port = services()[name]["environment"][variable].rpartition(":")[2]
        assert services()[name]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{port}/readyz"


def test_mounted_scripts_exist_and_can_be_read_by_a_shell() -> None:
    mounted = [
        mount.split(":")[0] for one in services().values() for mount in one.get("volumes", []) if mount[0] == "."
    ]
    scripts = [file for file in mounted if file.endswith(".sh")]
    assert scripts
    assert all((HOUSE / file).is_file() for file in mounted)
    for file in [*scripts, "deploy/draw-secrets.sh"]:
        done = subprocess.run(["sh", "-n", str(HOUSE / file)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert os.access(HOUSE / file, os.X_OK)
    namespace = (HOUSE / "deploy" / "temporal-namespace.sh").read_text()
    assert "for name in Channel Shop Stuck" in namespace


def test_the_engine_serves_shops_in_turn_as_it_does_where_it_is_embedded() -> None:
    """INT-4: a setting that the server does not know is silently ignored, so its name is the embedded server's."""
    file = yaml.safe_load((HOUSE / "deploy" / "temporal-dynamic.yaml").read_text())
    flags = "".join(EmbeddedTemporal(HOUSE, Ports(HOUSE))._command())
    assert file
    assert all(f"{name}={str(values[0]['value']).lower()}" in flags for name, values in file.items())


def test_the_image_runs_as_nobody_special_and_holds_what_it_needs() -> None:
    text = dockerfile()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["python:3.11-slim"] * 2
    last = text.rsplit("FROM ", 1)[1]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert not re.search(r"^USER|^COPY", last[last.index("USER 10001") + 5 :], re.MULTILINE)
    assert "--require-hashes --no-deps -r /build/requirements.lock" in text
    copied = set(re.findall(r"^COPY (\w+) /opt/steadfast/app/", text, re.MULTILINE))
    assert copied == set(shipped_rooms()) - {"simulator"}
    assert not re.search(r"^(ARG|ENV) .*(PASS|SECRET|TOKEN|KEY)", text, re.MULTILINE | re.IGNORECASE)
    kept = {line[1:] for line in (HOUSE / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == copied | {"requirements.lock"}


class Ill(BaseHTTPRequestHandler):
    """Answers well at /well only."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 503)
        self.end_headers()
        self.wfile.write(b"deliver is 90 s behind")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("path", "code", "said"), [("well", 0, ""), ("ill", 1, "deliver is 90 s behind"), ("gone", 1, "refused")]
)
def test_a_health_check_ends_with_0_only_when_all_is_well(path: str, code: int, said: str) -> None:
    with HTTPServer(("127.0.0.1", 0), Ill) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        port = server.server_port if path != "gone" else 1
        command = [sys.executable, "-m", "clients.healthy", f"http://127.0.0.1:{port}/{path}"]
        done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
        server.shutdown()
        thread.join()
    assert done.returncode == code
    assert said in done.stderr


def test_a_database_address_may_come_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "oms_database_url").write_text("postgresql://of-the-file")
    monkeypatch.delenv("OMS_DATABASE_URL", raising=False)
    assert StoreSettings(_secrets_dir=tmp_path, keyring=Path("k")).database_url == "postgresql://of-the-file"
    monkeypatch.setenv("OMS_DATABASE_URL", "postgresql://of-the-environment")
    assert StoreSettings(_secrets_dir=tmp_path, keyring=Path("k")).database_url == "postgresql://of-the-environment"
    assert str(store_settings.SECRETS) == "/run/secrets"
