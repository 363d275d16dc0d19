"""The copy for programs: a `schemas.RecordExport`, written check-in by check-in."""

from typing import Any, Final

from pydantic import TypeAdapter

from app.check_ins import service as check_ins
from app.check_ins.schemas import CheckInEarlierVersion
from app.exports import schemas
from app.exports.day_schemas import CopiedDueCheckIn, CopiedJournalEntry, CopiedPracticeLog
from app.exports.packing import Packed
from app.exports.service import Reader
from app.instruments.catalogue import find_definition
from app.oversight.schemas import RecordAccess

_EARLIER = TypeAdapter(list[CheckInEarlierVersion])
_ACCESSES = TypeAdapter(list[RecordAccess])
_LONG: Final[dict[str, TypeAdapter[Any]]] = {
    "journal_entries": TypeAdapter(list[CopiedJournalEntry]),
    "practice_logs": TypeAdapter(list[CopiedPracticeLog]),
    "due_check_ins": TypeAdapter(list[CopiedDueCheckIn]),
}
"""The long lists of the patient's day, by their names in the copy."""


async def write(reader: Reader, head: schemas.RecordWithoutAnswers) -> Packed:
    """Write the whole record."""
    made, used, first = Packed(), dict[tuple[str, str], None](), True
    made.write(head.model_dump_json().removesuffix("}") + ',"check_ins":[')
    async for page in reader.check_ins():
        made.write(("" if first else ",") + ",".join(map(_check_in, page)))
        first = False
        for row in page:
            for given in row["responses"]:
                used[given["instrument"], given["version"]] = None
    made.write(f'],"instruments":[{",".join(_instruments(used))}],"record_accesses":[')
    first = True
    async for accesses in reader.record_accesses():
        made.write(("" if first else ",") + _ACCESSES.dump_json(_ACCESSES.validate_python(accesses)).decode()[1:-1])
        first = False
    made.write("]")
    for name, adapter in _LONG.items():
        await _long(made, reader, name, adapter)
    made.write("}")
    made.close()
    return made


async def _long(made: Packed, reader: Reader, name: str, adapter: TypeAdapter[Any]) -> None:
    made.write(f',"{name}":[')
    first = True
    async for rows in reader.long(name):
        made.write(("" if first else ",") + adapter.dump_json(adapter.validate_python(rows)).decode()[1:-1])
        first = False
    made.write("]")


def _check_in(row: dict[str, Any]) -> str:
    text = check_ins.present(row).model_dump_json()
    earlier = _EARLIER.dump_json(_EARLIER.validate_python(row["earlier_versions"], from_attributes=True)).decode()
    return f'{text.removesuffix("}")},"earlier_versions":{earlier}}}'


def _instruments(used: dict[tuple[str, str], None]) -> list[str]:
    """The instruments that are answered, as far as they are still known."""
    found = (find_definition(key, version) for key, version in sorted(used))
    return [schemas.instrument_of(one).model_dump_json() for one in found if one is not None]
