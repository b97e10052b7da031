"""The configuration files that are shipped, in real brokers: a club's, and a hub's that has it."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from authority import Authority
from listener import Listener
from mosquitto import free_port, program
from on_the_loop import PATIENCE_S, run, until
from publishing import TOPICS, hub_at
from stridehub.config import MqttConfig
from stridehub.mqtt.endpoint import Endpoint, endpoint_of
from stridehub.mqtt.topics import Topics
from tcp_proxy import TcpProxy

HUB = TOPICS.hub
OTHER = "stridehub/1/other-hub"
SECOND = "gym-hub"
PASSWORDS = {
    HUB: "of-the-hub",
    SECOND: "of-the-gym",
    "coach": "of-the-coach",
    "viewer": "of-the-viewer",
}


@dataclass
class Club:
    """Debian's mosquitto with the files of this project beside its own."""

    folder: Path
    authority: Authority
    port: int
    ws_port: int
    local_port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = started(self.folder / "mosquitto.conf", self.local_port)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def listener(self, user: str) -> Listener:
        ca = str(self.authority.certificate)
        return Listener(self.port, login=(user, PASSWORDS[user]), ca=ca)

    def hub(self) -> Endpoint:
        secret = self.folder / "hub-password"
        secret.write_text(PASSWORDS[HUB])
        secret.chmod(0o600)
        return endpoint_of(
            MqttConfig(
                host="127.0.0.1",
                port=self.port,
                user=HUB,
                password_file=str(secret),
                ca_file=str(self.authority.certificate),
            )
        )


def started(settings: Path, port: int) -> subprocess.Popen[bytes]:
    """It lets in who logs in at that port."""
    process = subprocess.Popen([program(), "-c", str(settings)], stderr=subprocess.DEVNULL)
    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            Listener(port, login=("coach", PASSWORDS["coach"])).__enter__().__exit__(
                None, None, None
            )
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < end_s
            time.sleep(0.02)
        else:
            return process


def settings_in(folder: Path, *files: str) -> Path:
    """As Debian's, with `files` in its conf.d; mosquitto may stay root."""
    (folder / "data").mkdir()
    (folder / "conf.d").mkdir()
    for number, text in enumerate(files):
        (folder / "conf.d" / f"{number}.conf").write_text(text)
    path = folder / "mosquitto.conf"
    path.write_text(
        f"user root\npid_file {folder}/pid\npersistence true\n"
        f"persistence_location {folder}/data/\nlog_dest file {folder}/log\n"
        f"include_dir {folder}/conf.d\n"
    )
    return path


@pytest.fixture
def shipped(root: Path) -> Callable[[str], str]:
    return lambda name: (root / "systemd" / "mosquitto" / name).read_text()


def with_hubs(acl: str) -> str:
    """The example of a hub there, under the names of two."""
    comment, example, *others = acl.split("user ")
    assert example.startswith("track-hub\n")
    hubs = [example.replace("track-hub", hub) for hub in (HUB, SECOND)]
    return "user ".join([comment, *hubs, *others])


@pytest.fixture
def club(tmp_path: Path, shipped: Callable[[str], str]) -> Iterator[Club]:
    folder = tmp_path / "club"
    certs = folder / "certs"
    certs.mkdir(parents=True)
    authority = Authority(certs, "club-ca")
    identity = authority.identity("stridehub")
    shutil.copy(identity.certificate, certs / "stridehub.crt")
    shutil.copy(identity.key, certs / "stridehub.key")
    passwords = folder / "stridehub.passwords"
    passwords.write_text("".join(f"{user}:{word}\n" for user, word in PASSWORDS.items()))
    subprocess.run([program("mosquitto_passwd"), "-U", passwords], check=True)
    (folder / "stridehub.acl").write_text(with_hubs(shipped("stridehub.acl")))
    made = Club(folder, authority, free_port(), free_port(), free_port())
    text = (
        shipped("stridehub.conf")
        .replace("/etc/mosquitto/", f"{folder}/")
        .replace("listener 8883", f"listener {made.port}")
        .replace("listener 9001", f"listener {made.ws_port}")
        .replace("listener 1883", f"listener {made.local_port}")
    )
    settings_in(folder, text)
    made.start()
    yield made
    made.stop()


# ---- who may do what ----


