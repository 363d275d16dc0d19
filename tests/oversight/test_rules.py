"""Accesses in plain words."""

import pytest

from app.identity.permissions import HELD_BY, Permission, Role
from app.oversight.rules import IN_WORDS, in_words, wrote

ABOUT_NO_PATIENT = {
    Permission.PROFILE_READ, Permission.DEVICES_READ, Permission.DEVICES_END, Permission.INSTRUMENTS_READ,
    Permission.INSTRUMENTS_WRITE, Permission.STAFF_READ, Permission.STAFF_INVITE, Permission.STAFF_RECOVER,
    Permission.PROTOCOL_READ, Permission.PROTOCOL_SIGN, Permission.CREDENTIALS_READ, Permission.CREDENTIALS_WRITE,
    Permission.API_CLIENTS_READ, Permission.API_CLIENTS_WRITE, Permission.CONSENT_DOCUMENTS_READ,
    Permission.CONSENT_DOCUMENTS_PUBLISH, Permission.AUDIT_READ, Permission.EXTERNAL_IDENTITIES_READ,
    Permission.EXTERNAL_IDENTITIES_WRITE, Permission.EVENTS_READ, Permission.WEBHOOKS_READ,
    Permission.WEBHOOKS_MANAGE, Permission.WEBHOOK_SECRETS_READ, Permission.ROSTER_READ, Permission.ROSTER_WRITE,
    Permission.CHECK_IN_TEMPLATES_READ, Permission.CHECK_IN_TEMPLATES_PUBLISH, Permission.AVAILABILITY_READ,
    Permission.ROOMS_READ, Permission.ROOMS_WRITE, Permission.WORKING_HOURS_READ, Permission.WORKING_HOURS_WRITE,
    Permission.GROUPS_READ, Permission.GROUPS_WRITE, Permission.CALENDAR_READ, Permission.CALENDAR_WRITE,
    Permission.CLINIC_VIEW_READ,
}  # fmt: skip


class TestInWords:
    @pytest.mark.parametrize("permission", sorted(set(Permission) - ABOUT_NO_PATIENT))
    def test_there_are_some_for_all_that_staff_do_with_a_record(self, permission: Permission) -> None:
        staff = set(HELD_BY[permission]) - {Role.PATIENT}

        assert permission in IN_WORDS or not staff

    @pytest.mark.parametrize("words", IN_WORDS.values())
    def test_say_what_was_done_in_words_of_every_day(self, words: str) -> None:
        assert words[0].isupper()
        assert not set("_:./") & set(words)

    def test_there_are_some_for_what_comes_later(self) -> None:
        assert in_words("something:new") == "Worked with your record"


class TestWrote:
    @pytest.mark.parametrize(
        ("permission", "expected"), [("check_ins:read", False), ("check_ins:write", True), ("command", True)]
    )
    def test_tells_reading_from_writing(self, permission: str, expected: bool) -> None:
        assert wrote(permission) is expected
