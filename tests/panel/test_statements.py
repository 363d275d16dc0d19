"""The SQL that makes summaries is text, into which the suite cannot look as it looks into other statements."""

import re

import pytest

from app.panel.statements import PARTS, making

OF_CLINICS = (
    "alerts",
    "due_check_ins",
    "dosing_sessions",
    "observations",
    "care_plans",
    "patient_revisions",
)


def texts() -> list[str]:
    found = []
    for postgresql in (True, False):
        found += [str(making(several=several, postgresql=postgresql).statement) for several in (True, False)]
        found.append(str(making(PARTS, 3, postgresql=postgresql).statement))
    return found


class TestMaking:
    @pytest.mark.parametrize("text", texts(), ids=range(len(texts())))
    def test_ties_each_table_of_a_clinic_to_the_clinic(self, text: str) -> None:
        used = re.findall(rf"(?:FROM|JOIN) ({'|'.join(OF_CLINICS)}) (\w+)\b", text)
        every = re.findall(rf"(?:FROM|JOIN) (?:{'|'.join(OF_CLINICS)})\b", text)

        assert len(used) == len(every) > 4
        for piece in re.split(r"(?=\b(?:FROM|JOIN) )", text):
            named = re.match(rf"(?:FROM|JOIN) ({'|'.join(OF_CLINICS)}) (\w+)\b", piece)
            assert named is None or f"{named[2]}.clinic_id = " in piece, piece

    def test_writes_to_no_other_table(self) -> None:
        for text in texts():
            assert re.findall(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)", text.replace("DO UPDATE SET", "")) == [
                "patient_summaries"
            ]
