"""The tools of the drills, and what the examples need, are pinned as strictly as those of the project."""

import json
from pathlib import Path

import pytest

OF_NODE = ("drills/docs", "examples/node_receiver")


class TestLocks:
    @pytest.mark.parametrize(
        "name",
        ["drills/docs/generator.lock", "drills/docs/java.lock", *(f"{each}/package-lock.json" for each in OF_NODE)],
    )
    def test_name_no_host(self, root: Path, name: str) -> None:
        assert "://" not in (root / name).read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", ["generator.lock", "java.lock"])
    def test_pin_and_hash_every_python_package(self, root: Path, name: str) -> None:
        text = (root / "drills/docs" / name).read_text(encoding="utf-8")

        assert "==" in text
        assert "--hash=sha256:" in text

    @pytest.mark.parametrize("folder", OF_NODE)
    def test_pin_and_hash_every_package_of_node(self, root: Path, folder: str) -> None:
        packages = json.loads((root / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        wanted = json.loads((root / folder / "package.json").read_text(encoding="utf-8"))["dependencies"]

        installed = {name: package for name, package in packages.items() if name}
        assert [name for name, package in installed.items() if "integrity" not in package] == []
        assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
