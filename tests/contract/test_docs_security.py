"""docs/SECURITY.md: its ports are those that listen, its readers those that are fuzzed."""

import re
import subprocess
from pathlib import Path

import pytest

from docs_pages import commands_of, pages
from stridehub.config import HubConfig, load_hub_config
from stridehub.dashboard.policy import is_loopback

ROOT = Path(__file__).resolve().parents[2]
CONFS = sorted((ROOT / "systemd" / "mosquitto").glob("*.conf"))
EVERYWHERE = "all"

Listener = tuple[int, str]


@pytest.fixture(scope="module")
def text() -> str:
    (page,) = (page for page in pages(ROOT) if page.name == "docs/SECURITY.md")
    return page.text


def table(text: str, name: str) -> list[list[str]]:
    """The cells of the rows between the two comments of that name."""
    body = text.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]
    rows = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
    return rows[2:]


def named(text: str, by: str) -> set[Listener]:
    """What listens, by the page, where something of that name says so."""
    return {(int(row[0]), row[1]) for row in table(text, "ports") if by in row[3]}


def test_the_ports_of_the_hub_are_its_defaults(text: str) -> None:
    config = HubConfig()
    broker, page = config.broker, config.dashboard
    assert named(text, "`[broker]`") == {
        (broker.port, broker.listen),
        (broker.ws_port, broker.listen),
    }
    assert named(text, "`[dashboard]`") == {(page.port, page.listen)}


def test_an_installed_hub_is_open_only_where_it_is_shared(text: str, tmp_path: Path) -> None:
    alone = load_hub_config(ROOT / "systemd" / "stridehub.toml")
    assert alone.mqtt.host is not None
    assert is_loopback(alone.mqtt.host)
    assert named(text, "`[dashboard]`") == {(alone.dashboard.port, alone.dashboard.listen)}

    said = subprocess.run(
        ["bash", "-c", ". systemd/setup.sh && settings_shared"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (tmp_path / "shared.toml").write_bytes(said.stdout)
    page = load_hub_config(tmp_path / "shared.toml").dashboard
    assert page.listen == "0.0.0.0"
    assert named(text, "/setup.sh)") == {(page.port, EVERYWHERE)}


@pytest.mark.parametrize("conf", CONFS, ids=[conf.name for conf in CONFS])
def test_the_ports_of_a_broker_are_those_of_its_file(text: str, conf: Path) -> None:
    lines = re.findall(r"^listener (\d+)(?: (\S+))?$", conf.read_text(), re.MULTILINE)
    assert named(text, f"/{conf.name})") == {(int(port), at or EVERYWHERE) for port, at in lines}


def test_every_row_is_looked_at(text: str) -> None:
    sources = ("`[broker]`", "`[dashboard]`", "/setup.sh)", *(f"/{conf.name})" for conf in CONFS))
    for row in table(text, "ports"):
        assert sum(source in row[3] for source in sources) == 1, row


def test_nothing_else_of_the_hub_listens() -> None:
    listens = re.compile(r"start_server|start_unix_server|TCPSite|\.listen\(|\.bind\(")
    files = (ROOT / "hub" / "stridehub").rglob("*.py")
    assert {file.name for file in files if listens.search(file.read_text())} == {
        "server.py",  # the page
        "ports.py",  # what the broker will listen at, tried for a moment
    }
    assert not list((ROOT / "systemd").rglob("*.socket"))


def test_every_fuzzer_and_every_test_of_any_bytes_is_there(text: str) -> None:
    fuzzers = [*ROOT.glob("native/tests/fuzz_*.c"), *ROOT.glob("firmware/tests/fuzz_*.c")]
    throwing = [
        file
        for file in (ROOT / "tests").rglob("test_*.py")
        if "st.binary(" in file.read_text(encoding="utf-8")
    ]
    assert len(fuzzers) >= 4
    assert len(throwing) >= 9
    rows = " ".join(" ".join(row) for row in table(text, "readers"))
    for file in (*fuzzers, *throwing):
        if file != Path(__file__):
            assert f"/{file.relative_to(ROOT)})" in rows, file


def test_the_command_runs_every_property_test_of_the_table(text: str) -> None:
    fence = text.partition("--hypothesis-profile=long")[2].partition("```")[0]
    (words,) = commands_of("pytest" + fence.replace("\\\n", " "))
    rows = " ".join(" ".join(row) for row in table(text, "readers"))
    assert set(words[1:]) == set(re.findall(r"\(\.\./(tests/unit/test_\w+\.py)\)", rows))
