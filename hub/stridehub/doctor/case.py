"""What is looked at."""

from dataclasses import dataclass
from pathlib import Path

from stridehub.config import HubConfig

_MOST_BYTES = 65536  # of a file that the kernel makes up


@dataclass(frozen=True, slots=True)
class Case:
    """A hub's settings, and the machine that they are for."""

    config: HubConfig
    settings: Path | None = None  # the file that they are of; None: there is none
    root: Path = Path("/")  # of the machine's /sys, /proc, /dev and /run

    def read(self, name: str | Path) -> str | None:
        """What a file below the root says; None where it is not there, or says nothing to us."""
        try:
            with (self.root / name).open("rb") as file:
                content = file.read(_MOST_BYTES)
        except OSError:
            return None
        return content.decode(errors="replace").strip("\0\n ")

    def number(self, name: str | Path, base: int = 10) -> int | None:
        """Likewise."""
        try:
            return int(self.read(name) or "", base)
        except ValueError:
            return None

    def all(self, pattern: str) -> list[Path]:
        """Below the root, in order."""
        return sorted(self.root.glob(pattern))

    @property
    def model(self) -> str | None:
        """Of the machine, as boards tell it."""
        return self.read("proc/device-tree/model")

    @property
    def is_raspberry_pi(self) -> bool:
        return "Raspberry Pi" in (self.model or "")
