"""What every rule says: all of them are there, and none says what must not be said."""

import re

import pytest

from app.instruments.catalogue import current_definitions
from app.safety.findings import Rule, Severity
from app.safety.rules import HELP, RULES

EVERY = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
ALL = (
    "SUI-1 SUI-2 SUI-3 SUI-4 DIS-1 DIS-2 SED-1 SED-2 BP-1 BP-2 O2-1 CRV-1 CRV-2 USE-1 USE-2 USE-3 WD-1 WD-1b WD-2 "
    "MISS-1 MISS-2 MISS-3 INT-1 FREQ-1 TOX-1 TOX-2 MOOD-1 AE-1 PREG-1 PROM-1 REMS-1"
)
SEEN_BY_PATIENTS = "SUI-1 SUI-2 SUI-3 SUI-4 DIS-1 CRV-1 CRV-2 USE-1 USE-3 WD-1 WD-1b MISS-1 MISS-2 MISS-3"
HURTS = re.compile(
    r"\b(fail\w*|clean|dirty|addict\w*|abus\w*|alcoholic|attention|should have|kill\w*|die|death|overdose|relapse)\b",
    re.IGNORECASE,
)
CLAIMS = re.compile(
    r"\b(diagnos\w*|predict\w*|safe|will relapse|(reduce|raise|increase|lower) the dose)\b", re.IGNORECASE
)


def test_every_rule_is_there() -> None:
    assert set(RULES) == set(ALL.split())
    assert HELP.rule in RULES


def test_patients_see_what_was_written_for_them_alone() -> None:
    assert {rule.id for rule in RULES.values() if rule.patient_text} == set(SEEN_BY_PATIENTS.split())
    assert {rule.id for rule in RULES.values() if rule.shows_crisis_card} <= set(SEEN_BY_PATIENTS.split())


def test_every_rule_that_an_instrument_names_is_there() -> None:
    named = {safety.rule for instrument in current_definitions() for safety in instrument.safety_items}

    assert named <= set(RULES)


@EVERY
def test_is_written_for_people(rule: Rule) -> None:
    assert len(rule.id) <= 16
    assert rule.version == 1
    assert rule.title
    assert rule.text.endswith(".")
    assert rule.source.endswith(".")
    assert rule.notify
    assert rule.within
    assert set(rule.within) <= set(Severity)
    assert not CLAIMS.search(rule.text)


@EVERY
def test_says_nothing_to_patients_that_hurts(rule: Rule) -> None:
    text = rule.patient_text or ""

    assert not HURTS.search(text)
    assert not CLAIMS.search(text)
    assert len(text) <= 400
