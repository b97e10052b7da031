"""What the page has of others is what its list says."""

import hashlib
import json
from pathlib import Path

import pytest


@pytest.fixture
def vendor(root: Path) -> Path:
    return root / "hub/stridehub/dashboard/page/vendor"


def test_every_file_is_listed_and_as_it_was_fetched(vendor: Path) -> None:
    packages = json.loads((vendor / "vendor.json").read_text())
    listed = {
        name: file["sha256"] for about in packages.values() for name, file in about["files"].items()
    }
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.iterdir()
        if path.name != "vendor.json"
    }
    assert found == listed


def test_every_package_has_its_licence(vendor: Path) -> None:
    packages = json.loads((vendor / "vendor.json").read_text())
    assert packages
    for about in packages.values():
        licences = [name for name in about["files"] if "LICENSE" in name]
        assert about["licence"]
        assert "Permission is hereby granted" in (vendor / licences[0]).read_text()
