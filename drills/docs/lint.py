"""The OpenAPI document under three linters."""

import json
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate

from drills.docs.tools import ROOT, node_program, run, step

RULES = ROOT / "docs" / "openapi.spectral.yaml"


def fetch_document(address: str, folder: Path) -> Path:
    """The document as the running service gives it, in a file."""
    with urllib.request.urlopen(f"{address}/openapi.json", timeout=30) as answer:
        document = answer.read()
    path = folder / "openapi.json"
    path.write_bytes(document)
    return path


def lint(document: Path) -> None:
    """Spectral without a warning, Redocly's recommended rules, and the specification's own schema."""
    step("openapi-spec-validator")
    validate(json.loads(document.read_text(encoding="utf-8")))
    step("spectral, no warning allowed")
    run([node_program("spectral"), "lint", document, "-r", RULES, "--fail-severity", "warn"])
    step("redocly, recommended rules")
    said = run(
        [node_program("redocly"), "lint", "--extends=recommended", document],
        folder=document.parent,
        environment={"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
    )
    print(said.strip().splitlines()[-1])
