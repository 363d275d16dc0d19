"""Thousands of made-up requests: every answer as the document promises, no request breaks the service."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from drills.docs.clinic import Caller, ServedClinic
from drills.docs.tools import ROOT, DrillFailedError, python_program, run, step

EXAMPLES = 2
# It signs out whoever asks with the id of their own device, which a tester finds quickly; so it comes last.
LAST = "endMyDevice"
AT_ONCE = 2
"""A caller is a program of its own that thinks as long as the server does."""


def fuzz(clinic: ServedClinic, folder: Path, *, examples: int = EXAMPLES) -> None:
    """Schemathesis with every check, by people who hold every permission between them; the office with a part of it."""
    callers = [(clinic.patient, examples), (clinic.prescriber, examples)]
    callers += [(caller, -(-examples // 4)) for caller in clinic.office]
    configuration = _configuration(clinic, folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [pool.submit(_call, clinic, caller, configuration, made_up) for caller, made_up in callers]
    for call in calls:
        call.result()
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


def _call(clinic: ServedClinic, caller: Caller, configuration: Path, made_up: int) -> None:
    told = [
        _run(clinic, caller, configuration, scope, made_up)
        for scope in ("--exclude-operation-id", "--include-operation-id")
    ]
    step(f"schemathesis as {caller.email}, {made_up} examples an operation")
    print("\n".join(told))


def _configuration(clinic: ServedClinic, folder: Path) -> Path:
    """The project's configuration, with the id of a patient who is there."""
    path = folder / "schemathesis.toml"
    ours = (ROOT / "schemathesis.toml").read_text(encoding="utf-8")
    path.write_text(f'{ours}\n[parameters]\n"path.patient_id" = "{clinic.patient_id}"\n', encoding="utf-8")
    return path


def _run(clinic: ServedClinic, caller: Caller, configuration: Path, scope: str, examples: int) -> str:
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
            scope,
            LAST,
        ],
        folder=configuration.parent,
        within=1800,
    )
    lines = said.strip().splitlines()
    return "\n".join([lines[-1].strip("= "), *(line for line in lines if "generated" in line)])
