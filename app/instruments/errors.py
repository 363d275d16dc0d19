"""What can go wrong with instruments."""

from app.core.errors import Problem


class UnknownInstrument(Problem):
    """There is no instrument with this key. `GET /v1/instruments` lists those that there are."""

    status = 404
    code = "unknown_instrument"
    title = "There is no such instrument."


class UnknownInstrumentVersion(Problem):
    """The instrument exists, but not in this version. Without `version`, the current one is meant."""

    status = 404
    code = "unknown_instrument_version"
    title = "The instrument has no such version."
