"""Errors as BlueZ says them on D-Bus."""

import re
from typing import Any

import sdbus
from sdbus.sd_bus_internals import DBUS_ERROR_TO_EXCEPTION

_BLUEZ = "org.bluez.Error."
_READ_NOT_PERMITTED, _WRITE_NOT_PERMITTED = 0x02, 0x03
_NOT_PAIRED = frozenset({0x05, 0x0C, 0x0F})


def bluez_error(name: str, message: str) -> Exception:
    """`name` is short, such as "Failed", or a whole one with dots."""
    whole = name if "." in name else _BLUEZ + name
    kind = DBUS_ERROR_TO_EXCEPTION.get(whole)
    if kind is None:
        named: Any = type(sdbus.DbusFailedError)  # it registers the name with sdbus
        kind = named("NamedError", (sdbus.DbusFailedError,), {"dbus_error_name": whole})
    error: Exception = kind(message)
    return error


def att_error(code: int) -> Exception:
    """What a client hears of an ATT error."""
    if code == _READ_NOT_PERMITTED:
        return bluez_error("NotPermitted", "Read not permitted")
    if code == _WRITE_NOT_PERMITTED:
        return bluez_error("NotPermitted", "Write not permitted")
    if code in _NOT_PAIRED:
        return bluez_error("NotPermitted", "Not paired")
    return bluez_error("Failed", f"Operation failed with ATT error: 0x{code:02x}")


def relayed_error(refusal: Exception) -> Exception:
    """What a client hears of an application's error; an ATT code is its whole message."""
    message = str(refusal.args[0]) if refusal.args else ""
    if re.fullmatch("0x[0-9a-f]{2}", message):
        return att_error(int(message, 16))
    return bluez_error("Failed", "Operation failed")


def unreachable() -> Exception:
    """A connection that does not come about, for whatever reason on the air."""
    return bluez_error("Failed", "le-connection-abort-by-local")


def no_slot() -> Exception:
    """The controller holds no more links."""
    return bluez_error("Failed", "le-connection-concurrent-connection-limit")


def not_ready() -> Exception:
    return bluez_error("NotReady", "Resource Not Ready")
