"""The Debian package says what the program and its installer say."""

import re
from pathlib import Path

from stridehub import __version__


def test_it_has_the_programs_version(root: Path) -> None:
    first = (root / "debian/changelog").read_text().splitlines()[0]
    assert first.startswith(f"stridehub ({__version__}) ")


def test_its_purge_takes_what_the_installers_takes(root: Path) -> None:
    """By then setup.sh is gone, so the package's own script repeats it."""
    installer = (root / "systemd/setup.sh").read_text()
    names = dict(re.findall(r"^([A-Z]+)=(\S+)$", installer, re.M))
    purge = installer.partition("purge() {")[2]
    for name in ("LOGINS", "RULES"):
        assert f'"${name}"' in purge
    removed = (root / "debian/stridehub.postrm").read_text()
    for path in ("/var/lib/stridehub", "/etc/stridehub"):
        assert path in purge
        assert path in removed
    for name in ("LOGINS", "RULES", "CERTS"):
        assert names[name].replace("$BROKER", names["BROKER"]) in removed


def test_the_manual_names_files_that_are_written(root: Path) -> None:
    page = (root / "debian/stridehub.1").read_text()
    installer = (root / "systemd/setup.sh").read_text().replace("$BROKER", "/etc/mosquitto")
    for path in re.findall(r"^\.I (/etc/\S+)$", page, re.M):
        assert path in installer
