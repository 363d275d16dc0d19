"""One-time codes against RFC 6238's own vectors, and which of them may be used when."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credentials import totp

# RFC 6238, appendix B, SHA-1; of its eight digits an authenticator shows the last six.
RFC_SEED = base64.b32encode(b"12345678901234567890").decode()
RFC_CODES = {
    59: "287082",
    1111111109: "081804",
    1111111111: "050471",
    1234567890: "005924",
    2000000000: "279037",
    20000000000: "353130",
}
NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
NOW = totp.step_at(NOON)


class TestCodes:
    @pytest.mark.parametrize(("second", "code"), RFC_CODES.items())
    def test_are_those_of_the_standard(self, second: int, code: str) -> None:
        assert totp.code_of(RFC_SEED, totp.step_at(datetime.fromtimestamp(second, UTC))) == code


class TestStepOf:
    @pytest.mark.parametrize("away", [-1, 0, 1])
    def test_takes_the_present_step_and_its_neighbours(self, away: int) -> None:
        code = totp.code_of(RFC_SEED, NOW + away)

        assert totp.step_of(RFC_SEED, code, NOON, None) == NOW + away

    @pytest.mark.parametrize("away", [-3, -2, 2, 3])
    def test_takes_no_other(self, away: int) -> None:
        assert totp.step_of(RFC_SEED, totp.code_of(RFC_SEED, NOW + away), NOON, None) is None

    @pytest.mark.parametrize("away", [-1, 0, 1])
    def test_takes_no_step_that_was_used_nor_one_before_it(self, away: int) -> None:
        code = totp.code_of(RFC_SEED, NOW + away)

        assert totp.step_of(RFC_SEED, code, NOON, NOW + away) is None
        assert totp.step_of(RFC_SEED, code, NOON, NOW + 1) is None
        assert totp.step_of(RFC_SEED, code, NOON, NOW - 2) == NOW + away

    @pytest.mark.parametrize("code", ["", "1", "12345", "1234567", "28708٢", "abcdef", "287 082", "-28708"])
    def test_takes_nothing_that_is_no_code(self, code: str) -> None:
        assert totp.step_of(RFC_SEED, code, NOON, None) is None

    @given(second=st.integers(60, 2**33), later=st.integers(0, 29))
    def test_a_code_lasts_its_half_minute(self, second: int, later: int) -> None:
        begin = datetime.fromtimestamp(second // 30 * 30, UTC)
        code = totp.code_of(RFC_SEED, totp.step_at(begin))

        assert totp.step_of(RFC_SEED, code, begin + timedelta(seconds=later), None) is not None


class TestSeeds:
    def test_are_random_and_of_160_bits(self) -> None:
        seeds = {totp.new_seed() for _ in range(50)}

        assert len(seeds) == 50
        assert {len(base64.b32decode(seed)) for seed in seeds} == {20}


class TestAddress:
    def test_is_what_authenticator_apps_read(self) -> None:
        address = totp.address(RFC_SEED, "lena+work@example.org")
        parts = urlsplit(address)

        assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
        assert unquote(parts.path) == "/Afterglow:lena+work@example.org"
        assert {name: value[0] for name, value in parse_qs(parts.query).items()} == {
            "secret": RFC_SEED, "issuer": "Afterglow", "algorithm": "SHA1", "digits": "6", "period": "30",
        }  # fmt: skip
