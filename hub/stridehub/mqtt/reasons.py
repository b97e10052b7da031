"""Why there is no connection to a broker, in words for people."""

import socket
import ssl

from paho.mqtt.reasoncodes import ReasonCode

_ADVICE = {
    "Bad user name or password": "wrong user or password",
    "Not authorized": "wrong user or password, or the user may not do this",
    "Client identifier not valid": "it does not take this hub's name",
    "Session taken over": "another hub with the same name is there",
    "Server unavailable": "it is not ready",
    "Server busy": "it is busy",
    "Server shutting down": "it shuts down",
    "Quota exceeded": "a quota is used up",
    "Keep alive timeout": "it heard nothing of this hub for too long",
}


def of_error(error: Exception, *, over_tls: bool) -> str:
    """Why there was no connection, or no TLS on it."""
    if over_tls and isinstance(error, ConnectionResetError | ssl.SSLEOFError):
        return "it hung up on TLS: is this its port for TLS?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, socket.gaierror):
        return f"no such host, or no network: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or repr(error)


def of_code(code: ReasonCode) -> str:
    """What a broker answered."""
    name = code.getName()
    return _ADVICE.get(name, name.lower())


def of_hang_up(line: str | None, *, over_tls: bool) -> str:
    """Of a connection that ended before the broker answered, by what paho wrote last."""
    words = (line or "").lower()
    if "certificate required" in words or "handshake failure" in words:
        return "it wants a certificate of this hub: cert_file and key_file"
    if "alert unknown ca" in words or "alert bad certificate" in words:
        return "it does not trust this hub's certificate"
    if "alert certificate expired" in words:
        return "this hub's certificate has expired"
    if over_tls:  # often the alert is lost with the connection
        return "it hung up at once: does it want a certificate of this hub, or another one?"
    return "it hung up at once"
