"""Thousands of made-up requests: every answer as the document promises, no request breaks the service."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from app.identity.permissions import HELD_BY, Permission, Role
from drills.docs.clinic import OFFICE, Caller, ServedClinic
from drills.docs.lint import fetch_document
from drills.docs.tools import ROOT, DrillFailedError, python_program, run, step

EXAMPLES = 2
# It signs out whoever asks with the id of their own device, which a tester finds quickly; so it comes last.
LAST = "endMyDevice"
AT_ONCE = 2
"""A caller is a program of its own that thinks as long as the server does."""
SHARE = 45
"""So many operations at most for one program, so that none is left running alone."""
METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def fuzz(clinic: ServedClinic, folder: Path, *, examples: int = EXAMPLES) -> None:
    """Schemathesis with every check: each operation by somebody who holds its permission, so that it does something.

    What those are answered who do not hold it is for the suite (`tests/identity`), which asks everybody for everything.
    """
    document = json.loads(fetch_document(clinic.address, folder).read_text(encoding="utf-8"))
    configuration = _configuration(clinic, folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [
            pool.submit(_run, clinic, caller, configuration, operations, examples)
            for caller, operations in shared_out(document, clinic)
        ]
    for call in calls:
        call.result()
    _run(clinic, clinic.patient, configuration, [LAST], examples)
    log = clinic.log.read_text(encoding="utf-8")
    if '"status": 429' in log:
        msg = "requests were refused for being too many, and so tested nothing"
        raise DrillFailedError(msg)
    faults = re.findall(r'"status": 5\d\d', log)
    if faults:
        kept = Path(clinic.log).read_text(encoding="utf-8").splitlines()
        failed = "\n".join(line for line in kept if "request failed" in line)[-4000:]
        msg = f"the service answered {len(faults)} requests with a 5xx:\n{failed}"
        raise DrillFailedError(msg)


def shared_out(document: Mapping[str, Any], clinic: ServedClinic) -> list[tuple[Caller, list[str]]]:
    """Who calls which operations: the patient their own, staff the rest, each by the first of them who may."""
    staff = [(Role.PRESCRIBER, clinic.prescriber), *zip(OFFICE, clinic.office, strict=True)]
    calls: dict[Caller, list[str]] = {}
    for path, methods in document["paths"].items():
        for method in METHODS & methods.keys():
            operation = methods[method]
            permission = operation.get("x-permission")
            caller = clinic.patient
            if permission is not None and not path.startswith("/v1/me"):
                held_by = HELD_BY[Permission(permission)]
                caller = next((caller for role, caller in staff if role in held_by), clinic.patient)
            if operation["operationId"] != LAST:
                calls.setdefault(caller, []).append(operation["operationId"])
    return [
        (caller, operations[first : first + SHARE])
        for caller, operations in calls.items()
        for first in range(0, len(operations), SHARE)
    ]


def _configuration(clinic: ServedClinic, folder: Path) -> Path:
    """The project's configuration, with the id of a patient who is there."""
    path = folder / "schemathesis.toml"
    ours = (ROOT / "schemathesis.toml").read_text(encoding="utf-8")
    path.write_text(f'{ours}\n[parameters]\n"path.patient_id" = "{clinic.patient_id}"\n', encoding="utf-8")
    return path


def _run(clinic: ServedClinic, caller: Caller, configuration: Path, operations: Sequence[str], examples: int) -> None:
    said = run(
        [
            python_program("schemathesis"),
            f"--config-file={configuration}",
            "run",
            f"{clinic.address}/openapi.json",
            f"--header=Authorization: Bearer {caller.token}",
            "--checks=all",
            f"--max-examples={examples}",
            "--seed=1",
            "--generation-database=none",
            "--no-color",
            *(f"--include-operation-id={operation}" for operation in operations),
        ],
        folder=configuration.parent,
        within=1800,
    )
    lines = said.strip().splitlines()
    step(f"schemathesis as {caller.email}, {len(operations)} operations, {examples} examples of each")
    print("\n".join([lines[-1].strip("= "), *(line for line in lines if "generated" in line)]))
