"""The compiled core: `lib` and `ffi`, as cffi gives them."""

import importlib.util
from types import ModuleType
from typing import Any

from virtual_pod.build_core import MODULE, built_core


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location(MODULE, built_core())
    if spec is None or spec.loader is None:
        raise ImportError("the pod's core cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_module = _load()
ffi: Any = _module.ffi
lib: Any = _module.lib
