"""`python -m simulator --config FILE`: read, print the seed, serve until told to stop."""

import argparse
import gc
import sys
from pathlib import Path

import uvicorn

from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import ConfigError, read_config
from simulator.world import World

BAD_INPUT = 2


def main() -> int:
    """Run one world; 2 means that the configuration or the orders' file cannot be used."""
    parser = argparse.ArgumentParser(prog="simulator", description="The outside world as a program.")
    parser.add_argument("--config", type=Path, required=True, help="JSON file, mode 0600 (docs/simulator.md)")
    path: Path = parser.parse_args().config
    try:
        config = read_config(path)
        plan = build_plan(config)
    except ConfigError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return BAD_INPUT
    print(f"simulator: seed {config.seed}, {len(plan.orders)} orders, port {config.port}", flush=True)
    app = create_app(World(config, plan))
    gc.freeze()  # what is loaded stays: no collection need look at it
    gc.set_threshold(20_000, 20, 50)
    # One second for open calls: a hanging one must not keep the process alive.
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=config.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
