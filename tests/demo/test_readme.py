"""What the README says is so."""

import re
from pathlib import Path

import pytest

from app.demo.guide import ABOUT, CODE_OF
from app.demo.people import CLINIC, PASSWORD, PATIENTS, STAFF


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


class TestReadme:
    def test_leads_only_to_what_is_there(self, readme: str, root: Path) -> None:
        links = re.findall(r"\]\(([^)]+)\)", readme)

        assert links
        assert [link for link in links if not (root / link).exists()] == []

    def test_names_targets_and_commands_that_exist(self, readme: str, root: Path) -> None:
        makefile = (root / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"(?:\$ |`)make ([\w-]+)", readme)

        assert {"demo", "test", "install"} <= set(targets)
        assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []

    def test_shows_the_demo_as_it_is(self, readme: str) -> None:
        shown = dict(re.findall(r"^  ([\w.]+)@example\.org +(.+)$", readme, re.MULTILINE))
        staff = {who.key: f"{who.role:<17}{who.name}" for who in STAFF}

        assert f"{CLINIC}: invented people" in readme
        assert f"password is {PASSWORD}" in readme
        assert len(shown) == 5
        assert all(text == (ABOUT | staff)[key] for key, text in shown.items())

    def test_signs_in_as_the_first_patient(self, readme: str) -> None:
        assert f'"email": "{PATIENTS[0].email}", "password": "{PASSWORD}"' in readme

    def test_signs_in_as_a_clinician_with_a_code_that_the_demo_tells(self, readme: str) -> None:
        section = readme.partition("## Sign in as a clinician")[2].partition("\n## ")[0]

        assert f"{CODE_OF} {STAFF[0].email}" in section
        assert f"  {CODE_OF} {STAFF[0].email}" in readme
        assert '"one_time_code": "\'$CODE\'"' in section

    @pytest.mark.parametrize(
        "said",
        [
            "does not replace monitoring",
            "Not watched live",
            "never proposes one",
            "Ketamine is not approved for addiction",
            "answers and scores are not",
        ],
    )
    def test_says_what_it_is_not(self, readme: str, said: str) -> None:
        assert said in readme
