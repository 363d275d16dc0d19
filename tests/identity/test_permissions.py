"""The table of who may do what."""

import pytest

from app.identity.permissions import HELD_BY, Permission, Reach, Role, reach


class TestTable:
    def test_says_something_of_every_permission(self) -> None:
        assert set(HELD_BY) == set(Permission)
        assert all(HELD_BY.values())

    def test_patients_reach_their_own_record_and_nobody_else_does(self) -> None:
        for permission, holders in HELD_BY.items():
            for role, far in holders.items():
                assert (far is Reach.OWN) == (role is Role.PATIENT), permission

    def test_an_api_client_reads_keeps_appointments_and_its_webhooks_and_no_more(self) -> None:
        held = {permission for permission in Permission if reach(permission, Role.SERVICE)}

        assert {permission for permission in held if permission.writes} == {
            Permission.APPOINTMENTS_WRITE,
            Permission.WEBHOOKS_MANAGE,
        }
        assert {reach(permission, Role.SERVICE) for permission in held} == {Reach.CLINIC}
        kept_from_programs = {"consents", "audit", "api_clients", "credentials", "emergency_access", "disclosures"}
        assert {permission.split(":")[0] for permission in held} & kept_from_programs == set()

    @pytest.mark.parametrize("role", [Role.RESEARCHER, Role.PRIVACY_OFFICER, Role.CLINIC_ADMIN])
    def test_who_does_not_treat_reads_no_record(self, role: Role) -> None:
        clinical = {p for p in Permission if p.value.split(":")[0] in {"check_ins", "trends", "dosing", "quarantine"}}

        assert clinical
        assert [permission for permission in clinical if reach(permission, role)] == []

    def test_only_a_prescriber_clears_a_dose_and_signs_the_figures(self) -> None:
        assert set(HELD_BY[Permission.DOSING_CLEAR]) == {Role.PRESCRIBER}
        assert set(HELD_BY[Permission.PROTOCOL_SIGN]) == {Role.PRESCRIBER}

    def test_reading_and_writing_are_told_apart_by_name(self) -> None:
        assert {permission for permission in Permission if not permission.writes} == {
            permission for permission in Permission if permission.name.endswith("_READ")
        }
