"""Who is in a demo database, read back from it, and fresh tokens for scripts that want them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from app.core.db import Database
from app.core.fields import zone
from app.core.settings import Settings
from app.credentials.models import OneTimeCodes
from app.demo import program, trial
from app.demo.bedside import PLAYED
from app.demo.people import CLINIC, DOMAIN, FOUNDED_BEFORE, PASSWORD, WEEKS
from app.dosing.models import DosingSession
from app.identity import service as identity
from app.identity.models import Account, Clinic, Membership, Patient

TOKENS_LIVE = timedelta(hours=12)
DEVICE = "a script (demo --json)"


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody who can sign in: `id` is the patient's, or that of the member of staff."""

    id: UUID
    role: str
    email: str
    name: str
    membership: Membership
    totp_secret: str | None

    @property
    def key(self) -> str:
        """The part of the address by which the stories name people."""
        return self.email.removesuffix(f"@{DOMAIN}")


@dataclass(frozen=True, slots=True)
class Roster:
    """The demo clinic and its people, in the order in which they came."""

    clinic: Clinic
    patients: Sequence[Resident]
    clinicians: Sequence[Resident]
    real_people: int
    """How many records of the trials there are, in their own clinic."""
    played: Mapping[str, UUID] = field(default_factory=dict)
    """The sessions of the scripts, by script."""

    @property
    def lived_until(self) -> datetime:
        """The morning of the day up to which the past was made up."""
        return self.clinic.created_at + FOUNDED_BEFORE + timedelta(weeks=WEEKS)

    @property
    def filled_on(self) -> date:
        """That day, by the clinic's calendar."""
        return self.lived_until.astimezone(zone(self.clinic.time_zone)).date()


_REAL_PEOPLE = (
    sa.select(sa.func.count())
    .select_from(Patient)
    .join(Clinic, Clinic.id == Patient.clinic_id)
    .where(Clinic.name == trial.CLINIC)
)


async def read(db: Database) -> Roster:
    """Everybody of the demo clinic."""
    clinic = (await db.scalars(sa.select(Clinic).where(Clinic.name == CLINIC))).one()
    rows = await db.execute(
        sa.select(Membership, Account, OneTimeCodes.seed)
        .join(Account, Account.id == Membership.account_id)
        .outerjoin(OneTimeCodes, OneTimeCodes.account_id == Account.id)
        .where(Membership.clinic_id == clinic.id)
        .order_by(Membership.created_at, Membership.id)
    )
    everybody = [
        Resident(who.patient_id or who.id, who.role, account.email, who.display_name, who, seed)
        for who, account, seed in rows
    ]
    roster = Roster(
        clinic,
        patients=[who for who in everybody if who.membership.patient_id],
        clinicians=[who for who in everybody if not who.membership.patient_id],
        real_people=await db.scalar(_REAL_PEOPLE) or 0,
    )
    return replace(roster, played=await _played(db, roster))


async def _played(db: Database, roster: Roster) -> dict[str, UUID]:
    """Each script's session: the last dose that its patient had when the clinic was filled."""
    ids, found = {who.key: who.id for who in roster.patients}, {}
    for script, (key, _) in PLAYED.items():
        session_id = await db.scalar(
            sa.select(DosingSession.id)
            .where(
                DosingSession.clinic_id == roster.clinic.id,
                DosingSession.patient_id == ids[key],
                DosingSession.dose_started_at < roster.lived_until,
            )
            .order_by(DosingSession.dose_started_at.desc())
            .limit(1)
        )
        if session_id is not None:
            found[script] = session_id
    return found


async def as_json(db: Database, settings: Settings, roster: Roster) -> dict[str, Any]:
    """What a script needs to call the demo."""
    document = {
        "base_url": settings.public_url,
        "clinic": {"id": str(roster.clinic.id), "time_zone": roster.clinic.time_zone},
        "patients": [_sign_in(db, settings, who) for who in roster.patients],
        "clinicians": [
            {"role": who.role} | _sign_in(db, settings, who) | {"totp_secret": who.totp_secret}
            for who in roster.clinicians
        ],
        "api_client": await program.with_new_secret(db, roster.clinic),
    }
    await db.flush_staged()
    return document


def _sign_in(db: Database, settings: Settings, who: Resident) -> dict[str, Any]:
    tokens = identity.begin(db, settings, who.membership, DEVICE, methods="password otp", access_lasts=TOKENS_LIVE)
    return {"id": str(who.id), "email": who.email, "password": PASSWORD, "access_token": tokens.access_token}
