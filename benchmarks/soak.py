"""What a machine does to runs: ten minutes of load and accidents, on loopback alone.

    python benchmarks/soak.py
    python benchmarks/soak.py --only judges,lost_books --minutes 3

Judges ask a server 64 requests at once, of which one in ten fails; two runs and a sweep share one store; the disk is
full, folders are read-only, the clock jumps, MLflow's database is locked, damaged and deleted. After each the same
command has to end in the same bytes as an undisturbed run, with nothing paid or computed twice and one clear error
where there is one. Progress goes to standard error. Prints one JSON object: for every scenario its seconds and figures,
``skipped`` with the reason where this machine does not allow it (mounting takes root, or user namespaces; the clock,
libfaketime), or ``broken`` with the promise that was not kept. Exits 0 when none is broken. ``--minutes`` is how long
all of it takes on two idle cores; what is left of them after the rest is for the judges.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.promises import loads
from tests.promises.judges import judges
from tests.promises.machine import CannotError, may_mount
from tests.promises.project import Project, copy_of, new_project

OTHERS = 7.5
"""Minutes of all scenarios but the judges, with the undisturbed run before them."""
SETTLE = 60.0
"""Seconds after which the memory of a judge may not grow any more."""
A_SECOND = 40
"""Pairs that are judged in a second."""


def main() -> None:
    """Run the scenarios and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long all scenarios take")
    parser.add_argument("--only", type=lambda names: names.split(","), help="names of scenarios, comma-separated")
    options = parser.parse_args()
    seconds = max(1.5 * SETTLE, 60 * (options.minutes - (0 if options.only else OTHERS)))
    scenarios: dict[str, Callable[[Project, Path], dict[str, Any]]] = {
        "judges": partial(_judges, seconds=seconds),
        "together": loads.together,
        "full_disk": loads.full_disk,
        "full_books": loads.full_books,
        "full_replies": loads.full_replies,
        "read_only": loads.read_only,
        "clock": loads.clock,
        "locked_books": loads.locked_books,
        "damaged_books": loads.damaged_books,
        "lost_books": loads.lost_books,
    }
    names = options.only or list(scenarios)
    if unknown := sorted(set(names) - set(scenarios)):
        parser.error(f"no such scenario: {', '.join(unknown)}; choose from {', '.join(scenarios)}")
    if may_mount() and _has_namespaces() and "SOAK_INSIDE" not in os.environ:
        os.environ["SOAK_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])  # noqa: S606, S607
    began = time.monotonic()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        template = new_project(folder / "template")
        _say("an undisturbed run")
        template.done("tracking=none")
        for scenario in names:
            _say(scenario)
            found[scenario] = _tried(scenarios[scenario], template, folder / scenario)
            _say(f"{scenario}: {json.dumps(found[scenario])}")
    broken = [scenario for scenario, figures in found.items() if "broken" in figures]
    print(
        json.dumps(
            {
                **found,
                "broken": broken,
                "minutes": round((time.monotonic() - began) / 60, 1),
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 2),
            }
        )
    )
    sys.exit(1 if broken else 0)


def _tried(scenario: Callable[[Project, Path], dict[str, Any]], template: Project, folder: Path) -> dict[str, Any]:
    began = time.monotonic()
    try:
        figures = scenario(template, folder)
    except CannotError as error:
        figures = {"skipped": str(error)}
    except (AssertionError, subprocess.TimeoutExpired, ValueError) as error:
        figures = {"broken": str(error)[-1000:]}
    shutil.rmtree(folder, ignore_errors=True)
    return {"seconds": round(time.monotonic() - began, 1), **figures}


def _judges(template: Project, folder: Path, *, seconds: float) -> dict[str, Any]:
    return judges(copy_of(template, folder), tasks=round(seconds * A_SECOND), settle=SETTLE)


def _has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0  # noqa: S607


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
