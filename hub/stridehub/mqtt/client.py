"""paho as a hub wants it."""

import socket
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from stridehub.mqtt.endpoint import Endpoint
from stridehub.timing import MQTT_CONNECT_S

# Commands are far smaller, but who sends a megabyte shall hear why it is refused. What is larger
# still a version 5 broker keeps to itself.
MOST_BYTES_IN = 2 << 20


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes


def client_for(endpoint: Endpoint, client_id: str, will: Will | None, *, v5: bool) -> Client:
    """Not connected yet. The broker keeps nothing for it while it is away."""
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id,
        clean_session=None if v5 else True,
        protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = MQTT_CONNECT_S
    client.max_inflight_messages = 0  # whoever publishes looks to that
    client.username_pw_set(endpoint.user, endpoint.password)
    if endpoint.tls is not None:
        client.tls_set_context(endpoint.tls)
    if will is not None:
        client.will_set(will.topic, will.payload, qos=1, retain=True)
    client.on_socket_open = _send_at_once
    return client


def _send_at_once(_client: Client, _data: Any, stream: Any) -> None:
    """No message waits for the acknowledgement of the one before."""
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def limits() -> Properties:
    """What a version 5 broker is told of the hub when it connects."""
    properties = Properties(PacketTypes.CONNECT)
    properties.MaximumPacketSize = MOST_BYTES_IN
    return properties


@lru_cache(maxsize=64)
def expiry(expiry_s: int) -> Properties:
    """Of a message, for version 5."""
    properties = Properties(PacketTypes.PUBLISH)
    properties.MessageExpiryInterval = expiry_s
    return properties
