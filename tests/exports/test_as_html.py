import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from app.exports import as_html
from tests.cast import Cast
from tests.consents.papers import Clients
from tests.exports.copies import Copies
from tests.factories import a_report, an_id
from tests.trends.history import History, on

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></td></table><iframe src=//evil.example>",
    "<svg/onload=alert(1)>",
    "&lt;b&gt; &amp; &#60;",
    "{{ 7*7 }} ${7*7}",
    "\u202egnp.exe",
    "مرحبا \U0001f600\U0001f3fd",
    "line one\nline two\r\nline three\ttabbed",
    "\x1b[31mred\x0b\x7f",
]


class TestPage:
    @pytest.mark.parametrize("note", HOSTILE)
    async def test_shows_hostile_words_as_words(self, phone: httpx2.AsyncClient, copies: Copies, note: str) -> None:
        await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report(note=note))

        page = await copies.page()

        assert note in page.words
        assert {tag for tag, _ in page.elements} & {
            "script",
            "iframe",
            "img",
            "object",
            "link",
            "form",
            "base",
        } == set()
        assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []

    async def test_needs_nothing_from_anywhere(self, phone: httpx2.AsyncClient, copies: Copies) -> None:
        await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report())

        text = (await copies.get("html")).text
        page = await copies.page()

        links = [attributes["href"] or "" for attributes in page.all("a")]
        assert [link for link in links if not link.startswith("#")] == []
        anchors = {attributes.get("id") for _, attributes in page.elements}
        assert {link.removeprefix("#") for link in links} <= anchors
        assert [attributes for _, attributes in page.elements if {"src", "style", "action"} & set(attributes)] == []
        assert re.findall(r"url\(|@import", text) == []

    async def test_has_one_style_which_its_policy_names_in_the_header_and_in_the_page(self, copies: Copies) -> None:
        answer = await copies.get("html")

        (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
        named = f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
        policy = answer.headers["content-security-policy"]
        (own,) = [
            one["content"] or ""
            for one in (await copies.page()).all("meta")
            if one.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy == as_html.POLICY
        for said in (policy, own):
            assert said.startswith("default-src 'none'; style-src ")
            assert named in said
            assert "unsafe" not in said

    async def test_can_be_read_aloud(self, history: History, copies: Copies) -> None:
        await history.dose(on(3))
        await history.reports("craving", [(on(day), day % 10) for day in range(1, 9)])

        page = await copies.page()

        assert page.all("html") == [{"lang": "en"}]
        assert page.headings[0] == "My record"
        assert page.headings.count("My record") == 1
        assert len(page.all("caption")) == len(page.all("table"))
        assert all(cell.get("scope") for cell in page.all("th"))
        assert all(one.get("role") == "img" and one.get("aria-labelledby") for one in page.all("svg"))
        assert all(one.get("aria-label") for one in page.all("div") if one.get("role") == "region")


class TestWords:
    async def test_a_missing_answer_is_called_so_and_is_no_zero(
        self, phone: httpx2.AsyncClient, copies: Copies
    ) -> None:
        given = [{"instrument": "craving_nrs", "version": "1", "substance": "alcohol", "answers": {"now": 0}}]
        await phone.put(f"/v1/me/check-ins/{an_id()}", json=a_report(responses=given))

        words = (await copies.page()).words

        assert "strength of craving right now: 0 · strongest since last check-in: not answered" in words

    async def test_times_are_the_patients_with_the_zone_named_and_the_devices_beside_it(
        self, phone: httpx2.AsyncClient, copies: Copies
    ) -> None:
        at = datetime(2026, 11, 10, 18, 30, tzinfo=UTC)
        report = a_report(at, time_zone="America/New_York")
        await phone.put(f"/v1/me/check-ins/{an_id()}", json=report)

        words = (await copies.page()).words

        assert "All times are inEurope/Berlin" in words
        assert "10 Nov 2026\n19:30\n(13:30 in America/New_York)" in words

    async def test_what_was_corrected_stands_below_what_it_says_now(
        self, phone: httpx2.AsyncClient, copies: Copies
    ) -> None:
        check_in_id = an_id()
        await phone.put(f"/v1/me/check-ins/{check_in_id}", json=a_report(note="first"))
        await phone.put(f"/v1/me/check-ins/{check_in_id}", json=a_report(note="second"), headers={"if-match": '"1"'})

        words = (await copies.page()).words

        assert (
            words.index("Note second") < words.index("as it was before the correction of") < words.index("Note first")
        )

    async def test_sums_up_a_measure_by_the_rule_of_the_clinic(self, history: History, copies: Copies) -> None:
        await history.dose(on(10))
        before, after = [(on(day), 8) for day in range(1, 10)], [(on(day), 2) for day in range(11, 18)]
        await history.reports("craving", before + after)

        words = (await copies.page()).words

        assert "Baseline8 (the middle of 9 values before the first dose)" in words
        assert "Latest2 (mean of 7 values, 11 Sep – 17 Sep 2026)" in words
        assert "Change6 lower than the baseline: better" in words

    async def test_says_when_a_change_cannot_be_told(self, history: History, copies: Copies) -> None:
        await history.reports("mood", [(on(1), 3)])

        words = (await copies.page()).words

        assert "Baselinenone, since there is no dose yet" in words
        assert "Changecannot be said" in words

    async def test_counts_days_of_use_instead_of_averaging_them(self, history: History, copies: Copies) -> None:
        await history.reports("used", [(on(1), 1), (on(2), 0), (on(3), 0)])

        words = (await copies.page()).words

        assert "September 202631" in words.replace("\n", "")
        assert "any use that day: no" in words

    async def test_says_who_did_what_with_the_record_by_day(
        self, copies: Copies, cast: Cast, new_client: Clients
    ) -> None:
        for _ in range(3):
            await new_client(cast.nurse.token).get(f"/v1/patients/{cast.patient_id}/check-ins")

        words = (await copies.page()).words

        assert f"{cast.nurse.membership.display_name}, nurse" in words
        assert re.search(r"check-ins3\n", words)

    async def test_of_what_could_not_be_accepted_are_shown_too(self, phone: httpx2.AsyncClient, copies: Copies) -> None:
        await phone.post("/v1/me/check-ins/batch", json={"check_ins": [{"feeling": "<i>wörse</i>"}]})

        page = await copies.page()

        assert "Check-ins that could not be accepted" in page.headings
        assert '{"feeling": "<i>wörse</i>"}' in page.words

    async def test_months_come_newest_first_in_the_words_of_the_clinics_place(
        self, history: History, copies: Copies
    ) -> None:
        await history.reports("mood", [(on(day, month=month), 5) for month in (8, 9, 10) for day in (1, 20)])

        headings = (await copies.page()).headings

        months = [heading for heading in headings if heading.endswith(" 2026")]
        assert months == ["October 2026", "September 2026", "August 2026"]


async def test_a_long_record_is_drawn_by_weeks_over_ten_years_at_most(history: History, copies: Copies) -> None:
    first = datetime(2010, 1, 1, 12, tzinfo=UTC)
    await history.reports("mood", [(first + timedelta(days=90 * number), number % 10) for number in range(65)])

    words = (await copies.page()).words

    assert "weekly mean" in words
    assert "January 2010" in words
