"""The broker that an installation sets up: who comes in, from where, and what they may do."""

import re
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from listener import Listener
from mosquitto import free_port, program
from on_the_loop import PATIENCE_S, run, until
from publishing import TOPICS, hub_at
from scratch_root import ScratchRoot, scratch_root
from stridehub.config import MqttConfig, load_hub_config
from stridehub.mqtt.endpoint import endpoint_of

CONF = "/etc/mosquitto/conf.d/stridehub.conf"
CA = "etc/mosquitto/certs/stridehub-ca.crt"
SETTINGS = "/etc/stridehub/stridehub.toml"
LOOPBACK = "0100007F"  # as /proc/net/tcp has it
LISTENS = "0A"
NO = "Not authorized"


@dataclass
class Hub:
    """A machine on which only the broker was set up."""

    root: ScratchRoot
    checkout: Path
    coach: str = ""  # the password that was told

    def set_up(self, **environment: str) -> str:
        steps = "set -euo pipefail; . ./setup.sh; . ./units.sh; accounts; settings; broker"
        done = self.root.run("bash", "-c", steps, cwd=self.checkout / "systemd", **environment)
        assert done.code == 0, done.out
        told = re.search(r"password  ([0-9a-f]{20})$", done.out, re.MULTILINE)
        self.coach = told[1] if told else self.coach
        return done.out

    def file(self, path: str) -> str:
        return self.root.said("cat", path)

    @contextmanager
    def mosquitto(self) -> Iterator[dict[int, int]]:
        """As its service runs it, with other ports: by those that it has in its settings."""
        ports = {int(port): free_port() for port in re.findall(r"listener (\d+)", self.file(CONF))}
        edits = [f"-es/^listener {port}/listener {ports[port]}/" for port in ports]
        self.root.said("install", "-d", "-o", "mosquitto", "/run/mosquitto", "/var/log/mosquitto")
        self.root.said("cp", CONF, "/root/stridehub.conf")
        self.root.said("sed", "-i", *edits, CONF)
        command = [program(), "-c", "/etc/mosquitto/mosquitto.conf"]
        process = subprocess.Popen([*self.root.enter(Path("/")), *command])
        try:
            until_it_listens(process, ports.values())
            yield ports
        finally:
            process.kill()
            process.wait()
            self.root.said("cp", "/root/stridehub.conf", CONF)


