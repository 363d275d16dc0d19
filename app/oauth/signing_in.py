"""What our sign-in page does: asks who somebody is, sets one-time codes up for staff who have none, and leads on.

Every step is a form that carries the sealed request of the client; the answer is another page, or the way back.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from pydantic import validate_email
from pydantic_core import PydanticCustomError
from starlette.datastructures import FormData
from starlette.responses import Response

from app.audit import service as audit
from app.core.db import Database
from app.core.errors import MalformedJson
from app.core.requests import strict_json
from app.core.settings import Settings
from app.credentials import second_factors
from app.credentials.errors import PasskeyRefused, PasskeysUnavailable, ProofRefused
from app.identity.models import Account, Membership
from app.identity.permissions import SECOND_FACTORS, Role
from app.oauth import authorization, clients, codes, sign_in_page
from app.oauth.authorization import AuthorizationRequest, PageError
from app.oauth.clients import PublicClient
from app.sign_ins import proving
from app.sign_ins.errors import SecondFactorRequired, SignInRefused
from app.sign_ins.proving import Claim, Proof

ENROLMENT_LIFE = timedelta(minutes=15)
MAX_EMAIL = 254
MAX_PASSWORD = 256
_PLACE = "oauth.enrolment"


@dataclass(frozen=True, slots=True)
class Visit:
    """One form that came in: what it is about, and how to go on from it."""

    db: Database
    settings: Settings
    client: PublicClient
    request: AuthorizationRequest
    sealed: str


async def go_on(db: Database, settings: Settings, form: FormData, cookie: str) -> Response:
    """The answer to a form of the page, or `PageError`."""
    sealed = _text(form, "request")
    request = authorization.unseal(sealed, cookie)
    client = await clients.find(db, settings, request.client_id)
    if client is None or not client.may_redirect_to(request.redirect_uri):
        raise PageError("The app that sent you here is not known to this server any more.")
    visit = Visit(db, settings, client, request, sealed)
    match _text(form, "step"):
        case "cancel":
            denied = {"error": "access_denied", "error_description": "The person did not want to sign in."}
            return sign_in_page.lead_on(settings, request.redirect_uri, request.state, denied)
        case "enrol":
            return await _enrol(visit, form)
        case "passkey":
            return await _sign_in_with_passkey(visit, form)
        case _:
            return await _sign_in(visit, form)


async def _sign_in(visit: Visit, form: FormData) -> Response:
    email = _text(form, "email").strip()[:MAX_EMAIL]
    code = _text(form, "one_time_code").replace(" ", "") or None
    try:
        _, address = validate_email(email)
        claim = Claim(address, _text(form, "password")[:MAX_PASSWORD], code)
        proof = await proving.prove(visit.db, visit.settings, claim, visit.client.clinic_id)
    except (PydanticCustomError, SignInRefused, SecondFactorRequired):
        # The same for all: the page tells nobody what of it was wrong.
        return _again(visit, email, sign_in_page.WRONG)
    if proof.membership.role != Role.PATIENT and SECOND_FACTORS.isdisjoint(proof.methods.split()):
        return await _begin_enrolment(visit, proof)
    return await _lead_on(visit, proof.membership, proof.methods)


async def _sign_in_with_passkey(visit: Visit, form: FormData) -> Response:
    """A passkey verifies its user, so there is no second factor to ask for or to set up."""
    try:
        answered = strict_json(_text(form, "passkey").encode())
        credential = answered if isinstance(answered, dict) else {}
        proof = await proving.prove_with_passkey(visit.db, visit.settings, credential, visit.client.clinic_id)
    except (MalformedJson, PasskeyRefused, PasskeysUnavailable):
        return _again(visit, "", sign_in_page.WRONG_PASSKEY)
    return await _lead_on(visit, proof.membership, proof.methods)


def _again(visit: Visit, email: str, problem: str) -> Response:
    return sign_in_page.sign_in(visit.client, visit.request, visit.sealed, email=email, problem=problem)


async def _begin_enrolment(visit: Visit, proof: Proof) -> Response:
    """Let staff who have no second factor set one-time codes up; who has a passkey must use that, not a password."""
    if await second_factors.held(visit.db, proof.account.id):
        return _again(visit, proof.account.email, sign_in_page.USE_PASSKEY)
    made = await second_factors.begin(visit.db, proof.account.id)
    sealed = authorization.seal_text(
        {
            "request": visit.sealed,
            "clinic": str(proof.membership.clinic_id),
            "membership": str(proof.membership.id),
            "codes": str(made.id),
        },
        _PLACE,
        ENROLMENT_LIFE,
    )
    return sign_in_page.enrolment(visit.request, visit.sealed, sealed, made, proof.account.email)


async def _enrol(visit: Visit, form: FormData) -> Response:
    sealed = _text(form, "enrolment")
    begun = authorization.unseal_text(sealed, _PLACE)
    if begun is None or begun["request"] != visit.sealed:
        raise PageError("This page was open for too long. Go back to the app and begin again.")
    await visit.db.enter(UUID(begun["clinic"]))
    membership = await visit.db.get_one(Membership, UUID(begun["membership"]))
    account = await visit.db.get_one(Account, membership.account_id)
    made = await second_factors.one_time_codes(visit.db, account.id)
    if (
        made is None
        or str(made.id) != begun["codes"]
        or made.confirmed_at is not None
        or membership.ended_at is not None
    ):
        raise PageError("This page is out of date. Go back to the app and begin again.")
    code = _text(form, "one_time_code").replace(" ", "")
    try:
        await second_factors.confirm(visit.db, account.id, UUID(begun["codes"]), code)
    except ProofRefused:
        problem = sign_in_page.WRONG_CODE
        return sign_in_page.enrolment(visit.request, visit.sealed, sealed, made, account.email, problem=problem)
    audit.record(
        visit.db,
        operation="confirm_second_factor",
        permission="public",
        clinic_id=membership.clinic_id,
        actor_id=membership.id,
        actor_role=membership.role,
        subject_id=made.id,
    )
    return await _lead_on(visit, membership, proving.WITH_CODE)


async def _lead_on(visit: Visit, membership: Membership, methods: str) -> Response:
    code = await codes.issue(visit.db, membership, visit.request, methods=methods, label=visit.client.name)
    return sign_in_page.lead_on(visit.settings, visit.request.redirect_uri, visit.request.state, {"code": code})


def _text(form: FormData, name: str) -> str:
    """A field of the form; empty when it is missing, a file, or there twice."""
    values = form.getlist(name)
    return values[0] if len(values) == 1 and isinstance(values[0], str) else ""
