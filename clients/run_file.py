"""What runs where: `run.json` in a data folder. Owns writing it, reading it, and putting its settings in force."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from domain.errors import BadInput


@dataclass
class RunFile:
    """Environment, addresses and process ids of a running installation. Mode 0600: it names the database password."""

    environment: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write it beside the data, in one step."""
        fresh = folder / "run.json.new"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file, indent=1)
        fresh.replace(folder / "run.json")


def read_run_file(folder: Path) -> RunFile:
    """Read what runs on a data folder; raise BadInput when nothing does."""
    path = folder / "run.json"
    if not path.exists():
        raise BadInput(f"nothing runs on {folder}: start it with `make up`, or name another folder with --data")
    try:
        return RunFile(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise BadInput(f"{path} cannot be read ({type(error).__name__}): start again with `make up`") from error
