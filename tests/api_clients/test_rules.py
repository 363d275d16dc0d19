"""What a client may be registered with, as tables."""

from typing import Any

import pytest

from app.api_clients.rules import (
    ABOUT_NO_PATIENT,
    Authentication,
    Relationship,
    faults,
    grantable,
    granted,
    redirect_fault,
)
from app.identity.permissions import Permission, Role, reach
from tests.signers import a_key, public_half

SECRET, KEY, APP = Authentication.CLIENT_SECRET, Authentication.PRIVATE_KEY_JWT, Authentication.NONE
OURS, OUTSIDE = Relationship.CLINIC_SYSTEM, Relationship.OUTSIDE_RECIPIENT
READS = [Permission.INSTRUMENTS_READ]


class TestGrantable:
    @pytest.mark.parametrize("way", [SECRET, KEY])
    def test_a_program_of_the_clinic_gets_what_services_hold(self, way: Authentication) -> None:
        assert grantable(way, OURS) == {p for p in Permission if reach(p, Role.SERVICE)}

    @pytest.mark.parametrize("way", [SECRET, KEY])
    def test_an_outsider_gets_nothing_about_patients(self, way: Authentication) -> None:
        about_patients = {
            "patients",
            "check_ins",
            "trends",
            "dosing",
            "appointments",
            "consents",
            "quarantine",
            "export",
        }

        allowed = grantable(way, OUTSIDE)

        assert allowed == ABOUT_NO_PATIENT
        assert {permission.split(":")[0] for permission in allowed} & about_patients == set()

    def test_an_app_may_get_what_its_user_has(self) -> None:
        assert grantable(APP, OURS) == set(Permission)

    def test_all_permissions_together_fit_into_a_device(self) -> None:
        assert len(" ".join(Permission)) <= 4000


class TestGranted:
    @pytest.mark.parametrize(
        ("asked", "scope"),
        [
            (None, "a:read b:read"),
            ("a:read", "a:read"),
            ("b:read a:read", "a:read b:read"),
            ("a:read a:read", "a:read"),
            ("c:read", None),
            ("a:read c:read", None),
            ("a", None),
            ("A:READ", None),
            ("", None),
            ("   ", None),
        ],
    )
    def test_narrows_and_never_widens(self, asked: str | None, scope: str | None) -> None:
        assert granted("a:read b:read", asked) == scope


class TestRedirects:
    @pytest.mark.parametrize(
        "uri",
        [
            "https://app.clinic.example/signed-in",
            "https://app.clinic.example:8443/a?b=c",
            "http://127.0.0.1:5000/back",
            "http://[::1]/back",
            "com.example.app:/signed-in",
            "com.example.app://signed-in",
        ],
    )
    def test_takes_addresses_that_only_the_app_can_be_at(self, uri: str) -> None:
        assert redirect_fault(uri) is None

    @pytest.mark.parametrize(
        "uri",
        [
            "http://app.clinic.example/signed-in",
            "http://localhost:5000/back",
            "http://127.0.0.1.evil.example/",
            "https:///signed-in",
            "https://app.clinic.example/#fragment",
            "https://user@app.clinic.example/",
            "https://app.clinic.example@evil.example/",
            "https://*.clinic.example/",
            "https://app.clinic.example/a b",
            "https://app.clinic.example/\n",
            "https://app.clinic.example\\@evil.example/",
            "https://app.clinic.example:99999/",
            "https://[::1",
            "https://äpp.clinic.example/",
            "javascript:alert(1)",
            "data:text/html,hello",
            "myapp:/signed-in",
            "/signed-in",
            "signed-in",
        ],
    )
    def test_refuses_all_others(self, uri: str) -> None:
        assert redirect_fault(uri)


def found(*arguments: Any) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in faults(*arguments)]


class TestFaults:
    @pytest.mark.parametrize(
        "arguments",
        [
            (SECRET, OURS, READS, [], []),
            (SECRET, OUTSIDE, READS, [], []),
            (KEY, OURS, READS, [], [public_half(a_key())]),
            (KEY, OURS, READS, [], [public_half(a_key(kind), kind) for kind in ("P-256", "P-384", "RSA", "Ed25519")]),
            (APP, OURS, [Permission.CHECK_INS_WRITE], ["com.example.app:/back"], []),
        ],
    )
    def test_finds_none_in_what_is_in_order(self, arguments: tuple[Any, ...]) -> None:
        assert found(*arguments) == []

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ((SECRET, OURS, [Permission.DOSING_CLEAR], [], []), [("/scopes/0", "scope_not_grantable")]),
            (
                (SECRET, OURS, [*READS, Permission.AUDIT_READ, Permission.CONSENTS_READ], [], []),
                [("/scopes/1", "scope_not_grantable"), ("/scopes/2", "scope_not_grantable")],
            ),
            ((SECRET, OUTSIDE, [Permission.PATIENTS_READ], [], []), [("/scopes/0", "scope_not_grantable")]),
            ((SECRET, OURS, READS * 2, [], []), [("/scopes", "repeated")]),
            ((SECRET, OURS, READS, ["com.example.app:/back"], []), [("/redirect_uris", "not_used")]),
            ((SECRET, OURS, READS, [], [public_half(a_key())]), [("/jwks", "not_used")]),
            ((KEY, OURS, READS, [], []), [("/jwks/keys", "missing")]),
            ((KEY, OURS, READS, [], [public_half(a_key())] * 2), [("/jwks/keys", "repeated")]),
            ((KEY, OURS, READS, [], [public_half(a_key()), {"kty": "EC"}]), [("/jwks/keys/1", "public_key")]),
            ((APP, OURS, READS, [], []), [("/redirect_uris", "missing")]),
            ((APP, OURS, READS, ["https://a.example/", "http://a/"], []), [("/redirect_uris/1", "redirect_uri")]),
            ((APP, OUTSIDE, READS, ["https://a.example/"], []), [("/relationship", "not_for_outsiders")]),
        ],
    )  # fmt: skip
    def test_points_at_each(self, arguments: tuple[Any, ...], expected: list[tuple[str, str]]) -> None:
        assert found(*arguments) == expected
