from dataclasses import dataclass

import pytest

from app.core.db import Database
from app.core.settings import Settings
from app.identity.permissions import Role
from tests.cast import Cast, a_cast
from tests.factories import Person, a_member_of_staff
from tests.mail_fixtures import logged, mailing, server
from tests.safety.raising import Raiser

__all__ = ["logged", "mailing", "server"]  # fixtures of this folder too


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Three who look after nobody in particular: who is called first, second, and the lead."""

    first: Person
    second: Person
    lead: Person


@pytest.fixture
async def cast(db: Database, settings: Settings) -> Cast:
    return await a_cast(db, settings)


@pytest.fixture
async def on_duty(db: Database, settings: Settings, cast: Cast) -> OnDuty:
    roles = (Role.NURSE, Role.THERAPIST, Role.PRESCRIBER)
    return OnDuty(*[await a_member_of_staff(db, settings, cast.clinic, role) for role in roles])


@pytest.fixture
def raising(db: Database, cast: Cast) -> Raiser:
    """Raises alerts about the cast's patient."""
    return Raiser(db, cast.clinic, cast.patient)
