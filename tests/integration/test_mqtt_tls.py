"""A hub talks to a broker it can trust, or not at all; and tells which of the two, and why."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from authority import Authority, Identity
from mosquitto import Mosquitto, Tls
from on_the_loop import run
from publishing import hub_at
from stridehub.config import MqttConfig
from stridehub.errors import ConfigError
from stridehub.mqtt import publisher
from stridehub.mqtt.endpoint import Endpoint, endpoint_of

HOST = "127.0.0.1"
OWN = "this hub"  # its certificate is the trouble; brokers do not always come to say which one


@dataclass(frozen=True, slots=True)
class World:
    """An authority, and somebody else's."""

    right: Authority
    wrong: Authority

    def broker(self, identity: Identity, *, asks: bool = False) -> Mosquitto:
        tls = Tls(self.right.certificate, identity.certificate, identity.key, asks)
        return Mosquitto(tls=tls)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Authority(tmp_path, "right"), Authority(tmp_path, "wrong"))


def config(
    broker: Mosquitto, authority: Authority | None, own: Identity | None = None
) -> MqttConfig:
    return MqttConfig(
        host=HOST,
        port=broker.port,
        tls=True,
        ca_file=None if authority is None else str(authority.certificate),
        cert_file=None if own is None else str(own.certificate),
        key_file=None if own is None else str(own.key),
    )


def arrives(chosen: MqttConfig, folder: Path) -> None:
    async def test() -> None:
        async with hub_at(lambda: endpoint_of(chosen), folder) as hub:
            hub.put(range(200))
            await hub.done()
            assert hub.publisher.state.protocol == "5"

    run(test())


def is_refused(chosen: MqttConfig, folder: Path, words: str) -> None:
    async def test() -> None:
        async with hub_at(lambda: endpoint_of(chosen), folder) as hub:
            hub.put(range(2))
            await hub.told(words)
            assert hub.letters.count() == 2

    run(test())


def test_a_broker_that_can_be_trusted(world: World, tmp_path: Path) -> None:
    with world.broker(world.right.identity("broker")) as broker:
        arrives(config(broker, world.right), tmp_path)


@pytest.mark.parametrize("is_named", [True, False])
def test_a_broker_of_an_unknown_authority(world: World, tmp_path: Path, is_named: bool) -> None:
    with world.broker(world.right.identity("broker")) as broker:
        authority = world.wrong if is_named else None
        is_refused(config(broker, authority), tmp_path, "its certificate is not trusted")


def test_a_broker_whose_certificate_has_expired(world: World, tmp_path: Path) -> None:
    with world.broker(world.right.identity("broker", lasts=-timedelta(hours=1))) as broker:
        is_refused(config(broker, world.right), tmp_path, "certificate has expired")


def test_a_broker_of_another_name(world: World, tmp_path: Path) -> None:
    with world.broker(world.right.identity("broker", host="broker.example")) as broker:
        is_refused(config(broker, world.right), tmp_path, "not valid for '127.0.0.1'")


def test_a_broker_that_wants_to_know_the_hub(world: World, tmp_path: Path) -> None:
    with world.broker(world.right.identity("broker"), asks=True) as broker:
        arrives(config(broker, world.right, world.right.identity("hub")), tmp_path)


def test_a_hub_that_does_not_show_who_it_is(world: World, tmp_path: Path) -> None:
    with world.broker(world.right.identity("broker"), asks=True) as broker:
        is_refused(config(broker, world.right), tmp_path, OWN)


def test_a_hub_that_the_broker_does_not_know(world: World, tmp_path: Path) -> None:
    with world.broker(world.right.identity("broker"), asks=True) as broker:
        stranger = world.wrong.identity("hub")
        is_refused(config(broker, world.right, stranger), tmp_path, OWN)


def test_a_broker_without_tls(world: World, tmp_path: Path) -> None:
    with Mosquitto() as broker:
        is_refused(config(broker, world.right), tmp_path, "is this its port for TLS?")


def test_a_certificate_that_is_renewed_is_taken_with_the_next_connection(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "MQTT_LONGEST_WAIT_S", 0.5)
    old = world.right.identity("hub", lasts=-timedelta(hours=1))

    async def test() -> None:
        chosen = config(broker, world.right, old)
        async with hub_at(lambda: endpoint_of(chosen), tmp_path) as hub:
            await hub.told(OWN)
            new = world.right.identity("hub")
            new.key.replace(old.key)
            new.certificate.replace(old.certificate)
            await hub.connected()

    with world.broker(world.right.identity("broker"), asks=True) as broker:
        run(test())


# ---- files ----


def test_a_password_that_everybody_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\r\na comment\n")
    secret.chmod(0o644)
    chosen = MqttConfig(host=HOST, user="hub", password_file=str(secret))
    endpoint = endpoint_of(chosen)
    assert endpoint.password == "s3cret"
    endpoint_of(chosen)  # the next try to connect
    assert caplog.text.count("can be read by everybody") == 1
    assert "s3cret" not in f"{endpoint!r} {endpoint} {caplog.text}"


def test_a_password_of_the_hub_alone_is_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret")
    secret.chmod(0o640)
    with caplog.at_level(logging.WARNING):
        endpoint_of(MqttConfig(host=HOST, user="hub", password_file=str(secret)))
        assert not caplog.records


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\n", b"x" * 100_000])
def test_a_file_that_holds_no_password(tmp_path: Path, content: bytes) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(content)
    secret.chmod(0o600)
    with pytest.raises(ConfigError, match="password"):
        endpoint_of(MqttConfig(host=HOST, user="hub", password_file=str(secret)))


def test_files_that_are_not_there_or_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk")
    for name in ("junk", "nowhere"):
        path = str(tmp_path / name)
        with pytest.raises(ConfigError, match="no authority's certificate"):
            endpoint_of(MqttConfig(host=HOST, ca_file=path))
        with pytest.raises(ConfigError, match="no certificate with its key"):
            endpoint_of(MqttConfig(host=HOST, cert_file=path, key_file=path))
    with pytest.raises(ConfigError, match="password not read"):
        endpoint_of(MqttConfig(host=HOST, user="hub", password_file=str(tmp_path / "nowhere")))


def test_ports_are_the_usual_ones() -> None:
    assert str(endpoint_of(MqttConfig(host="broker.example"))) == "broker.example:1883"
    assert str(endpoint_of(MqttConfig(host="broker.example", tls=True))) == "broker.example:8883"
    assert str(Endpoint("::1", 1883)) == "[::1]:1883"
