"""kill -9 in the demo: once each for the worker, the gateway, Temporal and PostgreSQL, at fixed points of the run.

Owns whom it may kill: only processes that this demo's installation started itself, by their handle.
"""

import signal
import subprocess
from dataclasses import dataclass, field

from clients.installation import GATEWAY, WORKER, Installation

TEMPORAL, POSTGRES = "temporal", "postgres"
Point = tuple[float, str]
KILLS: tuple[Point, ...] = ((0.15, WORKER), (0.4, GATEWAY), (0.6, TEMPORAL), (0.8, POSTGRES))
"""After which share of the orders has been sent, and who."""


@dataclass
class Kills:
    """The kills of one run; with `points` empty nobody is killed."""

    installation: Installation
    points: list[Point] = field(default_factory=lambda: list(KILLS))
    done: list[str] = field(default_factory=list)

    def due(self, sent: int, planned: int) -> str:
        """Kill whose turn it is, one at a time; return the name, or nothing."""
        if not self.points or sent < self.points[0][0] * planned:
            return ""
        name = self.points[0][1]
        process = self._process(name)
        if process is None or process.poll() is not None:
            return ""  # it is down already: its turn comes when it is back
        process.send_signal(signal.SIGKILL)
        process.wait()
        del self.points[0]
        self.done.append(name)
        return name

    def _process(self, name: str) -> "subprocess.Popen[bytes] | None":
        here = self.installation
        if name == TEMPORAL:
            return here.temporal.process if here.temporal else None
        if name == POSTGRES:
            return here.postgres.process if here.postgres else None
        return here.children[name].process
