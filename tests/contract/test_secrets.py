"""How the code treats secrets, read off its files."""

import ast
import re
from pathlib import Path

import pytest

SECRET = re.compile(
    r"(^|_)(secret|token|refresh_token|password|verifier|signature|mac|code|otp|seed|nonce|challenge|credential)(_text|_hash)?$"
)


@pytest.fixture(scope="module")
def modules(root: Path) -> dict[str, ast.Module]:
    return {
        str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
        for path in root.glob("app/**/*.py")
        if "demo" not in path.parts
    }


def name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=func):
            return name_of(func)
        case ast.Subscript(value=value):
            return name_of(value)
    return ""


def is_column(node: ast.expr) -> bool:
    """`Model.column == value` is SQL, compared where no stopwatch reaches."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id[:1].isupper()


def compared(tree: ast.Module) -> list[tuple[int, str]]:
    """Where something that is named like a secret is compared by `==`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [node.left, *node.comparators]
            plain = any(isinstance(side, ast.Constant) or is_column(side) for side in sides)
            if not plain and any(SECRET.search(name_of(side)) for side in sides):
                found.append((node.lineno, ast.unparse(node)))
    return found


class TestComparing:
    def test_no_secret_is_compared_by_a_way_that_stops_early(self, modules: dict[str, ast.Module]) -> None:
        found = {f"{path}: {text}" for path, tree in modules.items() for _, text in compared(tree)}

        assert found == set(), "use hmac.compare_digest"

    @pytest.mark.parametrize("line", ["a.secret == b", "token != sent", "sent == row.password_hash", "otp == x[0]"])
    def test_such_a_line_would_be_found(self, line: str) -> None:
        assert compared(ast.parse(line))

    @pytest.mark.parametrize("line", ["token == ''", "Account.token == x", "tokens == x", "x.encoder == y"])
    def test_others_are_not(self, line: str) -> None:
        assert compared(ast.parse(line)) == []


class TestMaking:
    def test_nothing_is_made_with_weak_randomness(self, modules: dict[str, ast.Module]) -> None:
        """`random` can be predicted from what it gave before; `secrets` and `os.urandom` cannot."""
        found = [
            path
            for path, tree in modules.items()
            for node in ast.walk(tree)
            if (isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names))
            or (isinstance(node, ast.ImportFrom) and node.module == "random")
        ]

        assert found == []
