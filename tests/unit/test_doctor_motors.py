"""What doctor says of motors at pins, before a kernel that is made up."""

import ctypes
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from made_machine import case_in, first_on_path, lines, program, told
from rpi_gpio.lines import fake_gpio
from stridehub.doctor import gpio_library, gpiochip, motors
from stridehub.doctor.advice import Advice
from stridehub.doctor.finding import Says
from stridehub.record.snapshot import write_snapshot

PINS = '[haptics.gpio]\nleft = 18\nright = 19\nrunner = "r1"\n'
PERSIST = "sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs"


class ChipInfo(ctypes.Structure):
    """struct gpiochip_info."""

    _fields_ = (
        ("name", ctypes.c_char * 32),
        ("label", ctypes.c_char * 32),
        ("lines", ctypes.c_uint32),
    )


class LineInfo(ctypes.Structure):
    """struct gpio_v2_line_info."""

    _fields_ = (
        ("name", ctypes.c_char * 32),
        ("consumer", ctypes.c_char * 32),
        ("offset", ctypes.c_uint32),
        ("num_attrs", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("attrs", ctypes.c_uint64 * 20),
        ("padding", ctypes.c_uint32 * 4),
    )


class Kernel:
    """Chips by the path of their device."""

    def __init__(self) -> None:
        self.labels: dict[str, bytes] = {}
        self.users: dict[tuple[str, int], bytes] = {}

    def ioctl(self, descriptor: int, request: int, told: bytearray) -> int:
        device = os.readlink(f"/proc/self/fd/{descriptor}")
        if request == 0x8044B401:
            ChipInfo.from_buffer(told).label = self.labels[device]
        elif request == 0xC100B405:
            line = LineInfo.from_buffer(told)
            user = self.users.get((device, line.offset))
            line.flags = 0b1000 if user is None else 0b1001
            line.consumer = user or b""
        else:
            raise OSError(25, "Inappropriate ioctl for device")
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    monkeypatch.setattr(fcntl, "ioctl", made.ioctl)
    return made


def chip(kernel: Kernel, folder: Path, number: int = 0, label: str = "pinctrl-bcm2835") -> str:
    """Its device."""
    device = folder / "machine" / "dev" / f"gpiochip{number}"
    device.parent.mkdir(parents=True, exist_ok=True)
    device.touch()
    kernel.labels[str(device)] = label.encode()
    return str(device)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[None]:
    """RPi.GPIO can be loaded; it is not known which one it is."""
    folder = tmp_path / "fake"
    folder.mkdir()
    with fake_gpio(folder):
        yield


# ---- pins ----


def test_without_pins_in_the_settings_nothing_is_looked_at(tmp_path: Path) -> None:
    told(motors.look(case_in(tmp_path)), "ok", "the settings name no pins")
    pods_only = f'{PINS}[[runners]]\nrunner = "r1"\nhaptics = ["pod"]\n'
    told(motors.look(case_in(tmp_path, config=pods_only)), "ok", "leave the pins alone")


@pytest.mark.usefixtures("library")
def test_pins_are_free_or_the_hubs_or_somebody_elses(tmp_path: Path, kernel: Kernel) -> None:
    case = case_in(tmp_path, config=PINS)
    device = chip(kernel, tmp_path)
    told(motors.look(case), "ok", "pin 18 of gpiochip0 is free")
    told(motors.look(case), "ok", "pin 19 of gpiochip0 is free")
    kernel.users[device, 19] = b"fan"
    assert told(motors.look(case), "fail", "pin 19 of gpiochip0: 'fan' has it").advice == (
        Advice.FREE_PIN
    )
    kernel.users[device, 18] = b""
    told(motors.look(case), "fail", "pin 18 of gpiochip0: another program has it")
    write_snapshot(case.config.runtime, [])
    told(motors.look(case), "ok", "pin 19 of gpiochip0 is in use, and a hub runs")


@pytest.mark.usefixtures("library")
def test_the_headers_chip_is_found_among_others(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_in(tmp_path, config=PINS)
    chip(kernel, tmp_path, 0, "brcmvirt-gpio")
    chip(kernel, tmp_path, 4, "pinctrl-rp1")
    told(motors.look(case), "ok", "pin 18 of gpiochip4 is free")
    monkeypatch.setenv("RPI_LGPIO_CHIP", "0")
    told(motors.look(case), "ok", "pin 18 of gpiochip0 is free")


@pytest.mark.usefixtures("library")
def test_what_the_service_was_told_of_the_board_counts(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_in(tmp_path, {"run/systemd/system/x": ""}, PINS)
    chip(kernel, tmp_path, 0, "brcmvirt-gpio")
    chip(kernel, tmp_path, 2, "gpio-sim")
    environment = 'Environment=LG_WD=/nowhere \\"RPI_LGPIO_CHIP=2\\"'
    program(tmp_path / "bin", "systemctl", f'echo "LoadState=loaded\n{environment}"')
    monkeypatch.setenv("PATH", first_on_path(tmp_path / "bin"))
    told(motors.look(case), "ok", "pin 18 of gpiochip2 is free")


@pytest.mark.usefixtures("library")
def test_the_hubs_user_has_to_be_let_at_the_chip(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of tests are private."""
    case = case_in(tmp_path, {"run/systemd/system/x": ""}, PINS)
    chip(kernel, tmp_path)
    monkeypatch.setenv("PATH", first_on_path(tmp_path / "bin"))
    program(tmp_path / "bin", "systemctl", "echo LoadState=not-found")
    assert {it.verdict for it in motors.look(case)} == {"ok"}
    program(tmp_path / "bin", "systemctl", 'echo "LoadState=loaded\nUser=nobody"')
    found = told(motors.look(case), "fail", "gpiochip0: nobody may not use it")
    assert found.advice == Advice.ALLOW_GPIO.of(USER="nobody")


@pytest.mark.usefixtures("library")
def test_a_machine_without_chip_and_one_that_is_none(tmp_path: Path) -> None:
    case = case_in(tmp_path, config=PINS)
    told(motors.look(case), "fail", "there is no /dev/gpiochip")
    chip(Kernel(), tmp_path)
    told(motors.look(case), "warn", "does not answer: Inappropriate ioctl")


@pytest.mark.usefixtures("library")
def test_what_the_kernel_does_with_pins_that_nobody_has(tmp_path: Path) -> None:
    strict = case_in(tmp_path, {PERSIST: "N\n"}, PINS)
    told(motors.look(strict), "ok", "turns a pin off")
    keeping = case_in(tmp_path, {PERSIST: "Y\n"}, PINS)
    assert told(motors.look(keeping), "warn", "leaves a pin").advice == Advice.BE_STRICT


@pytest.mark.usefixtures("library")
def test_a_folder_for_lgpio_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_in(tmp_path, config=PINS)
    monkeypatch.setenv("LG_WD", str(tmp_path / "nowhere"))
    told(motors.look(case), "fail", "not to be written to")
    monkeypatch.setenv("LG_WD", str(tmp_path))
    assert not [line for line in lines(motors.look(case)) if "not to be written to" in line]


def test_the_kernels_structs_are_those_of_its_header(tmp_path: Path) -> None:
    """As a C compiler has them."""
    source = tmp_path / "sizes.c"
    source.write_text(
        "#include <linux/gpio.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n"
        'printf("%zu %zu %zu %zu %zu %lu %lu %lu\\n", sizeof(struct gpiochip_info),'
        "sizeof(struct gpio_v2_line_info), offsetof(struct gpio_v2_line_info, consumer),"
        "offsetof(struct gpio_v2_line_info, offset), offsetof(struct gpio_v2_line_info, flags),"
        "(unsigned long)GPIO_GET_CHIPINFO_IOCTL, (unsigned long)GPIO_V2_GET_LINEINFO_IOCTL,"
        "(unsigned long)GPIO_V2_LINE_FLAG_USED);\nreturn 0;\n}\n"
    )
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/linux/gpio.h").exists():
        pytest.skip("no compiler, or no headers of the kernel")
    program = tmp_path / "sizes"
    subprocess.run([compiler, "-o", program, source], check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert [int(number) for number in printed.split()] == [
        *(gpiochip.CHIP.size, gpiochip.LINE.size, 32, 64, 72),
        *(gpiochip.CHIP_INFO, gpiochip.LINE_INFO, gpiochip.IS_USED),
    ]


# ---- the library ----


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    """As pip notes it; each such as "lgpio 0.2.2"."""
    for library in libraries:
        name, version = library.split()
        about = folder / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
        about.parent.mkdir(parents=True)
        about.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize(
    ("libraries", "verdict", "words"),
    [
        (["rpi-lgpio 0.6", "lgpio 0.2.2.0"], "ok", "rpi-lgpio 0.6 on lgpio 0.2.2.0"),
        (["rpi-lgpio 0.6", "lgpio 0.0.0.2"], "fail", "lgpio 0.0.0.2 does not work"),
        (["RPi.GPIO 0.7.1"], "fail", "does not know newer boards"),
        (["RPi.GPIO 0.7.1", "rpi-lgpio 0.6", "lgpio 0.2.2.0"], "fail", "are installed"),
    ],
)
@pytest.mark.usefixtures("library")
def test_it_has_to_be_the_right_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    libraries: list[str],
    verdict: str,
    words: str,
) -> None:
    installed(tmp_path / "site", monkeypatch, *libraries)
    found = list(gpio_library.look_at_library(Says("motors"), os.environ))
    told(found, verdict, words)
    assert {it.verdict for it in found if it.verdict != "ok"} == {verdict} - {"ok"}


def test_one_that_is_not_there_is_told() -> None:
    found = told(gpio_library.look_at_library(Says("motors"), os.environ), "fail", "RPi")
    assert found.advice == Advice.INSTALL_GPIO


def test_one_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "RPi"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "GPIO.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(gpio_library, "DOCTOR_IMPORT_S", 1.0)
    told(
        gpio_library.look_at_library(Says("motors"), os.environ), "fail", "hangs while it is loaded"
    )
