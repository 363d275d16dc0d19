"""What partitions of `observations` would cost and gain: `python -m benchmarks.partitions [--values 2000000]`.

Three tables with the columns and the key of `observations` and the same rows: one table, 16 partitions by a hash of the
patient, and a partition for each month of ten years. Each is read as trends read and written as check-ins write, in
turns, on one connection with prepared statements. Nothing of the service is touched.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from tests.postgresql import Server, address

MONTHS, HASHES = 120, 16
FIRST = datetime(2016, 12, 1, tzinfo=UTC)
OF_PATIENT = 5_000
CLINIC = UUID(int=1)
KINDS = ("one table", f"{HASHES} by patient", f"{MONTHS} by month")
COLUMNS = """clinic_id uuid NOT NULL, patient_id uuid NOT NULL, measure varchar(40) NOT NULL,
    substance varchar(40) NOT NULL, recorded_at timestamptz NOT NULL, check_in_id uuid NOT NULL,
    value double precision NOT NULL, local_day date NOT NULL, utc_offset_minutes smallint NOT NULL,
    PRIMARY KEY (clinic_id, patient_id, measure, substance, recorded_at, check_in_id) INCLUDE (value, local_day)"""
IN_SPAN = (
    " WHERE clinic_id = $1 AND patient_id = $2 AND measure = 'craving' AND substance = 'alcohol'"
    " AND recorded_at >= $3 AND recorded_at < $4"
)
READS = {
    "days of 90 days": (
        90,
        "SELECT local_day, sum(value), min(value), max(value), count(*) FROM ",
        IN_SPAN + " GROUP BY local_day",
    ),
    "values of 30 days": (30, "SELECT recorded_at, value FROM ", IN_SPAN + " ORDER BY recorded_at, check_in_id"),
    "days of ten years": (3650, "SELECT local_day, avg(value) FROM ", IN_SPAN + " GROUP BY local_day"),
}
"""How many days each reads, and its statement before and after the table. Both ends are parameters, as in a trend."""
WRITE = """INSERT INTO {} SELECT $1, $2, m, s, $3, $4, 5, ($3 AT TIME ZONE 'UTC')::date, 0
    FROM (VALUES ('craving', 'alcohol'), ('craving_peak', 'alcohol'), ('mood', ''), ('withdrawal', '')) AS v (m, s)"""
FILL = """INSERT INTO {} SELECT $1, p, m, s, at, md5(p::text || n)::uuid, n % 11, at::date, 0
    FROM unnest($2::uuid[]) AS p, generate_series(0, $3::int / 4 - 1) AS n,
    LATERAL (SELECT $4::timestamptz + n * (interval '3640 days' / ($3::int / 4)) AS at) AS t,
    (VALUES ('craving', 'alcohol'), ('craving_peak', 'alcohol'), ('mood', ''), ('withdrawal', '')) AS v (m, s)"""
SIZE = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND starts_with(relname, $1)"
ROUNDS, TIMES = 20, 60


def tables() -> Iterator[tuple[str, str, list[str]]]:
    """Each kind with its table and the statements that make it."""
    yield KINDS[0], "o_plain", [f"CREATE TABLE o_plain ({COLUMNS})"]
    parts = [
        f"CREATE TABLE o_hash_{n} PARTITION OF o_hash FOR VALUES WITH (MODULUS {HASHES}, REMAINDER {n})"
        for n in range(HASHES)
    ]
    yield KINDS[1], "o_hash", [f"CREATE TABLE o_hash ({COLUMNS}) PARTITION BY HASH (patient_id)", *parts]
    starts = [FIRST.replace(year=FIRST.year + (11 + n) // 12, month=(11 + n) % 12 + 1) for n in range(MONTHS + 1)]
    parts = [
        f"CREATE TABLE o_month_{n} PARTITION OF o_month FOR VALUES FROM ('{starts[n]}') TO ('{starts[n + 1]}')"
        for n in range(MONTHS)
    ]
    yield KINDS[2], "o_month", [f"CREATE TABLE o_month ({COLUMNS}) PARTITION BY RANGE (recorded_at)", *parts]


async def fill(connection: asyncpg.Connection, values: int) -> list[UUID]:
    """The same rows in each table; the patients they are of."""
    patients = [uuid4() for _ in range(max(1, values // OF_PATIENT))]
    for kind, table, statements in tables():
        for statement in statements:
            await connection.execute(statement)
        began = time.perf_counter()
        await connection.execute(
            FILL.format(table),
            CLINIC,
            patients,
            OF_PATIENT,
            FIRST,
        )
        filled = time.perf_counter() - began
        await connection.execute(f"VACUUM (ANALYZE) {table}")
        size = await connection.fetchval(SIZE, table)
        print(f"{kind}: filled in {filled:.0f} s, {size / 1e6:.0f} MB", flush=True)
    return patients


async def times(work: Callable[[], Awaitable[object]], count: int) -> float:
    """Milliseconds of one."""
    began = time.perf_counter()
    for _ in range(count):
        await work()
    return (time.perf_counter() - began) / count * 1000


async def measure(connection: asyncpg.Connection, patients: list[UUID]) -> None:
    """Print a table: milliseconds in the fastest round, which others disturbed least, and the ratio to one table."""
    draw = random.Random(7)
    seen: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for kind, table, _statements in tables():
            for name, (length, columns, span) in READS.items():
                prepared = await connection.prepare(columns + table + span)

                async def read(prepared: object = prepared, length: int = length) -> None:
                    start = FIRST + timedelta(days=draw.randrange(3651 - length))
                    whose = draw.choice(patients)
                    await prepared.fetch(CLINIC, whose, start, start + timedelta(days=length))  # type: ignore[attr-defined]

                seen.setdefault((name, kind), []).append(await times(read, TIMES // (3 if length > 90 else 1)))
            prepared = await connection.prepare(WRITE.format(table))

            async def write(prepared: object = prepared) -> None:
                at = FIRST + timedelta(days=3640, seconds=draw.randrange(86_400))
                await prepared.fetch(CLINIC, draw.choice(patients), at, uuid4())  # type: ignore[attr-defined]

            seen.setdefault(("write of 4 values, on disk", kind), []).append(await times(write, TIMES))
    print("| work | " + " | ".join(KINDS) + " |")
    for name in dict.fromkeys(name for name, _ in seen):
        plain = min(seen[name, KINDS[0]])
        cells = [f"{(each := min(seen[name, kind])):.3f} ms ({each / plain:.2f})" for kind in KINDS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


async def run(values: int) -> None:
    """Everything."""
    server = Server(durable=True)
    try:
        connection = await asyncpg.connect(address(server.host, "postgres"))
        await connection.execute("SET jit = off")
        await measure(connection, await fill(connection, values))
        await connection.close()
    finally:
        server.stop()


def main() -> None:
    """Read how many values, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=2_000_000, help="how many to store in each table")
    asyncio.run(run(parser.parse_args().values))


if __name__ == "__main__":
    main()
