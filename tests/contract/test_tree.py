"""The rules of the house, read off the files that are committed."""

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

LONGEST_FILE = 400
# Written in two halves, so that this file does not find itself.
UNFINISHED = re.compile(
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error|mark\.(sk" + r"ip|xf" + r"ail)"
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:ho" + r"me/\w+|ro" + r"ot/|wo" + r"rk/|Us" + r"ers/\w+)")
CLOCK_CALLS = frozenset({"now", "utcnow", "today"})


@pytest.fixture(scope="module")
def committed(root: Path) -> list[Path]:
    """Every file that git knows, or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607  git is on PATH
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = [root / name for name in listed.split("\0") if name]
    assert found
    return [path for path in found if path.is_file()]


@pytest.fixture(scope="module")
def texts(committed: list[Path]) -> dict[Path, str]:
    """Their text, for those that are text."""
    read: dict[Path, str] = {}
    for path in committed:
        try:
            read[path] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return read


@pytest.fixture(scope="module")
def modules(root: Path) -> dict[Path, ast.Module]:
    """Every module of the application, parsed."""
    parsed = {path.relative_to(root): ast.parse(path.read_text(encoding="utf-8")) for path in root.glob("app/**/*.py")}
    assert parsed
    return parsed


def calls(tree: ast.Module) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


class TestTransactions:
    def test_only_the_database_module_commits(self, modules: dict[Path, ast.Module]) -> None:
        elsewhere = [
            f"{path}:{call.lineno}"
            for path, tree in modules.items()
            for call in calls(tree)
            if isinstance(call.func, ast.Attribute) and call.func.attr == "commit" and path != Path("app/core/db.py")
        ]

        assert elsewhere == []


class TestClock:
    def test_only_the_clock_asks_what_time_it_is(self, modules: dict[Path, ast.Module]) -> None:
        asked = [
            f"{path}:{call.lineno}"
            for path, tree in modules.items()
            for call in calls(tree)
            if isinstance(call.func, ast.Attribute)
            and call.func.attr in CLOCK_CALLS
            and ast.unparse(call.func.value).split(".")[-1] in {"datetime", "date"}
            and path != Path("app/core/clock.py")
        ]

        assert asked == []

    def test_rules_do_not_even_import_the_clock(self, modules: dict[Path, ast.Module]) -> None:
        importing = [
            str(path) for path, tree in modules.items() if path.name == "rules.py" and "clock" in imported_names(tree)
        ]

        assert importing == []


class TestErrors:
    def test_nothing_outside_core_knows_the_frameworks_exception(self, modules: dict[Path, ast.Module]) -> None:
        knowing = [
            str(path)
            for path, tree in modules.items()
            if path.parts[1] != "core" and "HTTP" + "Exception" in imported_names(tree)
        ]

        assert knowing == []


def imported_names(tree: ast.Module) -> set[str]:
    return {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }


class TestPackages:
    def test_each_says_what_it_is_for_and_nothing_else(self, root: Path, modules: dict[Path, ast.Module]) -> None:
        silent = []
        for folder in sorted({path.parent for path in modules}):
            tree = modules.get(folder / "__init__.py")
            # What is to be said before anything else is imported can only be said in the first package.
            alone = tree is not None and (len(tree.body) == 1 or folder == Path("app"))
            if tree is None or not ast.get_docstring(tree) or not alone:
                silent.append(str(folder))

        assert silent == []

    def test_every_folder_of_tests_is_a_package(self, root: Path) -> None:
        folders = {path.parent for path in root.glob("tests/**/test_*.py")}

        assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


class TestFiles:
    def test_none_holds_two_nouns(self, texts: dict[Path, str], root: Path) -> None:
        long = {
            str(path.relative_to(root)): len(text.splitlines())
            for path, text in texts.items()
            if path.suffix == ".py" and "versions" not in path.parts and len(text.splitlines()) > LONGEST_FILE
        }

        assert long == {}

    def test_nothing_is_left_unfinished_or_switched_off(self, texts: dict[Path, str], root: Path) -> None:
        found = [
            f"{path.relative_to(root)}:{number}"
            for path, text in texts.items()
            if path.suffix == ".py"
            for number, line in enumerate(text.splitlines(), 1)
            if UNFINISHED.search(line)
        ]

        assert found == []

    def test_none_names_a_machine(self, texts: dict[Path, str], root: Path) -> None:
        found = [
            f"{path.relative_to(root)}:{number}: {line.strip()[:80]}"
            for path, text in texts.items()
            for number, line in enumerate(text.splitlines(), 1)
            if MACHINE_PATH.search(line) or str(root.parent) + "/" in line
        ]

        assert found == []


class TestLocks:
    @pytest.mark.parametrize("name", ["uv.txt", "requirements.lock", "requirements-dev.lock"])
    def test_names_no_host(self, root: Path, name: str) -> None:
        assert "://" not in (root / name).read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", ["uv.txt", "requirements.lock", "requirements-dev.lock"])
    def test_pins_and_hashes_everything(self, root: Path, name: str) -> None:
        entries = (root / name).read_text(encoding="utf-8").replace("\\\n", " ").splitlines()

        assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []

    def test_the_service_runs_on_what_the_tests_ran_on(self, root: Path) -> None:
        runtime, everything = (
            {line.split()[0] for line in (root / name).read_text(encoding="utf-8").splitlines() if "==" in line}
            for name in ("requirements.lock", "requirements-dev.lock")
        )

        assert runtime - everything == set()

    def test_everything_the_service_imports_is_installed_with_it(self, root: Path) -> None:
        installed = {
            re.split(r"[=\[]", line)[0].replace("_", "-").lower()
            for line in (root / "requirements.lock").read_text(encoding="utf-8").splitlines()
            if "==" in line
        }
        providers = packages_distributions()
        sources = [ast.parse(path.read_text(encoding="utf-8")) for path in root.glob("app/**/*.py")]
        outside = {module for tree in sources for module in top_level_imports(tree)} - {"app", *sys.stdlib_module_names}
        missing = {
            module
            for module in outside
            if not {name.replace("_", "-").lower() for name in providers.get(module, [])} & installed
        }

        assert outside
        assert missing == set()


def top_level_imports(tree: ast.Module) -> set[str]:
    return {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