def until_it_listens(process: subprocess.Popen[bytes], ports: Collection[int]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not set(ports) <= set(listening()):
        assert process.poll() is None
        assert time.monotonic() < end_s
        time.sleep(0.02)


def listening() -> dict[int, set[str]]:
    """Addresses of this machine, by port."""
    found: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == LISTENS:
                address, port = local.split(":")
                found.setdefault(int(port, 16), set()).add(address)
    return found


@pytest.fixture(scope="module")
def hub(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    program()
    with scratch_root(tmp_path_factory.mktemp("broker")) as scratch:
        made = Hub(scratch, root)
        made.set_up()
        yield made


def test_the_hub_and_coaches_do_their_work(hub: Hub, tmp_path: Path) -> None:
    """With the settings and the secret of the installation."""
    settings = tmp_path / "stridehub.toml"
    settings.write_text(hub.file(SETTINGS) + "\n")
    secret = tmp_path / "mqtt-password"
    secret.write_text(hub.file("/etc/stridehub/mqtt-password"))
    secret.chmod(0o600)
    mqtt = load_hub_config(settings).mqtt
    assert (mqtt.host, mqtt.password_file) == ("127.0.0.1", "/etc/stridehub/mqtt-password")

    async def test(ports: dict[int, int], coach: Listener) -> None:
        here = MqttConfig(
            host=mqtt.host, port=ports[1883], user=mqtt.user, password_file=str(secret)
        )
        async with hub_at(endpoint_of(here), tmp_path) as at_work:
            at_work.put(range(20))
            at_work.publisher.live(TOPICS.status, b"online", retain=True)
            await at_work.done()
            assert coach.publish(TOPICS.command("mute"), b"{}") is None
            assert coach.publish(TOPICS.status, b"forged") == NO
            await until(lambda: at_work.commands == [("mute", b"{}", False)])

    with hub.mosquitto() as ports, Listener(ports[1883], login=("coach", hub.coach)) as coach:
        run(test(ports, coach))
        coach.wait(lambda: coach.numbers("stride") == list(range(20)))
        assert b"forged" not in coach.payloads("status")


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
def test_strangers_stay_out(hub: Hub, transport: Literal["tcp", "websockets"]) -> None:
    with hub.mosquitto() as ports:
        port = ports[1883 if transport == "tcp" else 9001]
        for login in (None, ("coach", "guess"), ("hub", hub.coach), ("viewer", "viewer")):
            with Listener(port, login=login, transport=transport) as stranger:
                assert stranger.refusal is not None


def test_it_listens_on_this_machine_only(hub: Hub) -> None:
    with hub.mosquitto() as ports:
        assert set(ports) == {1883, 9001}
        for port in ports.values():
            assert listening()[port] == {LOOPBACK}


def test_setting_it_up_again_keeps_logins_rules_and_settings(hub: Hub) -> None:
    paths = ("/etc/mosquitto/stridehub.passwords", "/etc/mosquitto/stridehub.acl",
             "/etc/stridehub/mqtt-password", SETTINGS)  # fmt: skip
    hub.root.said("bash", "-c", "echo '# mine' >> /etc/mosquitto/stridehub.acl")
    before = [hub.file(path) for path in paths]
    assert "shown this once" not in hub.set_up()
    assert [hub.file(path) for path in paths] == before


def test_a_password_for_the_hub_that_is_there_already_is_taken(hub: Hub) -> None:
    """Such as that of a club's broker, from before the installation."""
    hub.root.said("rm", "/etc/mosquitto/stridehub.passwords")
    hub.root.said("bash", "-c", "echo of-the-club > /etc/stridehub/mqtt-password")
    hub.set_up()
    assert hub.file("/etc/stridehub/mqtt-password") == "of-the-club"
    with hub.mosquitto() as ports, Listener(ports[1883], login=("hub", "of-the-club")) as known:
        assert known.refusal is None


def test_others_are_let_in_where_that_is_wanted_and_out_again(hub: Hub, tmp_path: Path) -> None:
    """With TLS, by a certificate of the hub's own authority; it stays so over upgrades."""
    name = hub.root.said("hostname")
    hub.set_up(SHARE="1")
    ca = tmp_path / "ca.crt"
    ca.write_text(hub.file(f"/{CA}") + "\n")
    assert hub.root.said("stat", "--format=%a %U", "/etc/mosquitto/certs/stridehub.key") == (
        "600 mosquitto"
    )
    assert hub.root.said("stat", "--format=%a %U", "/etc/mosquitto/certs/stridehub-ca.key") == (
        "600 root"
    )
    certificate = hub.file("/etc/mosquitto/certs/stridehub.crt")
    hub.set_up()
    assert hub.file("/etc/mosquitto/certs/stridehub.crt") == certificate
    assert f'page_url = "wss://{name}.local:9001"' in hub.file(SETTINGS)
    assert 'listen = "0.0.0.0"' in hub.file(SETTINGS)
    with hub.mosquitto() as ports:
        assert set(ports) == {1883, 8883, 9001}
        assert listening()[ports[1883]] == {LOOPBACK}
        transports: dict[int, Literal["tcp", "websockets"]] = {8883: "tcp", 9001: "websockets"}
        for port, transport in transports.items():
            with Listener(
                ports[port], login=("coach", hub.coach), ca=str(ca), transport=transport
            ) as coach:
                assert coach.refusal is None
            with Listener(ports[port], ca=str(ca), transport=transport) as stranger:
                assert stranger.refusal is not None
    hub.set_up(SHARE="0")
    assert 'listen = "127.0.0.1"' in hub.file(SETTINGS)
    with hub.mosquitto() as ports:
        assert set(ports) == {1883, 9001}


def test_settings_of_ones_own_are_not_touched_for_others(hub: Hub) -> None:
    before = hub.file(SETTINGS)
    hub.root.said("bash", "-c", f"echo 'plan = \"just-measure\"' >> {SETTINGS}")
    own = hub.file(SETTINGS)
    told = hub.set_up(SHARE="1")
    assert hub.file(SETTINGS) == own
    assert "page_url" in told
    hub.set_up(SHARE="0")
    assert own.startswith(before)


def test_a_clubs_broker_is_left_alone(root: Path, tmp_path: Path) -> None:
    """Its files have the same names."""
    rules, key = "/etc/mosquitto/stridehub.acl", "/etc/mosquitto/certs/stridehub.key"
    of_club = root / "systemd" / "mosquitto" / "stridehub.conf"
    with scratch_root(tmp_path / "scratch") as machine:
        machine.said("mkdir", "-p", "/etc/mosquitto/conf.d", "/etc/mosquitto/certs")
        machine.said("cp", str(of_club), CONF)
        machine.said("touch", rules, key)
        done = machine.run("./install", cwd=root / "systemd")
        assert done.code == 1
        assert f"{CONF} is not of an installed hub" in done.out
        end = "set -euo pipefail; . ./setup.sh; forget_broker; purge"
        assert machine.run("bash", "-c", end, cwd=root / "systemd").code == 0
        machine.said("ls", CONF, rules, key)
