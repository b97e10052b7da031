"""The machine, the program, and the libraries it stands on."""

import platform
import struct
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from stridehub import __version__
from stridehub.doctor.advice import Advice
from stridehub.doctor.case import Case
from stridehub.doctor.finding import Finding, Says

_SAYS = Says("versions")


def look(case: Case) -> Iterator[Finding]:
    bits = 8 * struct.calcsize("P")
    machine = case.model or platform.machine()
    yield _SAYS.ok(f"stridehub {__version__}, Python {platform.python_version()}, {bits} bit")
    yield _SAYS.ok(f"{machine}, {platform.system()} {platform.release()}")
    try:
        yield from of_libraries(requires("stridehub") or [])
    except PackageNotFoundError:
        text = "stridehub runs without being installed: what it needs is not known"
        yield _SAYS.warn(text, Advice.UPDATE)


def of_libraries(requirements: list[str]) -> Iterator[Finding]:
    """Each a line as pip writes it; what is for other machines is left out."""
    wanted = [Requirement(line) for line in requirements]
    needed = [need for need in wanted if need.marker is None or need.marker.evaluate()]
    is_good = True
    for need in needed:
        try:
            found = version(need.name)
        except PackageNotFoundError:
            is_good = False
            yield _SAYS.fail(f"{need.name} is not installed", Advice.UPDATE)
            continue
        if not need.specifier.contains(found, prereleases=True):
            is_good = False
            yield _SAYS.fail(f"{need.name} {found}, and {need.specifier} is needed", Advice.UPDATE)
    if is_good:
        yield _SAYS.ok("all libraries are there, as new as needed")
