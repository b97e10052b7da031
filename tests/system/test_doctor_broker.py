"""What doctor says of brokers: real ones, in every state."""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from authority import Authority
from listener import Listener
from made_machine import case_in, lines, told
from mosquitto import Mosquitto, Tls, free_port
from stridehub.config import MqttConfig
from stridehub.doctor import broker
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.mqtt import connection
from stridehub.mqtt.endpoint import Endpoint, endpoint_of
from stridehub.record.snapshot import write_snapshot

PASSWORDS = {"hub": "right", "coach": "coach"}
COACH = "user coach\ntopic readwrite #\n"
CLUB = "user hub\ntopic write stridehub/1/h1/#\ntopic read stridehub/1/h1/cmd/#\n"


@pytest.fixture
def case(tmp_path: Path) -> Callable[..., Case]:
    """Of a hub named h1 that knows the password "right"."""
    secret = tmp_path / "password"
    secret.write_text("right\n")
    secret.chmod(0o600)

    def made(port: int, more: str = "") -> Case:
        login = f'user = "hub"\npassword_file = "{secret}"\n'
        settings = f'hub = "h1"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n{login}{more}'
        return case_in(tmp_path, config=settings)

    return made


Cases = Callable[..., Case]


def test_a_hub_that_may_do_what_it_has_to(case: Cases) -> None:
    with Mosquitto(passwords=PASSWORDS, acl=CLUB + COACH) as place:
        found = list(broker.look(case(place.port)))
    told(found, "ok", "lets the hub in as hub (MQTT 5)")
    told(found, "ok", "may write")
    told(found, "ok", "commands come to the hub")
    assert len(found) == 3


def test_nobody_hears_of_it_but_who_listens_to_everything(case: Cases) -> None:
    """Nothing is retained, no will is left, and beside a hub no command is sent."""
    with Mosquitto(passwords=PASSWORDS, acl=CLUB + COACH) as place:
        looked_at = case(place.port)
        write_snapshot(looked_at.config.runtime, [])  # a hub runs
        with Listener(place.port, login=("coach", "coach")) as listener:
            lines(broker.look(looked_at))
            listener.wait(lambda: bool(listener.heard))
            assert [heard.topic for heard in listener.heard] == ["stridehub/1/h1/doctor"]
        with Listener(place.port, login=("coach", "coach")) as late:
            assert late.heard == []


def test_the_running_hub_keeps_its_connection(case: Cases) -> None:
    """Brokers end the older of two connections with one name."""
    with (
        Mosquitto(passwords=PASSWORDS, acl=CLUB + COACH) as place,
        socket.create_connection(("127.0.0.1", place.port)) as hub,
    ):
        hub.sendall(connect_packet(b"stridehub-h1", b"hub", b"right"))
        assert hub.recv(4)[0] == 0x20
        lines(broker.look(case(place.port)))
        hub.sendall(b"\xc0\x00")  # PINGREQ
        assert hub.recv(2) == b"\xd0\x00"


def connect_packet(client_id: bytes, user: bytes, password: bytes) -> bytes:
    """MQTT 3.1.1."""
    fields = b"".join(len(it).to_bytes(2, "big") + it for it in (client_id, user, password))
    rest = b"\x00\x04MQTT\x04\xc2\x00\x3c" + fields
    return bytes([0x10, len(rest)]) + rest


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("user hub\ntopic read stridehub/1/h1/cmd/#\n", "may not write what it has to say"),
        ("user hub\ntopic write stridehub/1/h1/#\n", "commands do not come to the hub"),
        (
            "user hub\ntopic write stridehub/1/h1/#\ntopic read stridehub/1/other/cmd/#\n",
            "commands do not come to the hub",
        ),
    ],
)
def test_a_right_that_is_missing(case: Cases, rules: str, words: str) -> None:
    with Mosquitto(passwords=PASSWORDS, acl=rules) as place:
        found = told(broker.look(case(place.port)), "fail", words)
        assert found.advice == Advice.GRANT.of(HUB="h1")


def test_a_hub_that_may_not_command_itself_is_not_reproached(case: Cases) -> None:
    own = "".join(f"topic write stridehub/1/h1/{it}\n" for it in ("doctor", "runner/#"))
    rules = f"user hub\n{own}topic read stridehub/1/h1/cmd/#\n"
    with Mosquitto(passwords=PASSWORDS, acl=rules) as place:
        assert [it.verdict for it in broker.look(case(place.port))] == ["ok", "ok"]


def test_a_wrong_password(case: Cases) -> None:
    with Mosquitto(passwords={"hub": "another"}) as place:
        assert told(broker.look(case(place.port)), "fail", "wrong user").advice == Advice.LOG_IN


def test_a_password_that_is_not_there(case: Cases, tmp_path: Path) -> None:
    looked_at = case(1883)
    (tmp_path / "password").unlink()
    assert told(broker.look(looked_at), "fail", "not read").advice == Advice.MEND_MQTT


