"""What doctor says of users, their files, and the service."""

import grp
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from made_machine import case_in, first_on_path, lines, program, told
from stridehub.doctor import access, service
from stridehub.doctor.account import Account, own_account
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.unit import HUB_UNIT, unit_of
from stridehub.record.snapshot import write_snapshot

NOBODY = 65534
SYSTEMD = {"run/systemd/system/x": ""}

GOOD = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "Result": "success",
    "ExecMainStatus": "0",
    "MainPID": "4711",
    "NRestarts": "0",
    "User": "nobody",
    "SupplementaryGroups": "daemon bin",
}


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one that knows no unit, first on the PATH."""
    folder = tmp_path / "bin"
    program(folder, "systemctl", "echo LoadState=not-found")
    monkeypatch.setenv("PATH", first_on_path(folder))
    return folder


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may go into; those of tests are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def hub_is(folder: Path, **differing: str) -> None:
    """What systemctl says of it from now on; of other units that there are none."""
    said = "\n".join(f"{key}={value}" for key, value in {**GOOD, **differing}.items())
    script = (
        f'case "$*" in *{HUB_UNIT}) cat << END\n{said}\nEND\n;; *) echo LoadState=not-found;; esac'
    )
    program(folder, "systemctl", script)


# ---- access ----


def test_a_user_of_a_bare_machine(tmp_path: Path) -> None:
    case = Case(case_in(tmp_path).config, None, tmp_path)
    told(access.look(case), "ok", f"the hub runs as {own_account().name}")
    told(access.look(case), "ok", "all is by default")
    told(access.look(case), "ok", "made with the first start")


def test_the_state_folder_is_the_hubs_alone(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    case.config.state.mkdir(mode=0o700)
    told(access.look(case), "ok", "nobody else looks in")
    case.config.state.chmod(0o755)
    found = told(access.look(case), "warn", "everybody may look in")
    assert found.advice == Advice.HIDE_STATE.of(FOLDER=case.config.state)


@pytest.mark.parametrize(
    ("mode", "verdict", "words"),
    [
        (0o600, "ok", "nobody else (600)"),
        (0o400, "ok", "nobody else (400)"),
        (0o640, "warn", "its group may read it (640)"),
        (0o644, "fail", "everybody may read it (644)"),
        (0o604, "fail", "everybody may read it (604)"),
        (None, "fail", "No such file"),
    ],
)
def test_passwords_are_secret(tmp_path: Path, mode: int | None, verdict: str, words: str) -> None:
    secret = tmp_path / "password"
    if mode is not None:
        secret.touch()
        secret.chmod(mode)
    settings = f'[mqtt]\nhost = "x"\nuser = "hub"\npassword_file = "{secret}"\n'
    told(access.look(case_in(tmp_path, config=settings)), verdict, words)


def test_the_owners_password_is_looked_at_where_there_is_one(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    secret = case.config.state / "broker-password"
    secret.parent.mkdir(mode=0o700)
    secret.touch(0o600)
    secret.chmod(0o644)
    told(access.look(case), "fail", "broker-password: everybody may read it")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_files_are_looked_at_for_the_services_user(systemctl: Path, public: Path) -> None:
    """Whoever runs doctor."""
    folder = public
    secret = folder / "secret"
    secret.touch(0o600)
    mqtt = f'[mqtt]\nhost = "x"\nuser = "hub"\npassword_file = "{secret}"\n'
    case = case_in(folder, SYSTEMD, mqtt)
    hub_is(systemctl)
    assert case.settings is not None
    case.settings.chmod(0o600)
    told(access.look(case), "fail", "hub.toml: nobody may not read it")
    told(access.look(case), "fail", "secret: nobody may not read it")
    told(access.look(case), "fail", "not there, and nobody may not make it")
    case.config.state.mkdir(mode=0o700)
    told(access.look(case), "fail", "nobody may not write there")
    for path in (case.settings, secret, case.config.state):
        os.chown(path, NOBODY, NOBODY)
    assert not [line for line in lines(access.look(case)) if line.startswith("fail")]


@pytest.mark.parametrize(
    ("there", "given", "lines_told"),
    [
        ("bluetooth gpio", "bluetooth gpio", ["ok: the hub runs as nobody"]),
        ("bluetooth gpio", "gpio", ["warn: user nobody is not in group bluetooth"]),
        ("bluetooth gpio", "bluetooth", ["warn: user nobody is not in group gpio"]),
        ("bluetooth", "bluetooth", ["ok: the hub runs as nobody"]),
        ("", "bluetooth", ["ok: the hub runs as nobody"]),
    ],
)
def test_groups_that_are_there_are_needed(
    tmp_path: Path,
    systemctl: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: str,
    given: str,
    lines_told: list[str],
) -> None:
    numbers = {name: 90_000 + number for number, name in enumerate(there.split())}

    def getgrnam(name: str) -> grp.struct_group:
        return grp.struct_group((name, "x", numbers[name], []))

    monkeypatch.setattr(grp, "getgrnam", getgrnam)
    hub_is(systemctl, SupplementaryGroups=given)
    pins = '[haptics.gpio]\nleft = 18\nright = 19\nrunner = "r1"\n'
    found = lines(access.look(case_in(tmp_path, SYSTEMD, pins)))
    assert [line for line in found if "nobody is" in line or "runs as" in line] == lines_told


def test_a_services_user_who_is_gone_is_told(tmp_path: Path, systemctl: Path) -> None:
    hub_is(systemctl, User="no-such-user")
    found = told(access.look(case_in(tmp_path, SYSTEMD)), "fail", "no-such-user")
    assert found.advice == Advice.INSTALL_AGAIN


def test_modes_are_read_as_the_kernel_does(tmp_path: Path) -> None:
    """The owner's bits are the owner's, even where the group has more."""
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o060)
    stranger = Account("s", 12345, frozenset())
    member = Account("m", 12345, frozenset({path.stat().st_gid}))
    assert not owner_of(path).is_allowed(path, os.R_OK)
    assert not stranger.is_allowed(path, os.R_OK)
    assert member.is_allowed(path, os.R_OK)
    path.chmod(0o004)
    assert stranger.is_allowed(path, os.R_OK)
    assert not member.is_allowed(path, os.R_OK)


def test_a_file_is_out_of_reach_in_a_folder_that_is(public: Path) -> None:
    stranger = Account("s", 12345, frozenset())
    path = public / "folder" / "file"
    path.parent.mkdir(mode=0o755)
    path.touch()
    path.chmod(0o644)
    assert stranger.may(path, os.R_OK)
    assert not stranger.may(path, os.W_OK)
    assert not stranger.may(path.with_name("nothing"), os.R_OK)
    path.parent.chmod(0o700)
    assert not stranger.may(path, os.R_OK)


def owner_of(path: Path) -> Account:
    """Not root, who may do everything."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, -1)
    return Account("o", path.stat().st_uid, frozenset({path.stat().st_gid}))


