"""The copy that both sides keep."""

from datetime import UTC, datetime
from typing import Any

from app.consents import copies
from tests.consents.papers import QUESTION

CONSENT: dict[str, Any] = {
    "id": "01a3c3d0",
    "type": "part2_tpo",
    "title": "Sharing <for> you",
    "language": "en",
    "text": "# One\n\nFirst line\n \nsecond line.\n\n## Two\n- an item\n  that goes on\n- <script>x</script>\n\n"
    "##### Deep",
    "answers": {"stop": "any_time"},
    "signature": "Sam & Co",
    "signer": "patient",
    "relationship": None,
    "signed_at": datetime(2026, 7, 1, 22, 30, tzinfo=UTC),
    "presented_at": datetime(2026, 7, 1, 22, 25, tzinfo=UTC),
    "capacity_statement": None,
    "recipients": [
        {"recipient_class": "treating_provider", "name": None},
        {"recipient_class": "other", "name": "Dr Weber"},
    ],
    "categories": ["check_ins", "trends"],
    "purposes": ["treatment"],
    "expires_at": None,
    "document_version": 2,
    "text_hash": "9f86d081",
    "withdrawn_at": None,
}


def page(**but: object) -> str:
    return copies.page(CONSENT | but, [QUESTION], clinic="Riverside", time_zone="Europe/Berlin")


class TestPage:
    def test_shows_the_text_in_its_order(self) -> None:
        blocks = [
            "<h1>Sharing &lt;for&gt; you</h1>",
            "<h2>One</h2>",
            "<p>First line second line.</p>",
            "<h3>Two</h3>",
            "<ul><li>an item that goes on</li><li>&lt;script&gt;x&lt;/script&gt;</li></ul>",
            "<h4>Deep</h4>",
            "<dt>When can you stop?</dt><dd>At any time</dd>",
        ]
        shown = page()

        assert [shown.find(block) >= 0 for block in blocks] == [True] * len(blocks)
        assert [shown.index(block) for block in blocks] == sorted(shown.index(block) for block in blocks)

    def test_says_who_signed_when_by_the_clock_on_the_patients_wall(self) -> None:
        shown = page()

        assert "<dt>Signed by</dt><dd>Sam &amp; Co</dd>" in shown
        assert "<dt>Signed on</dt><dd>2026-07-02 00:30 (Europe/Berlin)</dd>" in shown
        assert "<dd>any treating provider; Dr Weber (other)</dd>" in shown
        assert "<dd>when it is withdrawn</dd>" in shown
        assert "9f86d081" in shown
        assert "Withdrawn" not in shown

    def test_says_who_signed_for_the_patient_and_what_became_of_it(self) -> None:
        at = datetime(2026, 12, 1, 12, tzinfo=UTC)
        shown = page(
            signer="guardian", relationship="mother", capacity_statement="I can decide.", withdrawn_at=at, expires_at=at
        )

        assert "<dd>Sam &amp; Co (guardian, mother)</dd>" in shown
        assert "<dt>Stated when signing</dt><dd>I can decide.</dd>" in shown
        assert "<dt>Ends on</dt><dd>2026-12-01 13:00 (Europe/Berlin)</dd>" in shown
        assert "<dt>Withdrawn on</dt><dd>2026-12-01 13:00 (Europe/Berlin)</dd>" in shown

    def test_leaves_out_what_a_consent_does_not_have(self) -> None:
        shown = copies.page(CONSENT | {"recipients": []}, [], clinic="Riverside", time_zone="UTC")

        assert "May be given to" not in shown
        assert "What you answered" not in shown

    def test_has_no_style_no_script_and_no_address(self) -> None:
        shown = page()

        assert not [word for word in ("<script", "<style", "style=", "href", "src=", "http") if word in shown]