def test_a_hub_writes_what_is_its_own_and_reads_its_commands(club: Club, tmp_path: Path) -> None:
    async def test() -> None:
        async with hub_at(club.hub(), tmp_path) as hub:
            hub.put(range(50))
            hub.publisher.live(TOPICS.status, b"online", retain=True)
            await hub.done()
            assert coach.publish(TOPICS.command("mute"), b"{}") is None
            await until(lambda: hub.commands == [("mute", b"{}", False)])

    with club.listener("coach") as coach:
        run(test())
        coach.wait(lambda: coach.numbers("stride") == list(range(50)))


def test_each_hub_has_its_own(club: Club) -> None:
    with club.listener(HUB) as hub, club.listener(SECOND) as second:
        assert second.publish(Topics(SECOND).status, b"online") is None
        assert second.publish(TOPICS.status, b"forged") == "Not authorized"
        assert hub.publish(Topics(SECOND).status, b"forged") == "Not authorized"


def test_nobody_does_more_than_allowed(club: Club) -> None:
    no = "Not authorized"
    with (
        club.listener(HUB) as hub,
        club.listener("coach") as coach,
        club.listener("viewer") as viewer,
    ):
        assert hub.publish(f"{OTHER}/status", b"forged") == no
        assert hub.publish(f"{OTHER}/cmd/mute", b"forged") == no
        assert hub.publish("stridehub/2/x", b"forged") == no
        assert coach.publish(TOPICS.status, b"forged") == no
        assert coach.publish(f"{OTHER}/cmd/mute", b"of others") is None
        assert viewer.publish(TOPICS.command("mute"), b"forged") == no
        assert viewer.publish(TOPICS.status, b"forged") == no
        for listener, user in ((coach, "coach"), (viewer, "viewer")):  # as a hub of their own name
            assert listener.publish(Topics(user).status, b"forged", retain=True) == no
            assert listener.publish(Topics(user).stride("ada"), b"forged") == no
        assert viewer.publish(Topics("viewer").command("mute"), b"forged") == no
        assert hub.publish(TOPICS.checklist, b"[]") is None
        viewer.wait(lambda: viewer.payloads("checklist") == [b"[]"])
        coach.wait(lambda: coach.payloads("checklist") == [b"[]"])
        told = [heard.payload for heard in [*hub.heard, *coach.heard, *viewer.heard]]
        assert b"forged" not in told
        assert hub.heard == []  # of others nothing, and of its own only commands


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
def test_nobody_comes_in_without_a_password(
    club: Club, transport: Literal["tcp", "websockets"]
) -> None:
    port = club.port if transport == "tcp" else club.ws_port
    for login in (None, ("coach", "guess"), ("nobody", "of-the-coach")):
        ca = str(club.authority.certificate)
        with Listener(port, login=login, ca=ca, transport=transport) as stranger:
            assert stranger.refusal is not None


# ---- the bridge ----


@contextmanager
def bridge(club: Club, club_port: int, folder: Path, text: str) -> Iterator[int]:
    """The port of a hub's own mosquitto. `club_port`: where it finds the club's."""
    folder.mkdir()
    port = free_port()
    text = (
        text.replace("broker.club.example:8883", f"127.0.0.1:{club_port}")
        .replace("/etc/mosquitto/certs/club-ca.crt", str(club.authority.certificate))
        .replace("PASSWORD", PASSWORDS[HUB])
        .replace("HUB", HUB)
    )
    local = f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n"
    process = started(settings_in(folder, local, text), port)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def test_what_happens_while_the_club_is_away_arrives_when_it_is_back(
    club: Club, tmp_path: Path, shipped: Callable[[str], str]
) -> None:
    """And commands come the other way."""

    async def test() -> None:
        async with hub_at(port, tmp_path) as hub:
            with club.listener("coach") as coach:
                hub.put([0])
                await until(lambda: coach.numbers("stride") == [0])
            way.cut()
            club.stop()
            hub.put(range(1, 101))
            hub.publisher.live(TOPICS.status, b"online", retain=True)
            await hub.done()
            club.start()
            with club.listener("coach") as coach:
                way.heal()
                await until(lambda: coach.numbers("stride")[-1:] == [100])
                arrived = coach.numbers("stride")
                assert list(dict.fromkeys(arrived)) == list(range(1, 101))
                await until(lambda: b"online" in coach.payloads("status"))
                coach.publish(TOPICS.command("mute"), b"{}")
                await until(lambda: hub.commands == [("mute", b"{}", False)])

    with (
        TcpProxy(club.port) as way,
        bridge(club, way.port, tmp_path / "edge", shipped("bridge.conf")) as port,
    ):
        run(test())
