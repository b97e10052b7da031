"""Who may import whom: the layers of the package, read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "stridehub"

# From the ground up; a module imports from lower layers only.
LAYERS = [
    ["model", "errors", "hosts", "threads", "timing", "wall_clock"],
    ["config", "kernel", "rules", "summary"],
    ["checklist", "coaching", "wearing"],
    ["pods", "haptics", "mqtt", "record", "sim", "dashboard", "service"],
    ["app", "display", "synthetic", "captured"],
    ["team"],
    ["broadcast"],
    ["live", "uplink"],
    ["doctor"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
# Parts of these layers may use each other; those of the others never do.
NEIGHBOURLY = [0, 1]

# A library, and the only parts of the package that know it.
OWNERS = {
    "amqtt": ["mqtt.amqtt_broker"],
    "bleak": ["pods", "haptics.pod"],
    "bleak_retry_connector": ["pods"],
    "dbus_fast": ["pods.bluez"],
    "paho": ["mqtt"],
    "RPi": ["haptics.gpio"],
    "rich": ["display"],
    "cffi": ["kernel"],
    "_cffi_backend": ["kernel"],
    f"{PACKAGE}.kernel._native": ["kernel"],
}

LAYER_OF = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def modules(package: Path) -> Iterator[tuple[str, Path]]:
    """Dotted names within the package ("" for its own __init__), and the files."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(name: str, path: Path) -> Iterator[str]:
    """Absolute names of everything the module imports, wherever in the file it does so."""
    anchor = [PACKAGE, *(name.split(".") if name else [])]
    if path.name != "__init__.py":
        anchor.pop()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = anchor[: len(anchor) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def layer_fault(name: str, target: str) -> str | None:
    mine, other = name.split(".")[0], target.split(".")[1]
    if not mine:
        return f"the package itself imports {target}"
    if other not in LAYER_OF:
        return None  # an attribute of the package, such as __version__
    if mine == other:
        return None
    below = LAYER_OF[other] < LAYER_OF[mine]
    beside = LAYER_OF[other] == LAYER_OF[mine] and LAYER_OF[mine] in NEIGHBOURLY
    return None if below or beside else f"{name} imports {target}, which is not below it"


def owner_fault(name: str, target: str) -> str | None:
    for library, owners in OWNERS.items():
        if within(target, library) and not any(within(name, owner) for owner in owners):
            return f"{name} imports {target}; only {' and '.join(owners)} may"
    return None


def faults(package: Path) -> list[str]:
    found = []
    for name, path in modules(package):
        if name and name.split(".")[0] not in LAYER_OF:
            found.append(f"{name} stands in no layer")
            continue
        for target in imports(name, path):
            if (
                within(target, PACKAGE)
                and target != PACKAGE
                and (fault := layer_fault(name, target))
            ):
                found.append(fault)
            if fault := owner_fault(name, target):
                found.append(fault)
    return found


def test_the_package_keeps_its_layers(root: Path) -> None:
    package = root / "hub" / PACKAGE
    assert {"model", "errors", "kernel.wire"} <= {name for name, _ in modules(package)}
    assert faults(package) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("model.py", "from stridehub.kernel import wire"),
        ("kernel/stride.py", "import stridehub.coaching.zones"),
        ("kernel/stride.py", "from ..sim import runner"),
        ("coaching/policy.py", "from stridehub.mqtt.topics import STRIDE"),
        ("pods/link.py", "from stridehub import haptics"),
        ("sim/runner.py", "def late():\n    import stridehub.pods.gatt"),
        ("record/store.py", "from ..app import Pipeline"),
        ("app.py", "from .cli import main"),
        ("__init__.py", "from .model import Placement"),
        ("kernel/__init__.py", "from ..coaching import zones"),
        ("elsewhere.py", ""),
        ("haptics/gpio.py", "import bleak"),
        ("app.py", "import paho.mqtt.client as mqtt"),
        ("haptics/driver.py", "from RPi import GPIO"),
        ("sim/packets.py", "from stridehub.kernel._native import lib"),
        ("coaching/zones.py", "from cffi import FFI"),
        ("commands/demo.py", "from rich.live import Live"),
        ("app.py", "from stridehub.commands.replay import run"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, module: str, source: str) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert len(faults(tmp_path)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("model.py", "from stridehub.errors import StrideHubError"),
        ("kernel/wire.py", "from . import _native\nfrom stridehub.kernel._native import lib"),
        ("sim/pod.py", "from stridehub.kernel.wire import encode"),
        ("pods/link.py", "import bleak\nfrom .gatt import SAMPLES"),
        ("haptics/pod.py", "from bleak import BleakClient"),
        ("cli.py", "from stridehub import __version__\nfrom .app import run"),
        ("display.py", "def live() -> None:\n    import rich.live"),
        ("__main__.py", "from stridehub.cli import main"),
    ],
)
def test_what_is_allowed_is_no_fault(tmp_path: Path, module: str, source: str) -> None:
    path = tmp_path / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    assert faults(tmp_path) == []
