"""cffi builder of stridehub.kernel._native: the C kernel as one abi3 extension.

setup.py runs it from the project root; every path is relative to that, as setuptools asks.
"""

import re
from pathlib import Path

from cffi import FFI

NATIVE = Path("native")
HEADERS = [
    NATIVE / "include" / "pod_wire.h",
    NATIVE / "include" / "pod_link.h",
    NATIVE / "src" / "clock_sync.h",
    NATIVE / "include" / "stride_kernel.h",
]
SOURCES = sorted(NATIVE.glob("src/*.c"))
ABI3_FLOOR = "0x030B0000"  # Python 3.11, the oldest supported

FLAGS = ["-std=c11", "-O3", "-Wall", "-Wextra", "-fno-math-errno"]
# No -ffast-math: the kernel must notice NaN and Inf.


def declarations(header: Path) -> str:
    """The header as cffi reads it: no comments, no preprocessor.

    The headers are written for this: constants are enums, and no function has a body.
    """
    text = header.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*\n", "", text, flags=re.MULTILINE)


ffibuilder = FFI()
for header in HEADERS:
    ffibuilder.cdef(declarations(header))
ffibuilder.set_source(
    "stridehub.kernel._native",
    "".join(f'#include "{header.name}"\n' for header in HEADERS),
    sources=[str(source) for source in SOURCES],
    depends=[str(header) for header in sorted(NATIVE.glob("*/*.h"))],
    include_dirs=[str(NATIVE / "include"), str(NATIVE / "src")],
    define_macros=[("Py_LIMITED_API", ABI3_FLOOR)],
    py_limited_api=True,
    extra_compile_args=FLAGS,
    libraries=["m"],
)
