"""Finding a real Chromium: $CHROMIUM, PATH, Debian's own, Playwright's own download. Nothing found is told loudly."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from clients.settings import inherited

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "NO CHROMIUM: THE BROWSER TESTS DO NOT RUN. Set CHROMIUM, or install chromium; the console is NOT tested."
SECONDS = 240


@cache
def chromium() -> str | None:
    """Give the path of a Chromium, or None."""
    named = inherited().get("CHROMIUM")
    if named:
        return named
    return _on_path() or _from_debian() or _from_playwright()


def must_not_be_skipped() -> bool:
    """With CI=true a skip is a failure."""
    return inherited().get("CI", "").lower() in {"1", "true"}


def _on_path() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def _from_debian() -> str | None:
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        return None
    quiet = {"env": inherited() | {"DEBIAN_FRONTEND": "noninteractive"}}
    return _on_path() if _runs(["apt-get", "update", "-qq"], quiet) and _runs(INSTALL, quiet) else None


INSTALL = ["apt-get", "install", "-y", "-qq", "chromium", "fonts-noto-cjk"]


def _from_playwright() -> str | None:
    if not _runs([sys.executable, "-m", "playwright", "install", "chromium-headless-shell"], {}):
        return None
    script = "from playwright.sync_api import sync_playwright as p\nwith p() as b: print(b.chromium.executable_path)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout.strip()
    folder = Path(found).parents[2] if found else None
    shells = sorted(folder.glob("chromium*/**/*headless_shell")) if folder else []
    return str(shells[-1]) if shells else found if found and Path(found).exists() else None


def _runs(command: list[str], more: dict[str, dict[str, str]]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False, env=more.get("env"))
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0
