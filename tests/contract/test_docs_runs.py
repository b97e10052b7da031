"""Commands of the docs that need no pods are run as they stand there, on files made here."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from docs_pages import Page, pages
from raw_hub import recorded, sent
from stridehub.config import load_hub_config
from stridehub.errors import ConfigError
from stridehub.sim.knobs import RunnerKnobs, Segment
from stridehub.sim.recording import record
from stridehub.sim.runner import SyntheticRunner

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
ANYWHERE = ("bench", "check-config", "demo", "doctor", "replay", "tidy")
SHORTER = {  # what such a command takes is not its point
    "bench": ("--runners", "1", "--seconds", "10"),
    "demo": ("--runners", "2", "--seconds", "3", "--no-browser",
             "--mqtt-port", "0", "--ws-port", "0", "--http-port", "0"),
}  # fmt: skip
EXITS = {"doctor": (0, 1)}  # this machine may well have no Bluetooth


def documented() -> list[tuple[str, ...]]:
    """Those of them that are written out in full."""
    found = (tuple(words[1:]) for page in pages(ROOT) for words in page.commands if is_whole(words))
    return sorted(set(found))


def is_whole(words: Sequence[str]) -> bool:
    if words[0].rpartition("/")[2] != "stridehub" or len(words) == 1 or "[" in "".join(words):
        return False
    return words[1] in ("--help", "--version") or (
        words[1] in ANYWHERE and (len(words) > 2 or words[1] != "replay")
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of what the commands name, as they name it in the end."""
    folder = tmp_path_factory.mktemp("docs")
    script = (Segment("stand", 5.0), Segment("run", 15.0, 3.3))
    content = record(SyntheticRunner(RunnerKnobs(script=script), seed=4), 20.0)
    np.savez(folder / "run.npz", **{k: v for k, v in content.items() if k[:6] != "truth_"})
    recorded(folder, sent(1, 20.0)).state.path.rename(folder / "run.mcap")
    (folder / "FILE").write_text("")
    return folder


def run(arguments: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    own = {f"{kind}_DIRECTORY": str(folder) for kind in ("STATE", "RUNTIME", "CONFIGURATION")}
    return subprocess.run(
        [sys.executable, "-m", "stridehub", *arguments],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize("words", documented(), ids=" ".join)
def test_it_runs(words: Sequence[str], files: Path, tmp_path: Path) -> None:
    arguments = [here(word, files) for word in words]
    done = run([*arguments, *SHORTER.get(words[0], ())], tmp_path)
    assert done.returncode in EXITS.get(words[0], (0,)), done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr
    for name in (word for word in words if word.endswith(".jsonl")):
        lines = (tmp_path / name).read_text().splitlines()
        assert all(json.loads(line)["runner"] for line in lines)
        assert lines or name.startswith("cues")  # none in the first minute


def here(word: str, files: Path) -> str | Path:
    for kind in (".npz", ".mcap"):
        if word.endswith(kind):
            return files / f"run{kind}"
    return files / {"RECORDING": "run.npz", "FILE": "FILE"}[word] if word.isupper() else word


def test_what_is_run_is_a_good_part_of_the_docs() -> None:
    assert {words[0] for words in documented()} >= {"replay", "check-config", "bench", "doctor"}


def settings_of(page: Page, path: Path) -> list[str]:
    """The examples that are a hub's settings."""
    found = []
    for fence in (fence for fence in page.fences if fence.language == "toml"):
        path.write_text(fence.body, encoding="utf-8")
        try:
            load_hub_config(path)
        except ConfigError:
            continue
        found.append(fence.body)
    return found


def test_the_program_finds_the_settings_of_the_docs_good(tmp_path: Path) -> None:
    path = tmp_path / "stridehub.toml"
    examples = [text for page in pages(ROOT) for text in settings_of(page, path)]
    assert len(examples) >= 5
    for example in examples:
        path.write_text(example, encoding="utf-8")
        done = run(["check-config", "--config", path], tmp_path)
        assert (done.returncode, done.stdout) == (0, "good\n"), example + done.stderr
