"""A broker that does not want the hub, or what it says: nothing is dropped, and people are told."""

import os
import signal
from pathlib import Path

import pytest

from listener import Listener
from mosquitto import Mosquitto
from on_the_loop import run, until
from publishing import CUE, STRIDE, TOPICS, hub_at
from stridehub.config import MqttConfig
from stridehub.mqtt.endpoint import Endpoint, endpoint_of

PASSWORDS = {"hub": "right", "coach": "coach"}
ALL = "user hub\ntopic readwrite #\nuser coach\ntopic readwrite #\n"
NO_CUES = f"user hub\ntopic write {STRIDE}\nuser coach\ntopic readwrite #\n"


def test_a_wrong_password_is_a_state_until_it_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The file is read at each try."""
    secret = tmp_path / "password"
    secret.write_text("wrong-password\n")
    secret.chmod(0o600)
    config = MqttConfig(host="127.0.0.1", user="hub", password_file=str(secret))

    async def test() -> None:
        async with hub_at(lambda: _at(endpoint_of(config), broker.port), tmp_path) as hub:
            hub.put(range(10))
            await hub.told("wrong user or password")
            secret.write_text("right\n")
            await hub.done()
            assert hub.publisher.state.trouble is None

    with Mosquitto(passwords=PASSWORDS) as broker:
        run(test())
    assert "right" not in caplog.text
    assert "wrong-password" not in caplog.text


def _at(endpoint: Endpoint, port: int) -> Endpoint:
    return Endpoint(endpoint.host, port, endpoint.user, endpoint.password, endpoint.tls)


def test_a_topic_that_may_not_be_written_holds_up_what_comes_after_it(tmp_path: Path) -> None:
    """Until somebody allows it; then everything arrives, in order."""
    acl = tmp_path / "acl"
    acl.write_text(NO_CUES)

    async def test() -> None:
        async with hub_at(Endpoint("127.0.0.1", broker.port, "hub", "right"), tmp_path) as hub:
            hub.put([0, 1])
            hub.put([2], CUE)
            hub.put([3, 4])
            await hub.told(f"refuses {CUE}: wrong user or password, or the user may not do this")
            assert "no commands" not in hub.trouble
            await until(lambda: hub.publisher.counts.refused > 1)
            assert [letter.payload for letter in hub.letters.waiting(0, 10)] == [b"2", b"3", b"4"]
            assert hub.publisher.state.is_connected
            acl.write_text(ALL)
            os.kill(broker.pid, signal.SIGHUP)
            await hub.done()
            await until(lambda: "refuses" not in hub.trouble)
            assert hub.publisher.counts.connects == 1

    with (
        Mosquitto(passwords=PASSWORDS, settings=[f"acl_file {acl}"]) as broker,
        Listener(broker.port, login=("coach", "coach")) as listener,
    ):
        run(test())
        listener.wait(lambda: listener.numbers("stride")[-2:] == [3, 4])
        told = [it.payload for it in listener.heard if it.topic != TOPICS.status]
        after = told[told.index(b"2") :]
        assert told[:2] == [b"0", b"1"]
        assert after == [b"2", b"3", b"4"]


def test_version_3_brokers_drop_what_may_not_be_written_without_a_word(tmp_path: Path) -> None:
    """A hole that only version 5 fills: the broker confirms what it throws away."""

    async def test() -> None:
        endpoint = Endpoint("127.0.0.1", broker.port, "hub", "right", speaks_v5=False)
        async with hub_at(endpoint, tmp_path) as hub:
            hub.put([1], CUE)
            hub.put([2])
            await hub.done()
            assert hub.publisher.state.protocol == "3.1.1"

    with (
        Mosquitto(passwords=PASSWORDS, acl=NO_CUES) as broker,
        Listener(broker.port, login=("coach", "coach")) as listener,
    ):
        run(test())
        assert listener.numbers("stride", 1) == [2]
        assert listener.payloads("cue") == []


def test_what_is_too_large_for_a_broker_waits_for_one_that_takes_it(tmp_path: Path) -> None:
    """Once its limit is raised, say: a stride is never let go of."""
    port = 0

    async def test() -> None:
        nonlocal port
        port = strict.port
        async with hub_at(lambda: Endpoint("127.0.0.1", port), tmp_path) as hub:
            hub.put([1])
            hub.letters.put([(STRIDE, b"2".zfill(3000))])
            hub.put([3])
            await hub.told("takes 2000 at most")
            await until(lambda: hub.publisher.counts.refused > 1)
            assert (hub.letters.count(), hub.publisher.counts.set_aside) == (2, 0)
            assert hub.publisher.counts.connects == 1
            strict.kill()
            port = roomy.port
            await hub.done()
            await until(lambda: hub.publisher.state.trouble is None)

    with (
        Mosquitto(settings=["max_packet_size 2000"]) as strict,
        Mosquitto() as roomy,
        Listener(roomy.port) as listener,
    ):
        run(test())
        assert listener.numbers("stride", 2) == [2, 3]


def test_a_live_message_that_is_too_large_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything else goes on; it is told once."""

    async def test() -> None:
        async with hub_at(broker.port, tmp_path) as hub:
            hub.publisher.live(TOPICS.meta, bytes(30_000), retain=True)
            await hub.told(f"{TOPICS.meta} is left out")
            hub.put(range(10))
            hub.publisher.live(TOPICS.meta, bytes(31_000), retain=True)
            hub.publisher.live(TOPICS.checklist, b"[]")
            await hub.done()
            await until(lambda: listener.payloads("checklist") == [b"[]"])
            assert (hub.publisher.counts.connects, hub.publisher.counts.dropped) == (1, 2)

    with Mosquitto(settings=["max_packet_size 10000"]) as broker, Listener(broker.port) as listener:
        run(test())
        assert caplog.text.count("is left out") == 1


def test_a_hub_of_the_same_name_is_named(tmp_path: Path) -> None:
    async def test() -> None:
        first, second = tmp_path / "1", tmp_path / "2"
        first.mkdir()
        second.mkdir()
        async with hub_at(broker.port, first) as hub:
            await hub.connected()
            async with hub_at(broker.port, second):
                await hub.told("is another hub called 'test-hub' there?")

    with Mosquitto() as broker:
        run(test())
