"""Every topic of a hub: what it carries and how it is sent."""

from dataclasses import dataclass

import msgspec

from stridehub.mqtt.commands import COMMANDS
from stridehub.mqtt.messages import (
    Ack,
    Alert,
    ChecklistMessage,
    CueMessage,
    CueResponseMessage,
    Cycle,
    Explain,
    HubMeta,
    PodHealthMessage,
    Status,
    StrideMessage,
    Summary,
    ZoneMessage,
)
from stridehub.mqtt.topics import Topics
from stridehub.timing import LIVE_EXPIRY_S

PARAMETERS = {
    "hub": "The hub's name: `hub` of its settings, else the machine's name.",
    "runner": "The runner's id, a pseudonym. Names stay on the hub.",
    "pod": "The pod's address without its colons.",
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One topic. Commands go to the hub, all others come from it."""

    name: str
    address: str
    payloads: tuple[type[msgspec.Struct], ...]
    when: str
    qos: int
    retain: bool = False
    expiry_s: int | None = None
    is_command: bool = False


_TOPICS = Topics("{hub}")
_RUNNER, _POD = "{runner}", "{pod}"

FROM_HUB = (
    Channel("status", _TOPICS.status, (Status,), "every 5 s, and when it changes", 0, retain=True),
    Channel("meta", _TOPICS.meta, (HubMeta,), "when the hub starts", 0, retain=True),
    Channel("checklist", _TOPICS.checklist, (ChecklistMessage,), "when it changes", 0, retain=True),
    Channel("health", _TOPICS.health(_POD), (PodHealthMessage,), "every 5 s", 0),
    Channel("stride", _TOPICS.stride(_RUNNER), (StrideMessage,), "every stride", 1),
    Channel(
        "cue", _TOPICS.cue(_RUNNER), (CueMessage, CueResponseMessage),
        "every cue; later what came of it", 1,
    ),
    Channel(
        "summary", _TOPICS.summary(_RUNNER), (Summary,), "every second while there is news", 0,
        retain=True, expiry_s=LIVE_EXPIRY_S,
    ),
    Channel(
        "cycle", _TOPICS.cycle(_RUNNER), (Cycle,), "every second while there is news", 0,
        retain=True, expiry_s=LIVE_EXPIRY_S,
    ),
    Channel("zone", _TOPICS.zone(_RUNNER), (ZoneMessage,), "when they change", 0, retain=True),
    Channel("explain", _TOPICS.explain(_RUNNER), (Explain,), "every 30 s", 0, retain=True),
    Channel("alert", _TOPICS.alert, (Alert,), "when something goes wrong", 1),
    Channel("ack", _TOPICS.ack, (Ack,), "the answer to a command", 1),
)  # fmt: skip

TO_HUB = tuple(
    Channel(name, _TOPICS.command(name), (kind,), "by a coach", 1, is_command=True)
    for name, kind in COMMANDS.items()
)

CHANNELS = FROM_HUB + TO_HUB
