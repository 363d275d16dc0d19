"""Thousands of made-up requests: every answer as the document promises, no request breaks the service."""

import re

from drills.docs.clinic import ServedClinic
from drills.docs.tools import ROOT, DrillFailedError, python_program, run, step

EXAMPLES = 30


def fuzz(clinic: ServedClinic, *, examples: int = EXAMPLES) -> None:
    """Schemathesis with every check, as the patient and as the prescriber."""
    for name, caller in (("patient", clinic.patient), ("prescriber", clinic.prescriber)):
        step(f"schemathesis as the {name}, {examples} examples an operation")
        said = run(
            [
                python_program("schemathesis"),
                "run",
                f"{clinic.address}/openapi.json",
                "-H",
                f"Authorization: Bearer {caller.token}",
                "--checks=all",
                f"--max-examples={examples}",
                "--seed=1",
                "--generation-database=none",
                "--no-color",
            ],
            folder=ROOT,
        )
        print("\n".join(said.strip().splitlines()[-12:]))
        faults = re.findall(r'"status": 5\d\d', clinic.log.read_text(encoding="utf-8"))
        if faults:
            msg = f"the service answered {len(faults)} requests with a 5xx; its log is {clinic.log}"
            raise DrillFailedError(msg)
