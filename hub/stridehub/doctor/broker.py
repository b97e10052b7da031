"""The broker: is it there, does it let the hub in, and may the hub do there what it has to?"""

import time
from collections.abc import Iterator
from importlib.util import find_spec

from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.errors import BrokerError, ConfigError
from stridehub.mqtt.access import is_local
from stridehub.mqtt.endpoint import Endpoint, endpoint_of
from stridehub.mqtt.ports import free_ports
from stridehub.mqtt.probe import Rights, ask_rights
from stridehub.mqtt.programs import AMQTT, MOSQUITTO, found
from stridehub.mqtt.topics import Topics
from stridehub.record.snapshot import read_snapshot

_SOON_DAYS = 14.0
_DAY_S = 86400.0

_SAYS = Says("broker")


def look(case: Case) -> Iterator[Finding]:
    if case.config.mqtt.host is None:
        yield from _own(case)
    else:
        yield from _named(case)


# ---- a broker of the hub's own ----


def _own(case: Case) -> Iterator[Finding]:
    wanted = case.config.broker.program
    there = [
        name
        for name, is_there in (
            (MOSQUITTO, found(MOSQUITTO) is not None),
            (AMQTT, find_spec(AMQTT) is not None),
        )
        if is_there and wanted in (name, None)
    ]
    if there:
        yield _SAYS.ok(f"the hub brings its own: {there[0]}")
    else:
        yield _SAYS.fail(f"{wanted or MOSQUITTO} is not installed", Advice.INSTALL_BROKER)
    yield from _ports(case)


def _ports(case: Case) -> Iterator[Finding]:
    config = case.config.broker
    wanted = [config.port, config.ws_port]
    try:
        free = free_ports(config.listen, wanted)
    except BrokerError as error:
        yield _SAYS.fail(str(error), Advice.FREE_PORT)
        return
    taken = [str(port) for port in wanted if port not in free]
    if not taken:
        yield _SAYS.ok(f"its ports are free: {config.port}, for pages {config.ws_port}")
    elif read_snapshot(case.config.runtime) is not None:
        yield _SAYS.ok(f"port {' and '.join(taken)}: taken, and a hub runs")
    else:
        text = f"port {' and '.join(taken)}: another program has it; the hub moves to a free one"
        yield _SAYS.warn(text, Advice.FREE_PORT)


# ---- one that the settings name ----


def _named(case: Case) -> Iterator[Finding]:
    try:
        endpoint = endpoint_of(case.config.mqtt)
    except ConfigError as error:
        yield _SAYS.fail(str(error), Advice.MEND_MQTT)
        return
    if endpoint.tls is None and not is_local(endpoint.host):
        text = f"{endpoint}: no TLS: who is in that network reads along, passwords too"
        yield _SAYS.warn(text, Advice.ENCRYPT)
    is_hub_away = read_snapshot(case.config.runtime) is None
    try:
        rights = ask_rights(endpoint, Topics(case.config.name), is_hub_away=is_hub_away)
    except BrokerError as error:
        yield _SAYS.fail(str(error), _advice(error.reason))
        return
    yield _SAYS.ok(f"{endpoint}: {_welcome(endpoint, rights)}")
    yield from _rights(case.config.name, endpoint, rights)
    yield from _certificate(endpoint, rights.certificate_ends_s)


def _advice(reason: str) -> Advice:
    """By the words of mqtt.reasons."""
    if "TLS" in reason or "certificate" in reason:
        return Advice.TRUST_BROKER
    return Advice.LOG_IN if reason.startswith("refused") else Advice.START_BROKER


def _welcome(endpoint: Endpoint, rights: Rights) -> str:
    protocol = f"MQTT {'5' if rights.is_v5 else '3.1.1'}"
    secure = "" if endpoint.tls is None else ", its certificate is good"
    who = "without a name" if endpoint.user is None else f"as {endpoint.user}"
    return f"lets the hub in {who} ({protocol}{secure})"


def _rights(hub: str, endpoint: Endpoint, rights: Rights) -> Iterator[Finding]:
    if rights.write_refused is not None:
        text = f"{endpoint}: the hub may not write what it has to say: {rights.write_refused}"
        yield _SAYS.fail(text, Advice.GRANT, HUB=hub)
    elif rights.is_v5:
        yield _SAYS.ok("the hub may write what it has to say")
    elif not rights.hears_commands:
        text = f"{endpoint}: it does not tell whether the hub may write (MQTT 3.1.1)"
        yield _SAYS.warn(text, Advice.GRANT, HUB=hub)
    if rights.commands_refused is not None:
        text = f"{endpoint}: no commands for the hub: {rights.commands_refused}"
        yield _SAYS.fail(text, Advice.GRANT, HUB=hub)
    elif rights.hears_commands is False and rights.is_v5:
        yield _SAYS.fail(f"{endpoint}: commands do not come to the hub", Advice.GRANT, HUB=hub)
    elif rights.hears_commands:
        yield _SAYS.ok("commands come to the hub")


def _certificate(endpoint: Endpoint, ends_s: float | None) -> Iterator[Finding]:
    if ends_s is not None and ends_s - time.time() < _SOON_DAYS * _DAY_S:
        day = time.strftime("%Y-%m-%d", time.gmtime(ends_s))
        yield _SAYS.warn(f"{endpoint}: its certificate ends on {day}", Advice.RENEW)
