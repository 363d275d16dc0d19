"""An authenticator in software: what a phone or a security key does with a passkey, in plain steps.

`but` of each act changes one thing that an honest authenticator would say, so that tests can lie in every way.
"""

import base64
import hashlib
import json
import secrets
import struct
from typing import Any

import cbor2
import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
Json = dict[str, Any]


def text(raw: bytes) -> str:
    """Base64url without padding, as browsers write bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(encoded: str) -> bytes:
    """And back."""
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


class Authenticator:
    """Holds one passkey. `counts=False`: as synchronised passkeys do, it says 0 for ever."""

    def __init__(self, origin: str, *, counts: bool = True) -> None:
        self.origin = origin
        self.counts = counts
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.user_handle = b""
        self.count = 0

    def make(self, options: Json, **but: Any) -> Json:
        """Answer `navigator.credentials.create`."""
        self.user_handle = raw(options["user"]["id"])
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor2.dumps(cose)
        told = self._told(but.get("rp", options["rp"]["id"]), ATTESTED, but) + but.get("attested", attested)
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told})
        client_data = self._client_data("webauthn.create", options, but)
        return self._credential(clientDataJSON=client_data, attestationObject=attestation)

    def sign(self, options: Json, **but: Any) -> Json:
        """Answer `navigator.credentials.get`."""
        told = self._told(but.get("rp", options["rpId"]), 0, but)
        client_data = self._client_data("webauthn.get", options, but)
        signed = told + hashlib.sha256(client_data).digest()
        signature = but.get("key", self.key).sign(signed, ec.ECDSA(SHA256()))
        handle = but.get("user_handle", self.user_handle)
        parts = {"clientDataJSON": client_data, "authenticatorData": told, "signature": signature}
        return self._credential(**parts, **({} if handle is None else {"userHandle": handle}))

    def _told(self, rp: Any, flags: int, but: Json) -> bytes:
        self.count = but.get("count", self.count + self.counts)
        flags |= but.get("flags", PRESENT | VERIFIED)
        return hashlib.sha256(rp.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    def _client_data(self, kind: str, options: Json, but: Json) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | but.get("client_data", {})).encode()

    def _credential(self, **answer: bytes) -> Json:
        return {
            "id": text(self.credential_id),
            "rawId": text(self.credential_id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {name: text(value) for name, value in answer.items()},
        }


async def options(client: httpx2.AsyncClient, path: str) -> Json:
    answer = await client.post(f"/v1/{path}")
    assert answer.status_code == 200, answer.text
    asked: Json = answer.json()["public_key"]
    return asked


async def add(client: httpx2.AsyncClient, authenticator: Authenticator, **but: Any) -> httpx2.Response:
    """Add a passkey to the account of whoever `client` is."""
    made = authenticator.make(await options(client, "me/passkeys/options"), **but)
    return await client.post("/v1/me/passkeys", json={"credential": made, "label": "a key"})


async def sign_in(client: httpx2.AsyncClient, authenticator: Authenticator, **but: Any) -> httpx2.Response:
    return await send(client, authenticator.sign(await options(client, "sign-ins/passkey-options"), **but))


async def send(client: httpx2.AsyncClient, credential: Json) -> httpx2.Response:
    return await client.post("/v1/sign-ins/passkey", json={"credential": credential, "device_label": "a phone"})
