"""A hub that is killed, and a card that loses its power: what was put two seconds ago is there.

Child processes put strides into a store and tell by a pipe what they have put, and when. A kill
leaves to the system all that was written. The power cut does not: an ext4 on a loop device is shut
down as xfstests does it, without a flush of its journal, so that whatever was not synced is gone.
That tells what the store syncs, in time and in which order, and that it recovers; it does not tell
of cards that lie about a sync.
"""

import fcntl
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Self

import msgspec
import pytest

from made_entries import LIMITS
from stridehub.record.reading import Reading
from stridehub.record.store import Store

EARLY_KILLS = 140
LATE_KILLS = 60
AT_ONCE = 20  # of the late ones; two cores have time for them
POWER_CUTS = 3
SAFE_S = 2.0  # what was put so long before is there, whatever happened
LIVES_S = 2.2, 3.0  # before a late kill: longer than what is safe, so that it can be missed
COMMITTED_S = 0.3  # mostly; the machine may be busy
PER_S = 84.0  # 30 runners
MANY_PER_S = 1000.0

# Forks a hub for each line that says so, so that each is at work in no time, and kills them.
HUBS = """
import os, signal, sys, time
from pathlib import Path
from made_entries import LIMITS, begun, stride_entry
from stridehub.record import flusher
from stridehub.record.store import Store

flusher.WAL_BYTES = int(sys.argv[1])

def hub(path, session, per_s):
    store = Store(path, LIMITS)
    store.put(begun(session))
    begin_s = time.monotonic()
    index = 0
    while True:
        while index < (time.monotonic() - begin_s) * per_s:
            store.put(stride_entry(session, index, f"r{index % 30}"))
            print("put", os.getpid(), index, time.monotonic(), flush=True)
            index += 1
            if index % 50 == 0 and not store.trouble:
                store.confirmed(letter.number for letter in store.waiting(0, 20))
        time.sleep(0.002)

for line in sys.stdin:
    match line.split():
        case ["start", path, session, per_s]:
            pid = os.fork()
            if not pid:
                hub(Path(path), session, float(per_s))
            print("started", pid, flush=True)
        case ["kill", pid]:
            killed_s = time.monotonic()
            os.kill(int(pid), signal.SIGKILL)
            os.waitpid(int(pid), 0)
            print("killed", pid, killed_s, flush=True)
"""
PIPE_BYTES = 2**20  # of what hubs tell while nobody listens: 20 of them for 20 s


class Hubs:
    """Their write-ahead log is folded into the database when it is this large."""

    def __init__(self, log_bytes: int = 1_000_000) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-c", HUBS, str(log_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pipesize=PIPE_BYTES,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        self._pid = 0  # of the one that was started last
        self._put_s: dict[int, list[float]] = defaultdict(list)
        self._killed_s: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._parent.communicate()

    def start(self, path: Path, session: str, per_s: float) -> int:
        """Its number, once it has put the first stride."""
        self._pid = 0
        self._say(f"start {path} {session} {per_s}")
        while not self._put_s[self._pid]:
            self._read()
        return self._pid

    def kill(self, pid: int) -> tuple[float, list[float]]:
        """When that was, and when each stride had been put."""
        self._say(f"kill {pid}")
        while pid not in self._killed_s:
            self._read()
        return self._killed_s.pop(pid), self._put_s.pop(pid)

    def _say(self, command: str) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{command}\n")
        self._parent.stdin.flush()

    def _read(self) -> None:
        assert self._parent.stdout is not None
        match self._parent.stdout.readline().split():
            case ["started", pid]:
                self._pid = int(pid)
            case ["killed", pid, killed_s]:
                self._killed_s[int(pid)] = float(killed_s)
            case ["put", pid, index, put_s]:
                assert int(index) == len(self._put_s[int(pid)])
                self._put_s[int(pid)].append(float(put_s))
            case other:
                raise AssertionError(other)


def kept(path: Path, session: str) -> int:
    """How many strides, of which none is missing before another, nor any seq."""
    strides = len(list(Reading(path).strides(session)))
    with closing(sqlite3.connect(path)) as database:
        query = (
            'SELECT "index", runner, seq FROM strides WHERE session ='
            " (SELECT number FROM sessions WHERE id = ?) ORDER BY rowid"
        )
        rows = database.execute(query, (session,)).fetchall()
    seqs: dict[str, list[int]] = defaultdict(list)
    for _, runner, seq in rows:
        seqs[runner].append(seq)
    assert [index for index, _, _ in rows] == list(range(len(rows)))
    assert all(seqs[runner] == list(range(len(seqs[runner]))) for runner in seqs)
    assert len(rows) == strides
    return strides


