"""How long a stride waits for its commit, and what a session writes to the card.

    python tests/bench/store.py FOLDER [--runners N] [--seconds S]

FOLDER is on the card in question; a folder of its own is made in it, and removed.
"""

import argparse
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_entries import LIMITS, begun, stride_entry
from stridehub.record.store import Store

STRIDES_PER_S = 2.8  # of a runner, both sides


class Bench:
    """A hub's loop and its publisher, with a broker that confirms at once."""

    def __init__(self, folder: Path) -> None:
        self._put_s: list[float] = []
        self._latencies_ms: list[float] = []
        self._published = 0
        self._written = threading.Event()
        self._is_over = False
        self.store = Store(folder / "sessions.sqlite", LIMITS, on_written=self._written.set)
        self._publisher = threading.Thread(target=self._publish)
        self._publisher.start()

    def run(self, runners: int, seconds: float) -> list[float]:
        """Milliseconds from put to the read of the letter, sorted."""
        self.store.put(begun("bench"))
        begin_s = time.monotonic()
        while (now_s := time.monotonic()) - begin_s < seconds:
            if len(self._put_s) < (now_s - begin_s) * runners * STRIDES_PER_S:
                entry = stride_entry("bench", len(self._put_s), f"r{len(self._put_s) % runners}")
                self._put_s.append(time.monotonic())
                self.store.put(entry)
            else:
                time.sleep(0.001)
        self.store.flush(10.0)
        time.sleep(0.2)
        self._is_over = True
        self._written.set()
        self._publisher.join()
        return sorted(self._latencies_ms)

    def _publish(self) -> None:
        last = 0
        while not self._is_over:
            self._written.wait()
            self._written.clear()
            letters = self.store.waiting(last, 1000)
            now_s = time.monotonic()
            for letter in letters:
                self._latencies_ms.append((now_s - self._put_s[self._published]) * 1e3)
                self._published += 1
                last = letter.number
            self.store.confirmed(letter.number for letter in letters)


def written_mb() -> float:
    """By this process, as far as it was for a disk."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    figures = dict(line.split(": ") for line in lines)
    return int(figures["write_bytes"]) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runners", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args()
    with TemporaryDirectory(dir=chosen.folder) as folder:
        before_mb = written_mb()
        bench = Bench(Path(folder))
        latencies_ms = bench.run(chosen.runners, chosen.seconds)
        assert bench.store.close(10.0)
        mb_s = (written_mb() - before_mb) / chosen.seconds
    count = len(latencies_ms)
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    ms = {name: latencies_ms[min(count - 1, int(share * count))] for name, share in shares.items()}
    print(f"{count} strides of {chosen.runners} runners in {chosen.seconds:.0f} s")
    print(
        "ms from put to letter: " + ", ".join(f"{name} {value:.1f}" for name, value in ms.items())
    )
    print(f"{mb_s:.2f} MB/s to the disk; lost {bench.store.lost}")


if __name__ == "__main__":
    main()
