"""The extension cffi builds from the headers of native/ (see native/build_kernel.py)."""

from typing import Any

ffi: Any
lib: Any
