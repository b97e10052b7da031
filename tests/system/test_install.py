"""`make install` and `make uninstall` as root runs them, on a machine that is thrown away."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scratch_root import Done, ScratchRoot, scratch_root

NEEDS = ("python3-venv", "mosquitto", "bluez", "openssl", "gcc", "libc6-dev", "python3-dev")
STRIDEHUB = "/usr/local/bin/stridehub"
SETTINGS = "/etc/stridehub/stridehub.toml"
PASSWORD = re.compile(r"password  ([0-9a-f]{20})$", re.MULTILINE)

# Everywhere that an installation writes, but for lists of users, which systemd-sysusers edits, and
# folders of systemd's, which are not on every machine.
_TREE = r"""
lists='/etc/\(passwd\|shadow\|group\|gshadow\|subuid\|subgid\|.pwd.lock\|sysusers.d$\).*'
places='/etc /usr/local/bin /var/lib/stridehub /var/lib/mosquitto'
{
    find $places -not -regex "$lists" -printf '%p %M %u:%g %l\n'
    find $places -not -regex "$lists" -type f -exec sha256sum {} +
    find /opt -maxdepth 1 -printf '%p %M %u:%g %l\n'
} 2>/dev/null | sort
"""


# The last step of an upgrade, where the services start with the program of before only.
_START = r"""
set -euo pipefail
cd systemd; . ./setup.sh; . ./program.sh; . ./units.sh
has_systemd() { true; }
systemctl() {
    [ "$*" != "restart stridehub.service" ] || [ "$(readlink "$PROGRAM")" = "$previous" ]
}
previous=$(readlink "$PROGRAM")
broken=$(free_folder)
mkdir "$broken"
switch_to "$broken"
start
"""


@dataclass
class Machine:
    root: ScratchRoot
    checkout: Path
    before: str = ""
    said: list[str] = field(default_factory=list)  # by each installation

    def make(self, target: str, *words: str, checkout: Path | None = None) -> Done:
        # Programs are not compiled beforehand: it takes long.
        return self.root.run(
            "make", target, *words, cwd=checkout or self.checkout, PIP_NO_COMPILE="1"
        )

    def install(self, *words: str) -> str:
        done = self.make("install", *words)
        assert done.code == 0, done.out
        self.said.append(done.out)
        return done.out

    def tree(self) -> str:
        return self.root.run("bash", "-c", _TREE, cwd=Path("/")).out

    def mode(self, path: str) -> str:
        return self.root.said("stat", "--format=%a %U:%G", path)

    def write(self, path: str, text: str) -> None:
        self.root.said("bash", "-c", 'printf %s "$1" > "$2"', "bash", text, path)

    def read(self, path: str) -> str:
        return self.root.said("cat", path)


@pytest.fixture(scope="module")
def machine(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """On which stridehub was installed once."""
    with scratch_root(tmp_path_factory.mktemp("machine")) as scratch:
        made = Machine(scratch, root)
        needs = scratch.run(
            str(root / ".ci/install-missing"), *NEEDS, cwd=root, PYTHON="/usr/bin/python3"
        )
        assert needs.code == 0, needs.out
        made.before = made.tree()
        made.install()
        yield made


def test_the_program_is_there_for_everybody(machine: Machine) -> None:
    assert machine.root.said(STRIDEHUB, "--version").startswith("stridehub ")
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert machine.root.said(*nobody, STRIDEHUB, "--version").startswith("stridehub ")
    assert machine.root.said(STRIDEHUB, "check-config") == "good"


def test_secrets_are_their_owners(machine: Machine) -> None:
    assert {path: machine.mode(path) for path in (
        "/etc/stridehub", SETTINGS, "/etc/stridehub/mqtt-password",
        "/etc/mosquitto/stridehub.passwords", "/etc/mosquitto/stridehub.acl", "/var/lib/stridehub",
    )} == {
        "/etc/stridehub": "750 root:stridehub",
        SETTINGS: "640 root:stridehub",
        "/etc/stridehub/mqtt-password": "600 stridehub:stridehub",
        "/etc/mosquitto/stridehub.passwords": "600 mosquitto:mosquitto",
        "/etc/mosquitto/stridehub.acl": "600 mosquitto:mosquitto",
        "/var/lib/stridehub": "700 stridehub:stridehub",
    }  # fmt: skip


def test_the_user_has_the_groups_it_needs_and_no_shell(machine: Machine) -> None:
    groups = machine.root.said("id", "--name", "--groups", "stridehub").split()
    assert set(groups) == {"stridehub", "bluetooth", "gpio"}
    assert machine.root.said("getent", "passwd", "stridehub").endswith("/nologin")


def test_services_start_with_the_machine(machine: Machine) -> None:
    for unit in ("stridehub.service", "stridehub-dashboard.service", "stridehub-tidy.timer"):
        assert machine.root.said("systemctl", "is-enabled", unit) == "enabled"
    assert "no systemd is running here" in machine.said[0]


def test_a_password_is_told_once_and_kept_nowhere(machine: Machine) -> None:
    (password,) = PASSWORD.findall(machine.said[0])
    kept = machine.root.run("grep", "-rl", password, "/etc", "/var/lib/stridehub", cwd=Path("/"))
    assert kept.out == ""


def test_an_upgrade_changes_nothing_but_the_program(machine: Machine) -> None:
    """Of which there is one all the time, and one in the end."""
    changed = machine.read(SETTINGS) + "\n[radio]\nmost_links = 5\n"
    machine.write(SETTINGS, changed)
    machine.root.said("systemctl", "disable", "stridehub-dashboard.service")
    before = machine.tree()
    first = machine.root.said("readlink", "--canonicalize", "/opt/stridehub")
    said = machine.install()
    second = machine.root.said("readlink", "--canonicalize", "/opt/stridehub")
    assert {first, second} == {"/opt/stridehub-a", "/opt/stridehub-b"}
    assert machine.tree().replace(second, first) == before
    assert machine.read(SETTINGS) == changed.strip()
    assert not PASSWORD.search(said)
    assert "it is yours" in said
    machine.root.said("systemctl", "enable", "stridehub-dashboard.service")


def test_an_upgrade_that_fails_leaves_the_program_of_before(
    machine: Machine, tmp_path: Path
) -> None:
    """Here a library is not what the lock says."""
    checkout = tmp_path / "checkout"
    machine.root.said("mkdir", "-p", str(checkout))
    for part in ("Makefile", ".ci", "systemd", "requirements.lock", "pyproject.toml"):
        machine.root.said("cp", "-r", str(machine.checkout / part), str(checkout))
    forge = "s/sha256:......../sha256:00000000/"
    machine.root.said("sed", "-i", forge, str(checkout / "requirements.lock"))
    before = machine.tree()
    done = machine.make("install", checkout=checkout)
    assert done.code != 0
    assert "do not match" in done.out.lower() or "hash" in done.out.lower()
    assert machine.tree() == before
    assert machine.root.said(STRIDEHUB, "--version").startswith("stridehub ")


def test_where_services_do_not_start_with_the_new_one_the_old_one_is_back(
    machine: Machine,
) -> None:
    before = machine.tree()
    done = machine.root.run("bash", "-c", _START, cwd=machine.checkout)
    assert done.code == 1
    assert "the program of before is back" in done.out
    assert machine.tree() == before
    assert machine.root.said(STRIDEHUB, "--version").startswith("stridehub ")


def test_who_is_not_root_is_told(machine: Machine) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    for target in ("install", "uninstall"):
        done = machine.root.run(*nobody, "make", target, cwd=machine.checkout)
        assert done.code != 0
        assert f"sudo make {target}" in done.out


def test_it_goes_without_a_trace_or_with_what_is_the_owners(machine: Machine) -> None:
    """Last of all: without a terminal data and settings are kept, PURGE=1 takes them too."""
    done = machine.make("uninstall")
    assert done.code == 0, done.out
    assert machine.root.run(STRIDEHUB, cwd=Path("/")).code != 0
    kept = set(_paths(machine.tree())) - set(_paths(machine.before))
    assert kept == {
        "/etc/mosquitto/stridehub.acl",
        "/etc/mosquitto/stridehub.passwords",
        "/etc/stridehub",
        "/etc/stridehub/mqtt-password",
        SETTINGS,
        "/var/lib/stridehub",
    }
    done = machine.make("uninstall", "PURGE=1")
    assert done.code == 0, done.out
    assert machine.tree() == machine.before
    assert machine.root.run("getent", "passwd", "stridehub", cwd=Path("/")).code != 0


def _paths(tree: str) -> Iterator[str]:
    return (line.partition(" ")[0] for line in tree.splitlines() if line.startswith("/"))