def test_nobody_there(case: Cases) -> None:
    found = told(broker.look(case(free_port())), "fail", "nobody listens there")
    assert found.advice == Advice.START_BROKER


@pytest.mark.parametrize(
    ("rules", "verdicts"), [(CLUB, ["ok", "ok"]), ("user hub\n", ["ok", "warn"])]
)
def test_a_broker_of_an_older_version_says_less(
    case: Cases, monkeypatch: pytest.MonkeyPatch, rules: str, verdicts: list[str]
) -> None:
    """It confirms what it throws away: only what comes back proves anything."""

    def old(config: MqttConfig) -> Endpoint:
        return replace(endpoint_of(config), speaks_v5=False)

    monkeypatch.setattr(broker, "endpoint_of", old)
    with Mosquitto(passwords=PASSWORDS, acl=rules) as place:
        found = list(broker.look(case(place.port)))
    told(found, "ok", "(MQTT 3.1.1)")
    assert [it.verdict for it in found] == verdicts, lines(found)


def test_a_broker_that_swallows_everything(case: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MQTT_CONNACK_S", 0.2)
    monkeypatch.setattr(connection, "MQTT_HANG_UP_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []
        taking = threading.Thread(target=lambda: held.append(server.accept()), daemon=True)
        taking.start()
        told(broker.look(case(server.getsockname()[1])), "fail", "connected, and no answer")
        taking.join()
        held[0][0].close()


# ---- TLS ----


def secure(
    folder: Path, *, host: str = "127.0.0.1", lasts: timedelta = timedelta(days=60)
) -> tuple[Mosquitto, str]:
    """A broker, and the settings that trust it."""
    authority = Authority(folder)
    own = authority.identity("broker", host=host, lasts=lasts)
    place = Mosquitto(passwords=PASSWORDS, tls=Tls(authority.certificate, own.certificate, own.key))
    return place, f'ca_file = "{authority.certificate}"\n'


def test_a_certificate_that_is_good(case: Cases, tmp_path: Path) -> None:
    place, trust = secure(tmp_path)
    with place:
        found = list(broker.look(case(place.port, trust)))
    told(found, "ok", "its certificate is good")
    assert {it.verdict for it in found} == {"ok"}


def test_a_certificate_that_ends_soon(case: Cases, tmp_path: Path) -> None:
    place, trust = secure(tmp_path, lasts=timedelta(days=3))
    with place:
        assert told(broker.look(case(place.port, trust)), "warn", "ends on").advice == Advice.RENEW


def test_certificates_that_are_not_to_be_trusted(case: Cases, tmp_path: Path) -> None:
    place, trust = secure(tmp_path, host="other.example")
    with place:
        told(broker.look(case(place.port, trust)), "fail", "its certificate is not trusted")
        unknown = told(broker.look(case(place.port, "tls = true\n")), "fail", "not trusted")
        assert unknown.advice == Advice.TRUST_BROKER


def test_tls_where_there_is_none(case: Cases) -> None:
    with Mosquitto(passwords=PASSWORDS) as place:
        found = told(broker.look(case(place.port, "tls = true\n")), "fail", "TLS")
        assert found.advice == Advice.TRUST_BROKER


def test_a_password_in_the_clear(tmp_path: Path) -> None:
    case = case_in(tmp_path, config='[mqtt]\nhost = "broker.invalid"\n')
    assert told(broker.look(case), "warn", "reads along").advice == Advice.ENCRYPT
    told(broker.look(case), "fail", "no such host, or no network")


# ---- the hub's own ----


def own(folder: Path, port: int, ws_port: int, more: str = "") -> Case:
    return case_in(folder, config=f"[broker]\nport = {port}\nws_port = {ws_port}\n{more}")


def test_its_ports_are_free_or_taken(tmp_path: Path) -> None:
    taken = free_port()
    case = own(tmp_path, taken, free_port())
    told(broker.look(case), "ok", "its ports are free")
    with socket.create_server(("127.0.0.1", taken)):
        found = told(broker.look(case), "warn", f"port {taken}: another program has it")
        assert found.advice == Advice.FREE_PORT
        write_snapshot(case.config.runtime, [])
        told(broker.look(case), "ok", f"port {taken}: taken, and a hub runs")


def test_its_program_is_there_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    any_program = own(tmp_path, free_port(), free_port())
    monkeypatch.setattr(broker, "found", lambda name: None)
    told(broker.look(any_program), "ok", "the hub brings its own: amqtt")
    insists = own(tmp_path, free_port(), free_port(), 'program = "mosquitto"\n')
    assert told(broker.look(insists), "fail", "not installed").advice == Advice.INSTALL_BROKER
    monkeypatch.setattr(broker, "found", lambda name: f"/usr/sbin/{name}")
    told(broker.look(insists), "ok", "the hub brings its own: mosquitto")


def test_an_address_that_is_not_this_machines(tmp_path: Path) -> None:
    case = own(tmp_path, 1883, 9001, 'listen = "192.0.2.1"\n')
    told(broker.look(case), "fail", "cannot listen there")
