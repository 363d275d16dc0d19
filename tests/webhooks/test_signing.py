import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from app.webhooks import signing

OLD, NEW = signing.new_secret(), signing.new_secret()
BODY = '{"type":"check_in.recorded","snowman":"☃"}'.encode()


def headers(*secrets: str, message_id: str = "msg_1", at: int | None = None, body: bytes = BODY) -> dict[str, str]:
    timestamp = int(time.time()) if at is None else at
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signing.signatures(secrets, message_id, timestamp, body),
    }


class TestNewSecret:
    def test_it_is_32_random_bytes_that_the_standard_recognises(self) -> None:
        assert OLD.startswith("whsec_")
        assert len(base64.b64decode(OLD.removeprefix("whsec_"), validate=True)) == 32
        assert OLD != NEW


class TestSignatures:
    def test_are_those_that_other_libraries_are_tested_with(self) -> None:
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        body = b'{"test": 2432232314}'

        signed = signing.signatures([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)

        assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    @given(body=st.text(max_size=300), message_id=st.from_regex(r"msg_[0-9a-f]{32}", fullmatch=True))
    def test_are_verified_by_the_standards_library(self, body: str, message_id: str) -> None:
        sent = headers(NEW, message_id=message_id, body=body.encode())

        Webhook(NEW).verify(body, sent, json_parse=False)

    def test_of_both_secrets_are_verified_by_either_while_they_overlap(self) -> None:
        sent = headers(NEW, OLD)

        assert [each[:3] for each in sent["webhook-signature"].split(" ")] == ["v1,", "v1,"]
        for secret in (NEW, OLD):
            assert Webhook(secret).verify(BODY, sent) == {"type": "check_in.recorded", "snowman": "☃"}

    def test_of_one_secret_are_not_verified_by_the_other(self) -> None:
        with pytest.raises(WebhookVerificationError):
            Webhook(OLD).verify(BODY, headers(NEW))

    @pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp"])
    def test_hold_for_this_id_and_this_time_only(self, changed: str) -> None:
        sent = headers(NEW)
        other = headers(NEW, message_id="msg_2", at=int(time.time()) - 1)

        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(BODY, sent | {changed: other[changed]})

    def test_hold_for_this_body_only(self) -> None:
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(BODY + b" ", headers(NEW))

    @pytest.mark.parametrize("size", [24, 64])
    def test_are_made_with_secrets_of_any_size_the_standard_allows(self, size: int) -> None:
        secret = "whsec_" + base64.b64encode(b"k" * size).decode()

        Webhook(secret).verify(BODY, headers(secret))

    @pytest.mark.parametrize(
        "secret",
        [
            "",
            "whsec_",
            "whsec_" + base64.b64encode(b"k" * 23).decode(),
            "whsec_" + base64.b64encode(b"k" * 65).decode(),
            "whsec_" + "?" * 44,
            base64.b64encode(b"k" * 32).decode(),
        ],
    )
    def test_are_refused_to_what_is_no_secret_without_repeating_it(self, secret: str) -> None:
        with pytest.raises(ValueError, match="a secret of webhooks is") as refused:
            signing.signatures([secret], "msg_1", 1, b"")

        assert refused.value.__cause__ is None
        assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(refused.value)
