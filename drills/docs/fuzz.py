"""Thousands of made-up requests: every answer as the document promises, no request breaks the service."""

import re
from pathlib import Path

from drills.docs.clinic import Caller, ServedClinic
from drills.docs.tools import ROOT, DrillFailedError, python_program, run, step

EXAMPLES = 2
# It signs out whoever asks with the id of their own device, which a tester finds quickly; so it comes last.
LAST = "endMyDevice"


def fuzz(clinic: ServedClinic, folder: Path, *, examples: int = EXAMPLES) -> None:
    """Schemathesis with every check, by people who hold every permission between them; the office with a part of it."""
    callers = [(clinic.patient, examples), (clinic.prescriber, examples)]
    callers += [(caller, -(-examples // 4)) for caller in clinic.office]
    for caller, made_up in callers:
        step(f"schemathesis as {caller.email}, {made_up} examples an operation")
        for scope in ("--exclude-operation-id", "--include-operation-id"):
            _run(clinic, caller, _configuration(clinic, folder), scope, made_up)
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


def _configuration(clinic: ServedClinic, folder: Path) -> Path:
    """The project's configuration, with the id of a patient who is there."""
    path = folder / "schemathesis.toml"
    ours = (ROOT / "schemathesis.toml").read_text(encoding="utf-8")
    path.write_text(f'{ours}\n[parameters]\n"path.patient_id" = "{clinic.patient_id}"\n', encoding="utf-8")
    return path


def _run(clinic: ServedClinic, caller: Caller, configuration: Path, scope: str, examples: int) -> None:
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
    print(said.strip().splitlines()[-1].strip("= "))
    print("\n".join(line for line in said.splitlines() if "generated" in line))
