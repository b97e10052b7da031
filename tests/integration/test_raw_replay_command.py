"""`stridehub replay` on a hub's own recording, as a user runs it."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from raw_hub import BEGIN_S, Recorded, recorded, sent
from stridehub.model import Stride

TWO = sent(2, 30.0)
ONE = sent(1, 20.0)
PATIENCE_S = 60.0


def replay(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stridehub", "replay", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("two"), TWO)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return recorded(tmp_path_factory.mktemp("one"), ONE)


def as_json(strides: Sequence[Stride]) -> list[dict[str, Any]]:
    """Equal to the last bit, but for the hub's clock: of the hub of TWO."""
    first_s = BEGIN_S + TWO.arrivals[0].arrival_s
    since = (
        msgspec.structs.replace(
            stride,
            ic=stride.ic - first_s,
            to=stride.to - first_s,
            next_ic=stride.next_ic - first_s,
        )
        for stride in strides
    )
    return [json.loads(msgspec.json.encode(stride)) for stride in since]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_gives_the_strides_of_the_hub(tmp_path: Path, two: Recorded) -> None:
    done = replay(two.state.path, "--strides", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert lines(tmp_path / "out.jsonl") == as_json(two.strides)
    said = done.stdout.splitlines()
    assert said[0].startswith("session.mcap: 30.")
    assert "recorded by track (stridehub " in said[0]
    for profile in TWO.profiles:
        own = said[said.index(f"{profile.runner}:") :]
        counts = next(line for line in own if line.startswith("  strides"))
        found = [stride for stride in two.strides if stride.runner == profile.runner]
        assert sum(map(int, counts.split()[1:])) == len(found)


def test_it_gives_the_same_each_time_whatever_its_name(tmp_path: Path, two: Recorded) -> None:
    """Cues too: soon ones, by a profile of one of the runners."""
    renamed = tmp_path / "recording.npz"
    renamed.write_bytes(two.state.path.read_bytes())
    profile = tmp_path / "profile.toml"
    profile.write_text(
        f'runner = "{TWO.profiles[1].runner}"\n'
        "[coaching.suppress]\nfirst_s = 5.0\n[coaching.baseline]\nstrides = 10\n"
    )
    written = []
    for number, path in enumerate([two.state.path, renamed]):
        strides, cues = tmp_path / f"s{number}.jsonl", tmp_path / f"c{number}.jsonl"
        done = replay(path, "--strides", strides, "--cues", cues, "--profile", profile)
        assert done.returncode == 0, done.stderr
        written.append((strides.read_bytes(), cues.read_bytes()))
    assert written[0] == written[1]
    told = lines(tmp_path / "c0.jsonl")
    assert {cue["runner"] for cue in told} == {TWO.profiles[1].runner}
    landings_s = [stride["ic"] for stride in lines(tmp_path / "s0.jsonl")]
    given = [cue for cue in told if "response" not in cue]
    assert {cue["t"] for cue in given} == {cue["t"] for cue in told}
    for cue in given:  # times since the first packet, as those of strides
        assert min(abs(cue["foot_strike_s"] - ic) for ic in landings_s) < 0.05
        times_s = [cue["foot_strike_s"], cue["t"], cue["arrival_s"]]
        times_s += [cue[name] for name in ("decided_s", "edge_s") if cue[name] is not None]
        assert all(0.0 < time_s < 31.0 for time_s in times_s)


def test_a_profile_overrules_what_was_known_of_its_runner(tmp_path: Path, two: Recorded) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(f'runner = "{TWO.profiles[1].runner}"\nspeed_factor = 1.25\n')
    done = replay(two.state.path, "--strides", tmp_path / "out.jsonl", "--profile", profile)
    assert done.returncode == 0, done.stderr
    changed = 0
    for before, now in zip(as_json(two.strides), lines(tmp_path / "out.jsonl"), strict=True):
        if before["runner"] == TWO.profiles[0].runner:
            assert now == before
        elif before["speed_mps"] is not None:
            changed += 1
            assert now["speed_mps"] == pytest.approx(1.25 * before["speed_mps"], rel=0.01)
    assert changed > 10


def test_the_only_runner_needs_no_name_in_a_profile(tmp_path: Path, one: Recorded) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text("speed_factor = 1.25\n")
    done = replay(one.state.path, "--strides", tmp_path / "out.jsonl", "--profile", profile)
    assert done.returncode == 0, done.stderr
    known = [
        (now["speed_mps"], before.speed_mps)
        for before, now in zip(one.strides, lines(tmp_path / "out.jsonl"), strict=True)
        if before.speed_mps is not None
    ]
    assert len(known) > 5
    assert all(now == pytest.approx(1.25 * before, rel=0.01) for now, before in known)
    assert f"{ONE.profiles[0].runner}:" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("speed_factor = 1.25\n", 'whose is it? runner = one of "steady", "long-step"'),
        ('runner = "r9"\n', 'runner "r9" is not in the recording, which has "steady", "long-st'),
    ],
)
def test_a_profile_of_nobody_there_is_refused(
    tmp_path: Path, two: Recorded, text: str, reason: str
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(text)
    done = replay(two.state.path, "--strides", tmp_path / "out.jsonl", "--profile", profile)
    assert done.returncode == 78
    assert reason in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_a_recording_that_breaks_off_is_told_and_replayed(tmp_path: Path, two: Recorded) -> None:
    cut = tmp_path / "cut.mcap"
    content = two.state.path.read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    done = replay(cut, "--strides", tmp_path / "out.jsonl")
    assert done.returncode == 0
    assert "cut.mcap: it ends suddenly" in done.stderr
    found = lines(tmp_path / "out.jsonl")
    assert len(found) > 20
    assert as_json(two.strides)[:20] == found[:20]


def test_what_is_no_recording_at_all_is_refused(tmp_path: Path, two: Recorded) -> None:
    bad = tmp_path / "bad.mcap"
    bad.write_bytes(two.state.path.read_bytes()[:20])
    done = replay(bad, "--strides", tmp_path / "out.jsonl")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "bad.mcap: ends before anything was received" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


def test_it_keeps_its_pace_on_demand(tmp_path: Path) -> None:
    """From its beginning on, not from when the hub was switched on."""
    short = recorded(tmp_path, sent(1, 2.0))
    begin_s = time.monotonic()
    done = replay(short.state.path, "--realtime")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin_s > 1.9
