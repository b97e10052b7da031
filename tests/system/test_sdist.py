"""The source distribution builds and works where nothing else of the project is."""

import json
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable
from pathlib import Path

import pytest


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "build", "--sdist", "--outdir", out, root, cwd=out)
    (archive,) = out.glob("stridehub-*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def clean(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment into which only the sdist was installed."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home / "venv", with_pip=True)
    programs = home / "venv" / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", sdist, cwd=home)
    return programs


def test_sdist_holds_the_kernel_and_no_build_products(sdist: Path, root: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    native = [*root.glob("native/src/*.[ch]"), *root.glob("native/include/*.h")]
    want = {str(path.relative_to(root)) for path in native}
    assert want | {"LICENSE", "README.md", "native/build_kernel.py"} <= names
    assert not [name for name in names if name.endswith((".so", ".o", ".pyc"))]


def test_installed_wheel_serves_every_supported_python(clean: Path, tmp_path: Path) -> None:
    where = run(
        clean / "python",
        "-c",
        "import stridehub.kernel._native as n, importlib.metadata as m;"
        "print(n.__file__); print(m.distribution('stridehub').read_text('WHEEL'))",
        cwd=tmp_path,
    )
    assert "_native.abi3.so" in where
    assert "Tag: cp311-abi3-linux_" in where


def test_installed_hub_replays_a_recording(
    clean: Path, recording: Callable[[str], Path], tmp_path: Path
) -> None:
    strides = tmp_path / "strides.jsonl"
    source = recording("hamner_s02_impact")
    run(clean / "stridehub", "replay", source, "--strides", strides, cwd=tmp_path)
    sides = [json.loads(line)["side"] for line in strides.read_text().splitlines()]
    # 30 s at three steps a second, some of them spent on finding the axes
    assert sides.count("left") > 20
    assert sides.count("right") > 20
