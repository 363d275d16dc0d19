"""Entity tags: nothing is sent twice, nothing is changed blindly."""

import httpx2
import pytest
from starlette.requests import Request

from app.core import etags
from app.core.errors import PreconditionFailed, PreconditionRequired
from tests.cast import Cast
from tests.core.test_requests import assert_problem
from tests.factories import a_report, an_id


def asking(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


class TestUnchanged:
    @pytest.mark.parametrize("sent", ['"3"', 'W/"3"', "*", ' "1", W/"3" ', '"3","4"'])
    def test_knows_what_the_caller_has(self, sent: str) -> None:
        assert etags.unchanged(asking(if_none_match=sent), '"3"')
        assert etags.unchanged(asking(if_none_match=sent), 'W/"3"')

    @pytest.mark.parametrize("sent", ["", '"33"', "3", '"3', 'w/"3"', '"3.1"', "W/", ",,,", '""'])
    def test_does_not_guess(self, sent: str) -> None:
        assert not etags.unchanged(asking(if_none_match=sent), '"3"')

    def test_says_no_when_the_caller_has_nothing(self) -> None:
        assert not etags.unchanged(asking(), '"3"')


class TestMatches:
    @pytest.mark.parametrize("sent", ['"3"', 'W/"3"', "*", " * ", '"1", "3"', '"3.2"'])
    def test_knows_the_version_that_was_read(self, sent: str) -> None:
        assert etags.matches(sent, 3)

    @pytest.mark.parametrize("sent", ["", '"33"', "3", '"x"', '"-3"', '"٣"', '"' + "9" * 5000 + '"', '"3', "''"])
    def test_does_not_guess(self, sent: str) -> None:
        assert not etags.matches(sent, 3)


class TestRequireMatch:
    def test_lets_the_one_who_read_it_change_it(self) -> None:
        etags.require_match('"3"', 3, lambda: pytest.fail("was not asked for"))

    def test_asks_for_a_version(self) -> None:
        with pytest.raises(PreconditionRequired):
            etags.require_match(None, 3, lambda: None)

    def test_shows_what_stands_there_now(self) -> None:
        with pytest.raises(PreconditionFailed) as refused:
            etags.require_match('"2"', 3, lambda: {"version": 3})

        assert refused.value.members == {"current": {"version": 3}}


class TestTags:
    def test_a_version_and_what_we_derived_are_told_apart(self) -> None:
        assert etags.version_tag(3) == '"3"'
        assert etags.version_tag(3, 2) == '"3.2"'

    def test_a_composed_tag_depends_on_every_part_and_its_place(self) -> None:
        tags = {etags.composed_tag(*parts) for parts in (("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), (1, 2))}

        assert len(tags) == 5
        assert etags.composed_tag("a", 1) == etags.composed_tag("a", 1)


class TestThroughTheFrontDoor:
    async def test_asking_again_gives_304_without_a_body(self, as_patient: httpx2.AsyncClient) -> None:
        address = f"/v1/me/check-ins/{an_id()}"
        await as_patient.put(address, json=a_report())
        tag = (await as_patient.get(address)).headers["etag"]

        again = await as_patient.get(address, headers={"If-None-Match": tag})
        other = await as_patient.get(address, headers={"If-None-Match": '"0"'})

        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag.removeprefix("W/"))
        assert again.headers["cache-control"] == "private, no-cache"
        assert other.status_code == 200

    @pytest.mark.parametrize(
        ("if_match", "status"),
        [
            ("", 412), ("3", 412), ('"x"', 412), ('"2"', 412), ('"1', 412), ("W/", 412),
            ('"' + "9" * 150 + '"', 412), ('"1", "2"', 200), ("é", 412), ('"1"', 200), ('W/"1"', 200), ("x" * 201, 422),
        ],
    )  # fmt: skip
    async def test_an_odd_if_match_is_never_a_fault_of_ours(
        self, as_patient: httpx2.AsyncClient, if_match: str, status: int
    ) -> None:
        address = f"/v1/me/check-ins/{an_id()}"
        await as_patient.put(address, json=a_report())

        answer = await as_patient.put(
            address, json=a_report() | {"note": "changed"}, headers={b"If-Match": if_match.encode("latin-1")}
        )

        assert answer.status_code == status, answer.text
        if status != 200:
            assert_problem(answer, status)

    async def test_a_change_without_a_version_is_refused(self, as_prescriber: httpx2.AsyncClient, cast: Cast) -> None:
        address = f"/v1/patients/{cast.patient_id}"
        scheduled = await as_prescriber.put(
            f"{address}/dosing-sessions/{an_id()}", json={"scheduled_at": "2026-12-01T10:00:00Z"}
        )
        session = f"/v1/dosing-sessions/{scheduled.json()['id']}"

        blind = await as_prescriber.post(f"{session}/arrival")
        stale = await as_prescriber.post(f"{session}/arrival", headers={"If-Match": '"7"'})

        assert assert_problem(blind, 428)["code"] == "precondition_required"
        assert assert_problem(stale, 412)["current"]["version"] == 1
