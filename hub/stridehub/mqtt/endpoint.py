"""Where a broker is, and what it takes to be let in."""

import logging
import ssl
import stat
from dataclasses import dataclass, field
from pathlib import Path

from stridehub.config import MqttConfig
from stridehub.errors import ConfigError
from stridehub.hosts import in_url

log = logging.getLogger(__name__)

MQTT_PORT, MQTTS_PORT = 1883, 8883
MAX_PASSWORD_BYTES = 1024  # a line in a file; MQTT would take 64 KiB

_warned: set[Path] = set()  # files are read anew at each try, people are told once


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A broker. `speaks_v5`: None where nobody has asked it yet.

    `alias` goes with the hub's name where others could guess that and take the hub's place. A club
    needs none: its broker has passwords, and notices two hubs of one name.
    """

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    speaks_v5: bool | None = None
    alias: str = ""

    def __str__(self) -> str:
        return f"{in_url(self.host)}:{self.port}"


def endpoint_of(config: MqttConfig) -> Endpoint:
    """Reads the files it names. Raises ConfigError, also where no host is named."""
    if config.host is None:
        raise ConfigError("mqtt.host", "names no broker")
    return Endpoint(
        config.host,
        config.port or (MQTTS_PORT if config.is_secure else MQTT_PORT),
        config.user,
        None if config.password_file is None else _password(config.password_file),
        _tls(config) if config.is_secure else None,
    )


def _password(name: str) -> str:
    """The first line of the file."""
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PASSWORD_BYTES + 1)
        _warn_if_public(path)
        password = content.decode().partition("\n")[0].rstrip("\r")
    except (OSError, ValueError) as error:  # bytes that are no text
        raise ConfigError(name, f"password not read: {error}") from None
    if not password or len(content) > MAX_PASSWORD_BYTES:
        raise ConfigError(name, f"holds no password of 1 to {MAX_PASSWORD_BYTES} bytes")
    return password


def _tls(config: MqttConfig) -> ssl.SSLContext:
    """Never without a look at the broker's certificate and name."""
    try:
        context = ssl.create_default_context(cafile=_path(config.ca_file))
    except (OSError, ValueError) as error:
        raise ConfigError(config.ca_file, f"no authority's certificate: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TidySocket
    certificate, key = _path(config.cert_file), _path(config.key_file)
    if certificate is None or key is None:
        return context
    try:
        # An empty password: OpenSSL would ask at the terminal.
        context.load_cert_chain(certificate, key, password="")
        _warn_if_public(Path(key))
    except (OSError, ValueError) as error:
        raise ConfigError(config.cert_file, f"no certificate with its key: {error}") from error
    return context


class _TidySocket(ssl.SSLSocket):
    """Closes where no handshake was possible: paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _path(name: str | None) -> str | None:
    return None if name is None else str(Path(name).expanduser())


def _warn_if_public(path: Path) -> None:
    if path.stat().st_mode & stat.S_IROTH and path not in _warned:
        _warned.add(path)
        log.warning("%s can be read by everybody here: chmod o-r", path)
