"""A hub that is killed: its recording holds all but the last seconds."""

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stridehub.config import RecordConfig
from stridehub.model import Placement, PodInfo, RunnerProfile
from stridehub.pods.source import Take, WornPod
from stridehub.record.raw import RawRecorder
from stridehub.record.raw_reader import RawPacket, load_raw

KILLS = 24
AT_ONCE = 8
PACKET_S = 0.004  # two runners' worth
MOST_LOST_S = 2.0
PATIENCE_S = 60.0


class Nobody:
    def plug(self, worn: WornPod) -> Take:
        return lambda packet, arrival_s: None


def record(folder: Path) -> None:
    """Until it is killed: packets that are numbered."""
    limits = RecordConfig(raw=True, free_mb=1)
    recorder = RawRecorder(folder, "killed", limits, hub="track", now_s=time.monotonic())
    recorder.add_runner(RunnerProfile("r7"))
    info = PodInfo(Placement.SHANK_L, 208000, 4788549, 1065297, 8)
    take = recorder.wrap(Nobody()).plug(WornPod("r7", info))
    number, due_s = 0, time.monotonic()
    print("records", flush=True)
    while True:
        now_s = time.monotonic()
        if number % 50 == 0:
            recorder.advanced(now_s)
        take(number.to_bytes(8, "little") * 12, now_s)
        number += 1
        due_s += PACKET_S
        time.sleep(max(0.0, due_s - now_s))


def killed(folder: Path, after_s: float) -> float:
    """The moment of death on the clock that all processes share."""
    folder.mkdir()
    with subprocess.Popen([sys.executable, __file__, folder], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"records\n"
        time.sleep(after_s)
        killed_s = time.monotonic()
        child.send_signal(signal.SIGKILL)
        assert child.wait(PATIENCE_S) == -signal.SIGKILL
    return killed_s


def test_a_killed_hub_leaves_all_but_the_last_seconds(tmp_path: Path) -> None:
    chance = random.Random(11)
    folders = [tmp_path / str(number) for number in range(KILLS)]
    waits_s = [chance.uniform(1.5, 4.0) for _ in folders]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        deaths_s = list(pool.map(killed, folders, waits_s))
    for folder, killed_s in zip(folders, deaths_s, strict=True):
        recording = load_raw(folder / "killed.mcap")
        assert "power cut" in recording.defects[0]
        packets = [item for item in recording.items() if isinstance(item, RawPacket)]
        numbers = [int.from_bytes(item.packet[:8], "little") for item in packets]
        assert numbers == list(range(len(numbers)))
        assert killed_s - packets[-1].arrival_s < MOST_LOST_S


def test_a_killed_hub_is_replayed(tmp_path: Path) -> None:
    killed(tmp_path / "one", after_s=2.0)
    path = tmp_path / "one" / "killed.mcap"
    done = subprocess.run(
        [sys.executable, "-m", "stridehub", "replay", path],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0
    assert "killed.mcap: it ends suddenly: a power cut" in done.stderr
    assert "recorded by track" in done.stdout
    assert "no strides" in done.stdout


if __name__ == "__main__":
    record(Path(sys.argv[1]))
