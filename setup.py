"""The cffi extension and the abi3 wheel tag; everything else is in pyproject.toml."""

from setuptools import setup

setup(
    cffi_modules=["native/build_kernel.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
