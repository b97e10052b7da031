"""What a broker lets the hub do, asked without a word that anybody else would hear."""

import secrets
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from stridehub.errors import BrokerError
from stridehub.mqtt.answers import Answer
from stridehub.mqtt.bell import Bell
from stridehub.mqtt.connection import Connection, in_its_version
from stridehub.mqtt.endpoint import Endpoint
from stridehub.mqtt.topics import VERSION, Topics
from stridehub.timing import DOCTOR_BROKER_S, MQTT_TICK_S

_ECHO = "doctor"  # a command that no hub has


class Rights(NamedTuple):
    """Of the hub's user."""

    is_v5: bool
    write_refused: str | None  # why it may not write what is its own; 3.1.1 never says
    commands_refused: str | None  # why it may not subscribe to commands
    hears_commands: bool | None  # None: not tried, or it may not write there
    certificate_ends_s: float | None  # Unix time; None without TLS


def ask_rights(endpoint: Endpoint, topics: Topics, *, is_hub_away: bool) -> Rights:
    """Under a name of its own; nothing is retained, and there is no will.

    Only where the hub `is_hub_away` a command is sent, to see whether it comes back: a hub would
    answer it. Raises BrokerError.
    """
    heard: list[str] = []
    answers: dict[int, Answer] = {}

    def keep(answer: Answer) -> None:
        answers[answer.mid] = answer

    def connect(v5: bool) -> Connection:
        return Connection(
            endpoint,
            f"stridehub-{topics.hub}-doctor-{secrets.token_hex(4)}",
            None,
            v5=v5,
            on_message=lambda topic, payload, retained: heard.append(topic),
            on_answer=keep,
        )

    connection = in_its_version(endpoint, connect)
    bell = Bell()
    try:
        return _Asking(connection, endpoint, answers, heard, bell).rights(topics, is_hub_away)
    finally:
        connection.close()
        connection.drop()
        bell.close()


class _Asking:
    def __init__(
        self,
        connection: Connection,
        endpoint: Endpoint,
        answers: dict[int, Answer],
        heard: list[str],
        bell: Bell,
    ) -> None:
        self._connection = connection
        self._endpoint = endpoint
        self._answers = answers
        self._heard = heard
        self._bell = bell
        self._end_s = time.monotonic() + DOCTOR_BROKER_S

    def rights(self, topics: Topics, is_hub_away: bool) -> Rights:
        commands = self._answer(self._connection.subscribe(topics.commands))
        return Rights(
            is_v5=self._connection.is_v5,
            write_refused=self._answer(self._write(topics.doctor)),
            commands_refused=commands,
            hears_commands=self._hears(topics.command(_ECHO)) if is_hub_away else None,
            certificate_ends_s=_end_of(self._connection.certificate),
        )

    def _write(self, topic: str) -> int:
        payload = msgspec.json.encode({"v": VERSION, "t": round(1e3 * time.time())})
        return self._connection.publish(topic, payload, qos=1, retain=False)

    def _answer(self, mid: int) -> str | None:
        """Why not. Raises BrokerError where none comes."""
        while mid not in self._answers:
            if time.monotonic() > self._end_s:
                raise BrokerError(self._endpoint, "connected, and no answer to what it was sent")
            self._connection.turn(MQTT_TICK_S, self._bell)
        return self._answers[mid].refusal

    def _hears(self, topic: str) -> bool | None:
        """What it is not allowed to write it cannot hear; that is no fault."""
        if self._answer(self._write(topic)) is not None:
            return None
        while topic not in self._heard:
            if time.monotonic() > self._end_s:
                return False
            self._connection.turn(MQTT_TICK_S, self._bell)
        return True


def _end_of(certificate: Mapping[str, object] | None) -> float | None:
    ends = (certificate or {}).get("notAfter")
    return ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else None
