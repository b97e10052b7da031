"""The consumer as its user runs it, on a real broker: what a feed says is whole, a gap is found."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from consumer import Consumer
from mosquitto import Mosquitto
from stridehub.mqtt.messages import Alert, AlertLevel
from stridehub.mqtt.topics import Topics

PATIENCE_S = 60.0
ALERTS = Topics("hub-1").alert


def consume(root: Path, port: int, seconds: float) -> list[str]:
    """The command."""
    program = str(root / "tests" / "system" / "consume.py")
    return [sys.executable, program, "--port", str(port), "--seconds", str(seconds)]


@pytest.fixture
def broker() -> Iterator[Mosquitto]:
    with Mosquitto() as broker:
        yield broker


@pytest.fixture
def hub(broker: Mosquitto) -> Iterator[mqtt.Client]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def say(hub: mqtt.Client, *numbers: int) -> None:
    for seq in numbers:
        alert = Alert(
            t=time.time_ns() // 1_000_000, session="s1", seq=seq, level=AlertLevel.NOTICE,
            code="c", subject="", text="",
        )  # fmt: skip
        hub.publish(ALERTS, msgspec.json.encode(alert), qos=1).wait_for_publish(PATIENCE_S)


def judge_until(consumer: Consumer, messages: int) -> dict[str, Any]:
    end_s = time.monotonic() + PATIENCE_S
    while consumer.judge.in_sequence < messages:
        assert time.monotonic() < end_s
        consumer.judge_for(0.05)
    return consumer.judge.report()


def test_a_whole_sequence_is_good_and_a_gap_is_not(broker: Mosquitto, hub: mqtt.Client) -> None:
    with Consumer(broker.port) as consumer:
        say(hub, 0, 1, 1, 2)
        report = judge_until(consumer, 3)
        assert (report["is_good"], report["duplicates"]) == (True, 1)
        assert 0.0 <= report["latency_ms"]["Alert"]["p50"] < 1e3 * PATIENCE_S
        say(hub, 4)
        report = judge_until(consumer, 4)
        assert (report["is_good"], report["missing"]) == (False, 1)


def test_the_broker_keeps_for_a_consumer_what_it_misses(
    broker: Mosquitto, hub: mqtt.Client
) -> None:
    consumer = Consumer(broker.port, client_id="consumer-1")
    with consumer:
        say(hub, 0)
        judge_until(consumer, 1)
    say(hub, 1, 2)
    with consumer:
        say(hub, 3)
        assert judge_until(consumer, 4)["is_good"]


def test_who_is_not_let_in_is_told() -> None:
    with (
        Mosquitto(passwords={"hub": "secret"}) as broker,
        pytest.raises(ConnectionError, match="Not authorized"),
        Consumer(broker.port, user="hub", password="wrong"),
    ):
        pass


def test_the_program_reads_a_feed(broker: Mosquitto, root: Path) -> None:
    command = consume(root, broker.port, PATIENCE_S)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reader:
        assert reader.stderr is not None
        assert reader.stderr.readline() == b"reading\n"
        feed = [sys.executable, str(root / "tests" / "feed.py"), "--port", str(broker.port)]
        subprocess.run([*feed, "--runners", "3", "--seconds", "5"], check=True, timeout=PATIENCE_S)
        reader.send_signal(signal.SIGINT)
        output, _ = reader.communicate(timeout=PATIENCE_S)
    assert reader.returncode == 0, output.decode()
    report = json.loads(output)
    assert report["is_good"]
    for kind in ("StrideMessage", "Summary", "Cycle", "ZoneMessage", "Status", "HubMeta"):
        assert report["kinds"][kind] > 0
    assert len(report["sequences"]) >= 3


def test_the_program_fails_where_nothing_comes(broker: Mosquitto, root: Path) -> None:
    command = consume(root, broker.port, 0.2)
    done = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE_S)
    assert (done.returncode, json.loads(done.stdout)["in_sequence"]) == (1, 0)


def test_the_program_fails_where_no_broker_is(root: Path) -> None:
    command = consume(root, 1, 1.0)
    done = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"refused" in done.stderr
