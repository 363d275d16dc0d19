"""What calls what in `app`, read off its source: enough of it to find who records an event.

An edge goes from a function to whatever function of ours its body mentions: called, or handed on. Names are looked up
in the module and in its imports; a method of an object whose class is not plain to see is any method of that name
whose class the module defines or imports.
"""

import ast
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from app.appointments.steps import TOLD_AS as APPOINTMENTS_TOLD_AS
from app.dosing.steps import TOLD_AS

RECORD = "app.events.service.record"
HANDED = frozenset(f"app.dosing.{name}" for name in ("steps.take", "steps.touch", "steps.tell", "doses.stop")) | {
    "app.appointments.steps.keep",
    "app.appointments.steps.keep_all",
    "app.appointments.steps.tell",
}
"""They record the event that they are handed, or that of the action: whoever calls them is who names it."""


@dataclass(slots=True)
class Function:
    """One function or method, with those that are written inside of it."""

    module: str
    name: str
    mentions: set[str] = field(default_factory=set)
    event_types: set[str] = field(default_factory=set)
    methods_called: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))


@dataclass(slots=True)
class Module:
    """One file: what its names stand for, and what it defines."""

    name: str
    tree: ast.Module
    imported: dict[str, str] = field(default_factory=dict)
    functions: dict[str, ast.AST] = field(default_factory=dict)
    constants: dict[str, set[str]] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)


class CallGraph:
    """All functions of the application."""

    def __init__(self, root: Path) -> None:
        self.modules: dict[str, Module] = {}
        for path in sorted((root / "app").glob("**/*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            self.modules[name] = _read(name, ast.parse(path.read_text(encoding="utf-8")))
        self._methods: dict[tuple[str, str], str] = {
            (f"{module.name}.{name.partition('.')[0]}", name.partition(".")[2]): f"{module.name}.{name}"
            for module in self.modules.values()
            for name in module.functions
            if "." in name
        }

    @cached_property
    def functions(self) -> dict[str, Function]:
        """By path: `app.dosing.service.schedule`, `app.check_ins.service._Recorder.take`."""
        return {
            f"{module.name}.{name}": self._function(module, name, node)
            for module in self.modules.values()
            for name, node in module.functions.items()
        }

    def reached(self, path: str, *, within: str | None = None) -> set[str]:
        """The functions that this one leads to, itself among them; only through those of one module if it is named."""
        found: set[str] = set()
        waiting = [path]
        while waiting:
            each = waiting.pop()
            function = self.functions.get(each)
            if each in found or function is None or (within is not None and function.module != within):
                continue
            found.add(each)
            waiting += function.mentions
        return found

    def _function(self, module: Module, name: str, node: ast.AST) -> Function:
        made = Function(module.name, name)
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                made.mentions |= {_standing_for(module, part.id)} - {made.path}
                made.event_types |= module.constants.get(part.id, set())
            elif isinstance(part, ast.Attribute):
                made.mentions |= self._attribute(module, name, part)
                made.event_types |= _event_type(part)
                made.methods_called.add(part.attr)
        return made

    def _attribute(self, module: Module, name: str, part: ast.Attribute) -> set[str]:
        base = part.value.id if isinstance(part.value, ast.Name) else ""
        whole = f"{_standing_for(module, base)}.{part.attr}"
        if base in {"self", "cls"} and "." in name:
            whole = f"{module.name}.{name.partition('.')[0]}.{part.attr}"
        if _standing_for(module, base) in self.modules or base in {"self", "cls"}:
            return {whole}
        known = {f"{module.name}.{each}" for each in module.classes} | set(module.imported.values())
        return {method for each in known if (method := self._methods.get((each, part.attr))) is not None}


def _read(name: str, tree: ast.Module) -> Module:
    module = Module(name, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app"):
            module.imported |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            module.functions[statement.name] = statement
        elif isinstance(statement, ast.ClassDef):
            module.classes.add(statement.name)
            module.functions |= {
                f"{statement.name}.{each.name}": each
                for each in statement.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            _keep_constant(module, statement)
    return module


def _keep_constant(module: Module, statement: ast.Assign | ast.AnnAssign) -> None:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    types = {event for part in ast.walk(statement) for event in _event_type(part)}
    module.constants |= {target.id: types for target in targets if isinstance(target, ast.Name) and types}


def _standing_for(module: Module, name: str) -> str:
    return module.imported.get(name, f"{module.name}.{name}")


def _event_type(part: ast.AST) -> set[str]:
    """`EventType.X`, as its name; an action as the name of the event that it is told as."""
    if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
        if part.value.id == "EventType":
            return {part.attr}
        if part.value.id == "SessionAction":
            return {told.name for action, told in TOLD_AS.items() if action.name == part.attr}
        if part.value.id == "AppointmentAction":
            return {told.name for step, told in APPOINTMENTS_TOLD_AS.items() if step.name == part.attr}
    return set()
