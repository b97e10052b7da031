"""What it takes a hub to say READY, and how much memory it has while nothing happens.

    python tests/bench/start.py [--times N] [--idle S] [--slower X]

The hub is set up as an installed one: a broker elsewhere (mosquitto, by itself), the page in a
service of its own; seven pods are its own, and none is there. Counted is the CPU time of the whole
process, user and system, all threads, by its own CPU clock, from exec to READY. A processor of
another kind needs it times X (10: a core of a Pi Zero 2 at 1 GHz, for Python, beside a server's of
today). What is read from the card comes on top where none of it is in memory: the bytecode, and the
pages of programs and libraries that are used.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mosquitto import Mosquitto
from service_manager import ServiceManager
from stridehub.config import load_hub_config
from stridehub.model import KnownPod, Placement
from stridehub.record.roster import Roster

CARD_MB_PER_S = 20.0  # of a small card, at many small files
BUDGET_S = 8.0
BUDGET_RSS_MB = 80.0
MOST_IMPORTS = 10

# The bytecode that a hub has loaded, in bytes.
_BYTECODE = """
import os, sys
import stridehub.commands.run
files = [getattr(module, "__cached__", None) for module in sys.modules.values()]
print(sum(os.path.getsize(file) for file in files if file and os.path.exists(file)))
"""


@dataclass(frozen=True, slots=True)
class Start:
    cpu_s: float
    wall_s: float
    mapped_mb: float  # of programs and libraries, as far as they are used


def cpu_s(pid: int) -> float:
    """User and system, of a process that runs; see clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


@contextmanager
def started(settings: Path, **environment: str) -> Iterator[tuple[ServiceManager, Start]]:
    """A hub that has said READY."""
    begun_s = time.monotonic()
    with ServiceManager("run", "--config", settings, environment=environment) as hub:
        hub.hears(lambda word: "READY" in word)
        pid = hub.process.pid
        yield hub, Start(cpu_s(pid), time.monotonic() - begun_s, memory_mb(pid, "RssFile"))
        hub.ends()


def written(folder: Path, port: int) -> Path:
    path = folder / "stridehub.toml"
    path.write_text(
        f'hub = "h1"\nstate_dir = "{folder}"\nruntime_dir = "{folder / "run"}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n[dashboard]\nis_on = false\n'
    )
    roster = Roster(load_hub_config(path).database)
    for place in list(Placement)[:7]:
        address = f"02:00:00:00:00:{place:02X}"
        roster.keep(KnownPod(address, place.label, place, "r1", "00:00:00:00:00:00"))
    return path


def imports(settings: Path) -> list[tuple[float, str]]:
    """Milliseconds of each module's own, the most expensive first."""
    with started(settings, PYTHONPROFILEIMPORTTIME="1") as (hub, _):
        told = hub.journal()
    found = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)", told)
    return sorted(((int(us) / 1e3, name) for us, name in found), reverse=True)


def packages(modules: list[tuple[float, str]]) -> list[tuple[float, str, int]]:
    """The same by package."""
    sums: dict[str, tuple[float, int]] = {}
    for ms, name in modules:
        before = sums.get(name.partition(".")[0], (0.0, 0))
        sums[name.partition(".")[0]] = (before[0] + ms, before[1] + 1)
    return sorted(((ms, name, count) for name, (ms, count) in sums.items()), reverse=True)


def memory_mb(pid: int, name: str) -> float:
    """A line of /proc/PID/status or smaps_rollup."""
    for file in ("status", "smaps_rollup"):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/{file}").read_text(), re.M)
        if found:
            return int(found[1]) / 1024
    raise LookupError(name)


def bytecode_mb() -> float:
    done = subprocess.run([sys.executable, "-c", _BYTECODE], capture_output=True, check=True)
    return int(done.stdout) / 1e6


def of(starts: list[Start], figure: Callable[[Start], float]) -> str:
    figures = sorted(map(figure, starts))
    return f"{figures[0]:.2f} s at best, {statistics.median(figures):.2f} s median"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--idle", type=float, default=30.0)
    parser.add_argument("--slower", type=float, default=10.0)
    options = parser.parse_args()
    with TemporaryDirectory() as folder, Mosquitto() as broker:
        settings = written(Path(folder), broker.port)
        starts = []
        for _ in range(options.times):
            with started(settings) as (_, start):
                starts.append(start)
        modules = imports(settings)
        with started(settings) as (hub, _):
            time.sleep(options.idle)
            pid = hub.process.pid
            rss_mb, own_mb = memory_mb(pid, "VmRSS"), memory_mb(pid, "Pss")
            before_s = cpu_s(pid)
            time.sleep(5.0)
            idle_percent = (cpu_s(pid) - before_s) / 5.0 * 100
    best_s = min(start.cpu_s for start in starts)
    read_mb = bytecode_mb() + min(start.mapped_mb for start in starts)
    ready_s = best_s * options.slower + read_mb / CARD_MB_PER_S
    print(f"to READY, {len(starts)} times:")
    print(f"  CPU   {of(starts, lambda start: start.cpu_s)}")
    print(f"  wall  {of(starts, lambda start: start.wall_s)}, on {os.cpu_count()} cores")
    print(f"modules imported: {len(modules)}; the most expensive, own time:")
    for ms, name in modules[:MOST_IMPORTS]:
        print(f"  {ms:6.1f} ms  {name}")
    print("by package:")
    for ms, name, count in packages(modules)[:MOST_IMPORTS]:
        print(f"  {ms:6.1f} ms  {name}, {count} modules")
    print(f"idle after {options.idle:g} s: RSS {rss_mb:.1f} MB, Pss {own_mb:.1f} MB,"
          f" {idle_percent:.1f} % of a core")  # fmt: skip
    print(f"a processor {options.slower:g} times slower: {best_s * options.slower:.1f} s, and"
          f" {read_mb:.0f} MB of code from a card with {CARD_MB_PER_S:g} MB/s"
          f" {read_mb / CARD_MB_PER_S:.1f} s: {ready_s:.1f} s of {BUDGET_S:g}")  # fmt: skip
    is_good = ready_s <= BUDGET_S and rss_mb <= BUDGET_RSS_MB
    print("within the budget" if is_good else "BEYOND the budget")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