def assert_good(path: Path) -> None:
    """Nothing had to be mended; what waits for the broker is the end of each sequence."""
    store = Store(path, LIMITS)
    assert store.notices == ()
    letters = store.waiting(0, 10**6)
    assert len(letters) == store.count() > 0
    seqs: dict[tuple[str, str], list[int]] = defaultdict(list)
    for letter in letters:
        body = msgspec.json.decode(letter.payload)
        seqs[body["session"], body["runner"]].append(body["seq"])
    for (session, runner), waiting in seqs.items():
        strides = len(list(Reading(path).strides(session, runner)))
        assert waiting == list(range(strides - len(waiting), strides))
    assert store.close(20.0)


def lag_s(put_s: list[float], strides: int, over_s: float) -> float:
    """The age of the oldest stride that is missing."""
    return max(0.0, over_s - put_s[strides]) if strides < len(put_s) else 0.0


def test_hubs_that_are_killed_as_they_begin_leave_no_hole_and_no_damage(tmp_path: Path) -> None:
    """Each goes on with the file of the one before, while that is opened, written and folded."""
    path = tmp_path / "sessions.sqlite"
    strides = 0
    with Hubs(log_bytes=100_000) as hubs:
        for number in range(EARLY_KILLS):
            session = f"s{number}"
            pid = hubs.start(path, session, MANY_PER_S if number % 2 else PER_S)
            time.sleep(random.uniform(0.0, 0.06))
            hubs.kill(pid)
            strides += kept(path, session)
    assert strides > EARLY_KILLS
    assert_good(path)


def test_what_was_put_two_seconds_ago_outlives_a_kill(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.sqlite" for number in range(AT_ONCE)]
    lags_s = []
    with Hubs() as hubs:
        for wave in range(LATE_KILLS // AT_ONCE):
            session = f"s{wave}"
            lives = []
            for path in paths:
                pid = hubs.start(path, session, PER_S)
                lives.append((time.monotonic() + random.uniform(*LIVES_S), pid, path))
            killed = []
            for end_s, pid, path in sorted(lives):
                time.sleep(max(0.0, end_s - time.monotonic()))
                killed.append((path, *hubs.kill(pid)))
            for path, killed_s, put_s in killed:
                lags_s.append(lag_s(put_s, kept(path, session), killed_s))
    assert max(lags_s) < SAFE_S
    assert median(lags_s) < COMMITTED_S
    for path in paths:
        assert_good(path)


# ---- power cuts ----


class Card:
    """A file system that can lose its power."""

    # EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32), of fs/ext4/ext4.h; and its flag NOLOGFLUSH.
    _SHUTDOWN = 2 << 30 | 4 << 16 | ord("X") << 8 | 125
    _NO_FLUSH = struct.pack("I", 2)

    def __init__(self, folder: Path) -> None:
        """Skips where there is none to be had."""
        self._image = folder / "image"
        self.root = folder / "card"
        self.root.mkdir()
        with self._image.open("wb") as image:
            image.truncate(64 * 2**20)
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("no ext4 can be made here")
        subprocess.run(["mkfs.ext4", "-q", self._image], check=True)
        self._mount()

    def _mount(self) -> None:
        mount = ["mount", "-o", "loop", str(self._image), str(self.root)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no file system may be mounted here")

    def cut_power(self) -> None:
        """Nothing more reaches the card; it looks as it did."""
        folder = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, self._SHUTDOWN, self._NO_FLUSH)
        finally:
            os.close(folder)

    def restore_power(self) -> None:
        """Nobody may use it any more."""
        self.remove()
        self._mount()

    def remove(self) -> None:
        subprocess.run(["umount", self.root], check=True)


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    card = Card(tmp_path)
    yield card
    card.remove()


def test_what_was_put_two_seconds_ago_outlives_a_power_cut(card: Card) -> None:
    """Also where the log has just been folded into the database, as it is once a second here."""
    path = card.root / "state" / "sessions.sqlite"
    lags_s = []
    with Hubs(log_bytes=10_000) as hubs:
        for number in range(POWER_CUTS):
            session = f"s{number}"
            pid = hubs.start(path, session, PER_S)
            time.sleep(random.uniform(SAFE_S, 1.5 * SAFE_S))
            cut_s = time.monotonic()
            card.cut_power()
            put_s = [put_s for put_s in hubs.kill(pid)[1] if put_s < cut_s]
            card.restore_power()
            strides = kept(path, session)
            assert strides > 0
            lags_s.append(lag_s(put_s, strides, cut_s))
    assert max(lags_s) < SAFE_S
    assert max(lags_s) > 0.0, "the power was never off"
    assert_good(path)