def test_advice_can_be_typed_as_it_is() -> None:
    """Whatever files are called."""
    name = r"/my files/\1 $(reboot)"
    told = Advice.SHOW_SECRET.of(USER="hub", FILE=name)
    assert told == f"`sudo chown hub '{name}'`, and `sudo chmod 600 '{name}'`"


# ---- service ----


def test_without_systemd_a_hub_is_started_by_hand(tmp_path: Path) -> None:
    told(service.look(case_in(tmp_path)), "ok", "systemd does not run here")


def test_a_unit_that_is_not_installed(tmp_path: Path, systemctl: Path) -> None:
    told(service.look(case_in(tmp_path, SYSTEMD)), "ok", "not installed")


@pytest.mark.parametrize(
    ("differing", "verdict", "words", "advice"),
    [
        ({}, "ok", "runs, and starts with the machine", ""),
        ({"NRestarts": "3"}, "warn", "had to be restarted: 3", Advice.READ_LOG.of(UNIT=HUB_UNIT)),
        (
            {"UnitFileState": "disabled"},
            "warn",
            "will not after a restart",
            Advice.ENABLE.of(UNIT=HUB_UNIT),
        ),
        (
            {"ActiveState": "inactive", "UnitFileState": "disabled"},
            "warn",
            "is inactive, and not enabled",
            Advice.ENABLE.of(UNIT=HUB_UNIT),
        ),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"},
            "fail",
            "has failed: exit-code",
            Advice.READ_LOG.of(UNIT=HUB_UNIT),
        ),
        (
            {"ActiveState": "activating", "SubState": "start", "NRestarts": "7"},
            "warn",
            "is starting, and had to be restarted before: 7",
            Advice.READ_LOG.of(UNIT=HUB_UNIT),
        ),
        (
            {"ActiveState": "failed", "Result": "watchdog", "ExecMainStatus": "6"},
            "fail",
            "has failed: watchdog (code 6",
            Advice.READ_LOG.of(UNIT=HUB_UNIT),
        ),
        (
            {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"},
            "fail",
            "does not take its settings",
            Advice.MEND_SETTINGS,
        ),
    ],
)
def test_the_unit_tells_how_it_is(
    tmp_path: Path,
    systemctl: Path,
    differing: dict[str, str],
    verdict: str,
    words: str,
    advice: str,
) -> None:
    hub_is(systemctl, **differing)
    assert told(service.look(case_in(tmp_path, SYSTEMD)), verdict, words).advice == advice


def test_a_hub_beside_the_service_is_one_too_many(tmp_path: Path, systemctl: Path) -> None:
    case = case_in(tmp_path, SYSTEMD)
    write_snapshot(case.config.runtime, [])  # of this process
    hub_is(systemctl, MainPID=str(os.getpid()))
    assert len(lines(service.look(case))) == 1
    hub_is(systemctl, MainPID="1")
    assert told(service.look(case), "fail", "beside the service").advice == Advice.END_OTHER
    hub_is(systemctl, MainPID="0", ActiveState="inactive")
    told(service.look(case), "ok", "a hub runs that was started by hand")


def test_without_systemd_a_hub_by_hand_is_all_there_is(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    write_snapshot(case.config.runtime, [])
    told(service.look(case), "ok", f"a hub runs that was started by hand (process {os.getpid()})")


def test_a_systemctl_that_is_not_there_or_fails_is_an_error(
    tmp_path: Path, systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_in(tmp_path, SYSTEMD)
    program(systemctl, "systemctl", "echo Failed to connect to bus >&2; exit 1")
    with pytest.raises(OSError, match="Failed to connect to bus"):
        unit_of(case, HUB_UNIT)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(FileNotFoundError):
        unit_of(case, HUB_UNIT)
