"""Publishes what a hub with runners would, to a broker that is there: pages can be tried with it.

    python tests/feed.py --runners 6 --port 1883

It answers commands as a hub would, and ends on Ctrl-C.
"""

import argparse
import time
import uuid
from collections import Counter

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from feed_messages import alert, checklist, meta, pods, utc_ms
from feed_runner import FeedRunner
from stridehub import __version__
from stridehub.model import Side
from stridehub.mqtt.commands import COMMANDS, Command, Mute, SessionStart, SessionStop, Unmute
from stridehub.mqtt.messages import (
    Ack,
    AckState,
    CueMessage,
    HubState,
    Message,
    Status,
    StrideMessage,
)
from stridehub.mqtt.topics import Topics

TICK_S = 0.05
STATUS_S = 5.0
HEALTH_S = 5.0
SUMMARY_S = 1.0
EXPLAIN_S = 30.0
CUE_S = 20.0
RESPONSE_S = 8.0
ALERT_S = 40.0
EXPIRY_S = 60
OLD_COMMAND_MS = 10_000
READY_AFTER_S = 20.0


class Feed:
    """One hub."""

    def __init__(
        self, hub: str, runners: int, port: int, user: str = "", password: str = ""
    ) -> None:
        began_s = time.monotonic()
        self._began_s = began_s
        self._topics = Topics(hub)
        self._runners = {r.name: r for r in (FeedRunner(n + 1, began_s) for n in range(runners))}
        self._session: str | None = uuid.uuid4().hex[:12]
        self._next_seq: Counter[str] = Counter()
        self._due_s: dict[object, float] = {}
        self._open_cues: dict[str, tuple[float, CueMessage]] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        if user:
            self._client.username_pw_set(user, password)
        self._client.will_set(
            self._topics.status, msgspec.json.encode(self._status(HubState.OFFLINE)), 1, True
        )
        self._client.on_connect = lambda client, *_: client.subscribe(self._topics.commands, 1)
        self._client.on_message = lambda _client, _data, message: self._on_command(message)
        self._client.connect("127.0.0.1", port)

    def run(self, seconds: float | None) -> None:
        self._client.loop_start()
        try:
            while seconds is None or time.monotonic() < self._began_s + seconds:
                self.step()
                time.sleep(TICK_S)
        except KeyboardInterrupt:
            pass
        finally:
            self._tell(self._topics.status, self._status(HubState.OFFLINE), retain=True)
            self._client.disconnect()
            self._client.loop_stop()

    def step(self) -> None:
        """Publishes what is due."""
        now_s = time.monotonic()
        if self._is_due("meta", now_s, 3600.0):
            self._tell(self._topics.meta, meta(), retain=True)
        if self._is_due("status", now_s, STATUS_S):
            self._tell(self._topics.status, self._status(HubState.ONLINE), retain=True)
            self._tell(
                self._topics.checklist,
                checklist(self._first, now_s > self._began_s + READY_AFTER_S),
                retain=True,
            )
        if self._session and self._is_due("alert", now_s, ALERT_S):
            seq = self._seq(self._topics.alert)
            self._tell(self._topics.alert, alert(self._first, self._session, seq), qos=1)
        for runner in self._runners.values():
            self._step_of(runner, now_s)

    def _step_of(self, runner: FeedRunner, now_s: float) -> None:
        name, t = runner.name, utc_ms()
        if self._is_due((name, "pods"), now_s, HEALTH_S):
            for pod in pods(runner.name, t):
                self._tell(self._topics.health(pod.name), pod)
        if self._is_due((name, "summary"), now_s, SUMMARY_S):
            self._tell_for_a_while(
                self._topics.summary(name), runner.summary(now_s, t, self._session)
            )
            self._tell_for_a_while(self._topics.cycle(name), runner.cycle(t))
            self._tell(self._topics.zone(name), runner.zones(now_s, t), retain=True)
        if self._is_due((name, "explain"), now_s, EXPLAIN_S):
            self._tell(self._topics.explain(name), runner.explain(t), retain=True)
        if self._session is None:
            return
        for side in Side:
            if self._is_due((name, side), now_s, runner.stride_s(now_s)):
                seq = self._seq(self._topics.stride(name))
                stride = runner.stride(side, now_s, t, self._session, seq)
                self._tell(self._topics.stride(name), stride, qos=1)
        self._step_cues(runner, now_s, self._session)

    def _step_cues(self, runner: FeedRunner, now_s: float, session: str) -> None:
        topic = self._topics.cue(runner.name)
        if not runner.is_muted and self._is_due((runner.name, "cue"), now_s, CUE_S):
            cue = runner.cue(now_s, utc_ms(), session, self._seq(topic))
            self._open_cues[runner.name] = now_s, cue
            self._tell(topic, cue, qos=1)
        given_s, open_cue = self._open_cues.get(runner.name, (now_s, None))
        if open_cue is not None and now_s > given_s + RESPONSE_S:
            del self._open_cues[runner.name]
            self._tell(topic, runner.response(open_cue, utc_ms(), session, self._seq(topic)), qos=1)

    def _is_due(self, what: object, now_s: float, every_s: float) -> bool:
        """Things that come equally often come at different moments."""
        first_s = self._began_s + (0.37 * len(self._due_s)) % 1.0 * min(every_s, 1.0)
        if now_s < self._due_s.setdefault(what, first_s):
            return False
        self._due_s[what] = now_s + every_s
        return True

    @property
    def _first(self) -> str:
        return next(iter(self._runners))

    def _seq(self, topic: str) -> int:
        self._next_seq[topic] += 1
        return self._next_seq[topic] - 1

    # ---- messages ----

    def _status(self, state: HubState) -> Status:
        return Status(
            t=utc_ms(),
            state=state,
            version=__version__,
            session=self._session,
            runners=tuple(self._runners),
        )

    # ---- commands ----

    def _on_command(self, message: mqtt.MQTTMessage) -> None:
        self._tell(self._topics.ack, self._answer(message), qos=1)

    def _answer(self, message: mqtt.MQTTMessage) -> Ack:
        name = message.topic.rpartition("/")[2]
        kind = COMMANDS.get(name)
        if kind is None:
            return _refused("", name, "no such command")
        try:
            command = msgspec.json.decode(message.payload, type=kind)
        except (msgspec.DecodeError, ValueError) as error:
            return _refused("", name, str(error))
        if abs(utc_ms() - command.t) > OLD_COMMAND_MS:
            return _refused(command.id, name, "too old; is the clock right?")
        runner = getattr(command, "runner", None)
        if runner is not None and runner not in self._runners:
            return _refused(command.id, name, f"no runner {runner!r} here")
        self._obey(command)
        session = self._session if isinstance(command, SessionStart) else None
        return Ack(t=utc_ms(), id=command.id, command=name, state=AckState.DONE, session=session)

    def _obey(self, command: Command) -> None:
        if isinstance(command, SessionStart):
            self._session = uuid.uuid4().hex[:12]
            self._next_seq.clear()
        elif isinstance(command, SessionStop):
            self._session = None
        elif isinstance(command, Mute | Unmute):
            for name, runner in self._runners.items():
                if command.runner in (None, name):
                    runner.is_muted = isinstance(command, Mute)
        self._due_s["status"] = 0.0

    # ---- publishing ----

    def _tell(
        self, topic: str, message: Message | StrideMessage, *, qos: int = 0, retain: bool = False
    ) -> None:
        self._client.publish(topic, msgspec.json.encode(message), qos, retain)

    def _tell_for_a_while(self, topic: str, message: Message) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = EXPIRY_S
        self._client.publish(topic, msgspec.json.encode(message), 0, True, properties)


def _refused(command_id: str, name: str, reason: str) -> Ack:
    return Ack(t=utc_ms(), id=command_id, command=name, state=AckState.REFUSED, reason=reason)


def main() -> None:
    parser = argparse.ArgumentParser(description="A hub's messages, without the hub.")
    parser.add_argument("--runners", type=int, default=6)
    parser.add_argument("--port", type=int, default=1883, help="MQTT of the broker on this machine")
    parser.add_argument("--hub", default="track")
    parser.add_argument("--seconds", type=float, help="default: until Ctrl-C")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    feed = Feed(options.hub, options.runners, options.port, options.user, options.password)
    feed.run(options.seconds)


if __name__ == "__main__":
    main()
