"""The card: room, file system, wear, and the databases on it."""

from collections.abc import Iterator
from pathlib import Path

from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.databases import look_over
from stridehub.doctor.finding import Finding, Says
from stridehub.doctor.mounts import Mount, mount_of
from stridehub.record.raw_space import free_mb

_NO_ROOM_MB = 20.0  # less than the hub's own last reserve: strides are lost soon
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_FOREIGN = frozenset({"vfat", "exfat", "ntfs", "ntfs3", "fuseblk"})  # of sticks and other systems
_NO_BARRIERS = frozenset({"nobarrier", "barrier=0"})

# Of eMMC, JEDEC 84-B50: tenths of its life, 11 where all are used up; and how much of the spare
# blocks is, 2 from four fifths on, 3 from nine tenths on.
_OLD, _WORN_OUT = 9, 11
_SPARE_LOW, _SPARE_GONE = 2, 3

_SAYS = Says("storage")


def look(case: Case) -> Iterator[Finding]:
    state = case.config.state
    yield from _of_room(case, _existing(state))
    mount = mount_of(case, state)
    if mount is not None:
        yield from _of_mount(case, mount)
        yield from _of_errors(case, mount)
    yield from _of_wear(case)
    yield from look_over(case, _SAYS)


def _existing(folder: Path) -> Path:
    """It, or the first one around it."""
    return next(place for place in (folder, *folder.absolute().parents) if place.is_dir())


def _of_room(case: Case, folder: Path) -> Iterator[Finding]:
    free, wanted_mb = free_mb(folder), case.config.record.free_mb
    text = f"{_size(free)} are free where {case.config.state} is"
    if free < _NO_ROOM_MB:
        yield _SAYS.fail(f"{text}: no room for strides", Advice.MAKE_ROOM)
    elif free < wanted_mb:
        text = f"{text}: less than free_mb ({wanted_mb}), raw recording ends"
        yield _SAYS.warn(text, Advice.MAKE_ROOM)
    else:
        yield _SAYS.ok(text)


def _size(mb: float) -> str:
    return f"{mb / 1e3:.1f} GB" if mb >= 1e3 else f"{mb:.0f} MB"


def _of_mount(case: Case, mount: Mount) -> Iterator[Finding]:
    where = f"{mount.point} ({mount.kind})"
    if "ro" in mount.options:
        text = f"{where} is read-only: so the kernel saves a file system that is damaged"
        yield _SAYS.fail(text, Advice.RESTART)
    elif mount.kind in _IN_MEMORY or _is_overlay_in_memory(case, mount):
        yield _SAYS.warn(f"{where} is in memory: gone with the power", Advice.KEEP_STATE)
    elif mount.kind in _FOREIGN:
        yield _SAYS.warn(f"{where} is no file system for a database", Advice.USE_EXT4)
    elif mount.options & _NO_BARRIERS:
        yield _SAYS.warn(f"{where} is mounted without barriers", Advice.USE_BARRIERS)
    else:
        yield _SAYS.ok(f"{where} can be written to")


def _is_overlay_in_memory(case: Case, mount: Mount) -> bool:
    """As Raspberry Pi OS has it to spare the card."""
    upper = mount.option("upperdir") if mount.kind == "overlay" else None
    below = None if upper is None else mount_of(case, Path(upper))
    return below is not None and below.kind in _IN_MEMORY


def _of_errors(case: Case, mount: Mount) -> Iterator[Finding]:
    """That ext4 has noted since it was last repaired."""
    name = (case.root / "sys/dev/block" / mount.device).resolve().name
    errors = case.number(f"sys/fs/{mount.kind}/{name}/errors_count")
    if errors:
        text = f"{mount.point}: the file system has noted errors: {errors}"
        yield _SAYS.warn(text, Advice.RESTART)


def _of_wear(case: Case) -> Iterator[Finding]:
    """Where it is told: by eMMC, and hardly any SD card."""
    for device in case.all("sys/block/mmcblk*/device"):
        lives = [int(life, 16) for life in (case.read(device / "life_time") or "").split()]
        tenths, spare = max(lives, default=0), case.number(device / "pre_eol_info", 16) or 0
        name = device.parent.name
        if tenths >= _WORN_OUT or spare >= _SPARE_GONE:
            yield _SAYS.fail(f"{name} is worn out", Advice.REPLACE_CARD)
        elif tenths >= _OLD or spare >= _SPARE_LOW:
            yield _SAYS.warn(f"{name} is nearly worn out", Advice.REPLACE_CARD)
        elif tenths:
            yield _SAYS.ok(f"{name}: at most {10 * tenths} % of its life is used")
