"""The program as a user runs it."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stridehub.model import Stride
from stridehub.sim.knobs import RunnerKnobs, Segment
from stridehub.sim.recording import record
from stridehub.sim.runner import SyntheticRunner

PROGRAM = [sys.executable, "-m", "stridehub"]
PATIENCE_S = 60.0


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )


def write_recording(path: Path, script: tuple[Segment, ...], seconds: float) -> Path:
    content = record(SyntheticRunner(RunnerKnobs(script=script), seed=4), seconds)
    np.savez(path, **{k: v for k, v in content.items() if not k.startswith("truth_")})
    return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "runner.npz"
    script = (Segment("stand", 5.0), Segment("run", 20.0, 3.3))
    return write_recording(path, script, 20.0)


@pytest.fixture(scope="module")
def short_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "short.npz"
    return write_recording(path, (Segment("stand", 10.0),), 2.5)


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line that tells why."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("stridehub: ")
    return line


@pytest.mark.parametrize("command", [(), ("demo",), ("replay",), ("bench",)])
def test_help(command: tuple[str, ...]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "usage: stridehub" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("replay",),
        ("replay", "a.npz", "b.npz"),
        ("replay", "a.npz", "--pace", "2"),
        ("demo", "--runners", "0"),
        ("demo", "--runners", "many"),
        ("demo", "--seconds", "nan"),
        ("demo", "--seed", "-1"),
        ("demo", "--mqtt-port", "70000"),
        ("bench", "--seconds", "1"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: stridehub" in done.stderr
    assert "Traceback" not in done.stderr


def test_replay_writes_strides_and_tells_of_them(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "strides.jsonl"
    done = run("replay", recording, "--strides", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no progress bar where there is no terminal
    assert "20.0 s, 7 pods at 208 Hz, standing until 5 s" in done.stdout
    assert "contact time" in done.stdout
    assert "lost 0" in done.stdout
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) > 30
    for line in lines:
        assert tuple(line) == Stride.__struct_fields__
        assert line["runner"] == "runner"
        assert line["side"] in ("left", "right")
        assert isinstance(line["quality"], list)
        assert 5.0 < line["ic"] < line["to"] < line["next_ic"] < 20.0
    assert [path.name for path in tmp_path.iterdir()] == ["strides.jsonl"]


def test_strides_on_standard_output_stand_alone(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "strides.jsonl"
    run("replay", recording, "--strides", out)
    done = run("replay", recording, "--strides", "-")
    assert done.returncode == 0
    assert done.stdout == out.read_text()
    assert done.stderr == ""


def test_strides_into_a_pipe_that_is_named(recording: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True) as reader:
        done = run("replay", recording, "--strides", pipe)
        text, _ = reader.communicate(timeout=PATIENCE_S)
    assert done.returncode == 0
    assert len(text.splitlines()) > 30
    assert pipe.is_fifo()


def test_a_reader_who_leaves(recording: Path) -> None:
    command = [*PROGRAM, "replay", str(recording), "--strides", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.close()
        complaint = writer.stderr.read()
        assert writer.wait(PATIENCE_S) == 1
    assert complaint == b""


def test_bad_recordings_are_refused_in_one_line(tmp_path: Path, recording: Path) -> None:
    text = tmp_path / "text.npz"
    text.write_text("hello")
    cut = tmp_path / "cut.npz"
    cut.write_bytes(recording.read_bytes()[:20000])
    strides = tmp_path / "strides.jsonl"
    for path in (tmp_path / "absent.npz", text, cut, tmp_path):
        assert str(path) in refused(run("replay", path, "--strides", strides), 1)
        assert not strides.exists()


def test_strides_that_cannot_be_written(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "absent" / "strides.jsonl"
    assert "No such file" in refused(run("replay", recording, "--strides", out), 1)


def test_earlier_strides_outlive_a_failure(tmp_path: Path, recording: Path) -> None:
    out = tmp_path / "strides.jsonl"
    out.write_text("earlier\n")
    refused(run("replay", tmp_path / "absent.npz", "--strides", out), 1)
    assert out.read_text() == "earlier\n"
    assert run("replay", recording, "--strides", out).returncode == 0
    assert "earlier" not in out.read_text()


FIRE = """
plan = "heel-under-the-hip"
[coaching.baseline]
strides = 8
[coaching.suppress]
first_s = 3
[coaching.cues]
withheld = 0
[coaching.follow_up]
to_stride = 4
[coaching.zones.kickback_deg]
value = 120
[coaching.zones.peak_knee_flexion_deg]
value = 150
"""


@pytest.fixture
def fire(tmp_path: Path) -> Path:
    """A profile with which the recording gives cues: lazy heels, and no warm-up."""
    plan = tmp_path / "plan.toml"
    plan.write_text('name = "at once"\ncues = ["heel_lift"]\n')
    profile = tmp_path / "profile.toml"
    profile.write_text(FIRE.replace("heel-under-the-hip", str(plan)))
    return profile


def test_replay_writes_cues_and_what_came_of_them(
    recording: Path, fire: Path, tmp_path: Path
) -> None:
    out = tmp_path / "cues.jsonl"
    done = run("replay", recording, "--cues", out, "--profile", fire)
    assert done.returncode == 0, done.stderr
    assert "plan: at once" in done.stdout
    assert "heel lift: better after 0 of 1 buzzes (0%; likely between 0% and 79%)" in done.stdout
    cue, answer = (json.loads(line) for line in out.read_text().splitlines())
    assert cue["runner"] == "runner"
    assert cue["kind"] == "heel_lift"
    assert cue["side"] == "both"
    assert cue["metric"] == "kickback_deg"
    assert cue["value"] < cue["zone"]["low"]
    assert cue["zone"]["source"] == "set for this runner"
    assert cue["withheld"] is False
    assert 0.0 < cue["latency_ms"] < 150.0
    assert 5.0 < cue["foot_strike_s"] < cue["t"] <= cue["edge_s"] < 20.0
    assert answer["response"] == "no_change"
    assert {key: cue[key] for key in ("t", "runner", "kind", "side", "metric", "withheld")} == {
        key: answer[key] for key in ("t", "runner", "kind", "side", "metric", "withheld")
    }


def test_cues_are_the_same_each_time(recording: Path, fire: Path) -> None:
    first, second = (run("replay", recording, "--cues", "-", "--profile", fire) for _ in range(2))
    assert first.stdout == second.stdout != ""


def test_a_recording_too_short_for_cues_gives_an_empty_file(
    recording: Path, tmp_path: Path
) -> None:
    out = tmp_path / "cues.jsonl"
    assert run("replay", recording, "--cues", out).returncode == 0
    assert out.read_text() == ""


def test_two_results_do_not_fit_on_standard_output(recording: Path) -> None:
    assert "--cues" in refused(run("replay", recording, "--cues", "-", "--strides", "-"), 2)


@pytest.mark.parametrize(
    "content",
    [
        "plan = 'run faster'",
        "plan = 'no-such.toml'",
        "[coaching.cues]\nkinds = ['foot_strike']",
        "[coaching.zones.kickback_deg]\nabove = -1",
    ],
)
def test_bad_coaching_is_bad_configuration(content: str, recording: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(content)
    refused(run("replay", recording, "--profile", profile), 78)


@pytest.mark.parametrize("plan", ["plan.toml", "nearer-the-hips"])
def test_check_config_reads_the_plans_too(plan: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text("name = 'mine'\ncues = ['flick']\n")
    config = tmp_path / "hub.toml"
    config.write_text(f"plan = '{plan}'\n")
    assert run("check-config", "--config", config, cwd=tmp_path).returncode == 0
    (tmp_path / "plan.toml").write_text("name = 'mine'\ncues = ['foot_strike']\n")
    config.write_text("[[runners]]\nrunner = 'r1'\nplan = 'plan.toml'\n")
    assert "foot_strike" in refused(run("check-config", "--config", config, cwd=tmp_path), 78)


def median(out: Path, field: str) -> float:
    values = [json.loads(line)[field] for line in out.read_text().splitlines()]
    return float(np.median([value for value in values if value is not None]))


def test_a_profile_overrules_the_recording(recording: Path, tmp_path: Path) -> None:
    plain, out = tmp_path / "plain.jsonl", tmp_path / "profiled.jsonl"
    profile = tmp_path / "profile.toml"
    profile.write_text('runner = "r7"\nspeed_factor = 1.1\nstanding_shank_deg = -2.0\n')
    run("replay", recording, "--strides", plain)
    done = run("replay", recording, "--strides", out, "--profile", profile)
    assert done.returncode == 0, done.stderr
    assert '"runner":"r7"' in out.read_text()
    assert median(out, "speed_mps") > 1.05 * median(plain, "speed_mps")
    change = median(out, "shank_angle_ic_deg") - median(plain, "shank_angle_ic_deg")
    assert change == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize(
    "content",
    [
        "height_m = 183.0",
        "height_m = nan",
        "mass_kg = 'heavy'",
        "leg_length_left_m = -0.9",
        "speed_factor = inf",
        "shoe_size = 43",
        "runner = 'two words'",
        "runner = '../up'",
        "this is no TOML",
        "a = " + "[" * 5000,
        "# long\n" * 20000,
        "runner = '\udc80'",
    ],
)
def test_a_bad_profile_is_bad_configuration(content: str, recording: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(content, errors="surrogateescape")
    assert str(profile) in refused(run("replay", recording, "--profile", profile), 78)


def test_an_absent_profile_is_bad_configuration(recording: Path, tmp_path: Path) -> None:
    refused(run("replay", recording, "--profile", tmp_path / "absent.toml"), 78)


def test_realtime_takes_its_time(short_recording: Path) -> None:
    begin = time.monotonic()
    done = run("replay", short_recording, "--realtime")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin > 2.4
    assert "2.5 s, 7 pods" in done.stdout


def test_bench_as_json() -> None:
    done = run("bench", "--seconds", "14", "--runners", "2", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["runners"] == 2
    assert result["packets"] > 2 * 5 * 9 * 26
    assert result["strides"] > 0
    assert result["times_real_time"] > 1
    assert result["cues"] > 0
    assert 0.0 < result["cue_hub_ms"]["p50"] < result["cue_latency_ms"]["p50"] < 150.0


def test_bench_for_people() -> None:
    done = run("bench", "--seconds", "10")
    assert done.returncode == 0, done.stderr
    assert "packets/s" in done.stdout
    assert "KiB a runner" in done.stdout


def test_demo_without_a_terminal() -> None:
    done = run("demo", "--seconds", "5", "--runners", "2", "--no-browser", "--mqtt-port", "1883")
    assert done.returncode == 0, done.stderr
    assert "steady: 1.78 m" in done.stdout
    assert "long-step: 1.72 m" in done.stdout
    assert "\x1b" not in done.stdout
    assert "0 cues given" in done.stderr
    assert "plan: open" in done.stdout


class Terminal:
    """The program on a pseudo-terminal."""

    def __init__(self, *arguments: str | Path) -> None:
        self.child, self.screen = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm", COLUMNS="100", LINES="30")
            os.execv(PROGRAM[0], [*PROGRAM, *map(str, arguments)])
        self.text = ""

    def read_until(self, wanted: str) -> None:
        """Fails when the program ends, or patience does, before it has said so."""
        end = time.monotonic() + PATIENCE_S
        while wanted not in self.text:
            assert time.monotonic() < end, self.text
            assert self._read(), f"ended without {wanted!r}: {self.text}"

    def _read(self) -> bool:
        if select.select([self.screen], [], [], 1.0)[0]:
            try:
                self.text += os.read(self.screen, 65536).decode(errors="replace")
            except OSError:  # the other side is closed
                return False
        return True

    def press(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def exit_code(self) -> int:
        while self._read():
            pass
        _, status = os.waitpid(self.child, 0)
        os.close(self.screen)
        return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("keys", [b"s", b"S", b"\x03"])
def test_demo_in_a_terminal_until_a_key(keys: bytes) -> None:
    terminal = Terminal("demo", "--runners", "2")
    terminal.read_until("2 s   ")
    assert "kickback" in terminal.text
    assert "long-step" in terminal.text
    terminal.press(b"x")
    terminal.press(keys)
    assert terminal.exit_code() == 0
    assert "medians of all running strides" in terminal.text
    assert "Traceback" not in terminal.text


def test_a_key_right_before_ctrl_c_does_not_keep_the_demo_from_ending() -> None:
    for _ in range(3):
        terminal = Terminal("demo", "--runners", "1")
        terminal.read_until("1 s   ")
        for _ in range(50):
            terminal.press(b"x\x03")
        assert terminal.exit_code() == 0


def test_demo_ended_by_a_signal() -> None:
    with subprocess.Popen(
        [*PROGRAM, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stderr is not None
        assert "packets" in demo.stderr.readline()
        demo.send_signal(signal.SIGTERM)
        said, complaint = demo.communicate(timeout=PATIENCE_S)
    assert demo.returncode == 0
    assert "medians of all running strides" in said
    assert complaint == ""


def test_replay_shows_progress_in_a_terminal(recording: Path) -> None:
    terminal = Terminal("replay", recording)
    assert terminal.exit_code() == 0
    assert "of 20 s" in terminal.text
    assert "contact time" in terminal.text


def test_interrupted_replay_leaves_nothing(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "strides.jsonl"
    terminal = Terminal("replay", recording, "--realtime", "--strides", out)
    terminal.read_until("1 of 20 s")
    terminal.press(b"\x03")
    assert terminal.exit_code() == 1
    assert "stridehub: interrupted" in terminal.text
    assert "Traceback" not in terminal.text
    assert list(tmp_path.iterdir()) == []
