"""The units as systemd reads them, offline: without a complaint, and locked up."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ANALYZE = shutil.which("systemd-analyze")
SERVICES = ("stridehub.service", "stridehub-dashboard.service", "stridehub-tidy.service")
UNITS = (*SERVICES, "stridehub-tidy.timer")
MOST_EXPOSED = 2.0
PROGRAMS = ("opt/stridehub/bin/stridehub", "usr/bin/chown")

pytestmark = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here")


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Path:
    """The root of one with our units, systemd's own, and the programs they start."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in UNITS:
        shutil.copy(root / "systemd" / name, units)
    own = Path("usr/lib/systemd/system")
    shutil.copytree("/" / own, tmp_path / own, symlinks=True)
    for name in PROGRAMS:
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(mode=0o755)
    return tmp_path


def complaints(machine: Path) -> str:
    """`verify` exits with 0 even where a key is misspelt: its words count."""
    command = [str(ANALYZE), "verify", f"--root={machine}", "--man=no", *UNITS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_systemd_has_nothing_to_say_of_them(machine: Path) -> None:
    assert complaints(machine) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("ProtectSystem=strict", "ProtectSytem=strict"),
        ("DeviceAllow=char-gpiochip rw", "DeviceAllow=char-gpiochip all"),
        ("KillMode=control-group", "KillMode=group"),
        ("SystemCallFilter=@system-service", "SystemCallFilter=@no-such-set"),
        ("/opt/stridehub/bin/stridehub run", "/opt/stridehub/bin/other run"),
    ],
)
def test_a_slip_would_be_noticed(machine: Path, right: str, wrong: str) -> None:
    unit = machine / "etc/systemd/system/stridehub.service"
    text = unit.read_text()
    assert right in text
    unit.write_text(text.replace(right, wrong))
    assert "stridehub.service" in complaints(machine)


@pytest.mark.parametrize("service", SERVICES)
def test_what_breaks_into_a_service_finds_little(root: Path, service: str) -> None:
    exposed, _ = exposure(root / "systemd" / service)
    assert exposed <= MOST_EXPOSED


@pytest.mark.parametrize("service", SERVICES)
def test_what_stays_open_is_explained(root: Path, service: str) -> None:
    """In the tables of systemd/README.md, with the score, which systemd's versions differ in."""
    page = (root / "systemd/README.md").read_text()
    exposed, still_open = exposure(root / "systemd" / service)
    told = re.search(rf"\| `{re.escape(service)}` \| ([0-9.]+) \|", page)
    assert told is not None
    assert abs(float(told[1]) - exposed) < 0.3
    for directive in still_open:
        assert f"`{directive}`" in page, f"{service}: {directive}"


def exposure(unit: Path) -> tuple[float, set[str]]:
    """The score, and the directives that are not as tight as can be."""
    command = [str(ANALYZE), "security", "--offline=yes", "--no-pager"]
    told = subprocess.run([*command, str(unit)], capture_output=True, text=True, check=True).stdout
    score = re.search(r"exposure level for \S+: ([0-9.]+)", told)
    assert score is not None, told
    table = subprocess.run(
        [*command, "--json=short", str(unit)], capture_output=True, text=True, check=True
    ).stdout
    loose = {row["name"] for row in json.loads(table) if row["set"] is False}
    return float(score[1]), {re.split(r"[=~]", name)[0] for name in loose}


def test_no_buzz_waits_for_the_web(root: Path) -> None:
    def weights(service: str) -> list[int]:
        text = (root / "systemd" / service).read_text()
        return [int(number) for number in re.findall(r"^(?:CPU|IO)Weight=(\d+)$", text, re.M)]

    hub, *others = [weights(service) for service in SERVICES]
    assert len(hub) == 2
    assert all(max(other) * 10 <= min(hub) for other in others)


def test_the_hub_needs_no_network_and_no_broker_to_start(root: Path) -> None:
    text = (root / "systemd/stridehub.service").read_text()
    ordering = re.findall(r"^(?:After|Requires|BindsTo|Requisite)=(.*)$", text, re.M)
    assert set(" ".join(ordering).split()) == {"dbus.socket", "bluetooth.service"}
