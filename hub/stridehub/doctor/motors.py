"""Motors at pins, where the settings name some. None is ever turned on."""

import os
from collections.abc import Iterator
from pathlib import Path

from stridehub.config import GpioConfig
from stridehub.doctor.account import Account, hub_account
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says
from stridehub.doctor.gpio_library import look_at_library
from stridehub.doctor.gpiochip import label, line
from stridehub.doctor.unit import HUB_UNIT, unit_of
from stridehub.record.snapshot import read_snapshot

_BOARD_CHIP = "pinctrl-"  # how the labels begin of the chips behind the header of any Pi
_BOARD = "RPI_LGPIO_"  # what rpi-lgpio is told where it does not know the board
_CHOSEN = f"{_BOARD}CHIP"  # a number
_WORK_DIR = "LG_WD"  # for lgpio's pipe

_SAYS = Says("motors")


def look(case: Case) -> Iterator[Finding]:
    wires = case.config.haptics.gpio
    if wires is None:
        yield _SAYS.ok("the settings name no pins: pods buzz, if anything does")
        return
    if "gpio" not in case.config.drivers(wires.runner):
        yield _SAYS.ok(f"the drivers of {wires.runner} leave the pins alone")
        return
    environment = _environment(case)
    yield from look_at_library(_SAYS, environment)
    yield from _of_folder()
    yield from _of_chip(case, wires, hub_account(case), environment.get(_CHOSEN))
    yield from _of_kernel(case)


def _environment(case: Case) -> dict[str, str]:
    """With what the service has been told of the board. Raises OSError."""
    unit = unit_of(case, HUB_UNIT)
    given = unit.environment if unit is not None else {}
    board = {name: value for name, value in given.items() if name.startswith(_BOARD)}
    return {**os.environ, **board}


def _of_folder() -> Iterator[Finding]:
    folder = os.environ.get(_WORK_DIR)
    if folder is not None and not os.access(folder, os.W_OK | os.X_OK):
        yield _SAYS.fail(f"{_WORK_DIR} is {folder}: not to be written to", Advice.SET_LG_WD)


def _of_chip(
    case: Case, wires: GpioConfig, account: Account, chosen: str | None
) -> Iterator[Finding]:
    devices = case.all("dev/gpiochip*")
    if not devices:
        yield _SAYS.fail("there is no /dev/gpiochip", Advice.NO_GPIOCHIP)
        return
    try:
        device = _board_chip(devices, chosen)
        if not account.may(device, os.R_OK | os.W_OK):
            text = f"{device}: {account.name} may not use it"
            yield _SAYS.fail(text, Advice.ALLOW_GPIO, USER=account.name)
        for pin in (wires.left, wires.right):
            yield _of_pin(case, device, pin)
    except PermissionError as error:
        yield _SAYS.warn(f"{error.filename} may not be looked at", Advice.ASK_AS_ROOT)
    except OSError as error:
        text = f"{devices[0].parent}/gpiochip* does not answer: {error.strerror}"
        yield _SAYS.warn(text, Advice.LOOK_BY_HAND)


def _board_chip(devices: list[Path], chosen: str | None) -> Path:
    """That of the header: which number it has depends on board and kernel. Raises OSError."""
    for device in devices:
        is_chosen = device.name == f"gpiochip{chosen}"
        if is_chosen or (chosen is None and label(device).startswith(_BOARD_CHIP)):
            return device
    return devices[0]


def _of_pin(case: Case, device: Path, pin: int) -> Finding:
    """Raises OSError."""
    found = line(device, pin)
    if not found.is_used:
        return _SAYS.ok(f"pin {pin} of {device.name} is free")
    if read_snapshot(case.config.runtime) is not None:
        return _SAYS.ok(f"pin {pin} of {device.name} is in use, and a hub runs")
    who = f"{found.user!r}" if found.user else "another program"
    return _SAYS.fail(f"pin {pin} of {device.name}: {who} has it", Advice.FREE_PIN)


def _of_kernel(case: Case) -> Iterator[Finding]:
    """Whether an output stays as it is when its program is gone: only Raspberry Pi's can."""
    for parameter in case.all("sys/module/pinctrl_*/parameters/persist_gpio_outputs"):
        if case.read(parameter) == "Y":
            text = "this kernel leaves a pin as it is when its program is killed"
            yield _SAYS.warn(text, Advice.BE_STRICT)
        else:
            yield _SAYS.ok("the kernel turns a pin off when its program is killed")
