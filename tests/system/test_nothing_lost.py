"""The broker is away, the hub is killed: in the end every stride that was kept has arrived."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from consumer import Consumer
from mosquitto import Mosquitto

PATIENCE_S = 120.0


class Hub:
    """A child that can be killed."""

    def __init__(self, root: Path, port: int, state: Path, seconds: float) -> None:
        self.state = state
        self._process = subprocess.Popen(
            [
                sys.executable, root / "tests" / "fast_hub.py",
                "--port", str(port), "--state", str(state),
                "--runners", "1", "--seconds", str(seconds), "--speed", "60",
            ],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.session = self.line("begun")

    def line(self, word: str) -> str:
        assert self._process.stdout is not None
        told, _, value = self._process.stdout.readline().strip().partition(" ")
        assert told == word
        return value

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self) -> None:
        self._process.communicate(timeout=PATIENCE_S)
        assert self._process.returncode == 0


def kept(state: Path) -> set[tuple[str, str, int]]:
    """Runner, session and seq of every stride in the store."""
    query = "SELECT runner, id, seq FROM strides JOIN sessions ON strides.session = sessions.number"
    with closing(sqlite3.connect(state / "sessions.sqlite")) as database:
        return set(database.execute(query))


def arrived(consumer: Consumer) -> set[tuple[str, str, int]]:
    return {
        (topic.split("/")[4], session, seq)
        for (topic, session), received in consumer.judge_now().received.items()
        if topic.endswith("/stride")
        for seq in received.seen
    }


def until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_ten_minutes_without_a_broker_and_a_hub_that_is_killed(root: Path, tmp_path: Path) -> None:
    with (
        # It would drop what it cannot queue for a consumer that is back later than the hub.
        Mosquitto(persistence=tmp_path / "broker", settings=["max_queued_messages 0"]) as broker,
        Consumer(broker.port, client_id="judge") as consumer,
    ):
        state = tmp_path / "hub"
        first = Hub(root, broker.port, state, seconds=1200.0)
        until(lambda: len(arrived(consumer)) > 100)
        broker.stop()
        until(lambda: len(kept(state)) > 900)
        first.kill()
        second = Hub(root, broker.port, state, seconds=400.0)
        until(lambda: len(kept(state)) > 1800)  # ten minutes of them without a broker
        broker.start()
        strides = int(second.line("done"))
        second.end()
        until(lambda: arrived(consumer) == kept(state))
        judge = consumer.judge
    assert judge.missing == 0
    assert judge.is_good
    of_second = {seq for _, session, seq in kept(state) if session == second.session}
    assert strides == sum(session == second.session for _, session, _ in kept(state))
    assert of_second
    assert any(session == first.session for _, session, _ in kept(state))
