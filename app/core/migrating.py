"""Running the migrations from a command. Alembic is imported here and nowhere else, since the server never needs it."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.core.settings import Settings

ALEMBIC_INI = Path(__file__).parents[2] / "alembic.ini"


def upgrade(settings: Settings) -> None:
    """Bring the database of `settings` to the newest schema. Call it outside of an event loop: it starts its own."""
    config = Config(ALEMBIC_INI)
    config.attributes["settings"] = settings
    command.upgrade(config, "head")
