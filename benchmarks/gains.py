"""What was measured to cost what, and what the next gain would cost: judged by people, printed below the figures."""

from typing import Final

NEXT: Final[dict[str, str]] = {
    "P1": "Six trips: begin, the guard, what is known of the patient, all that is written as one, the panel's "
    "row, commit. The panel's row is the dearest of them: keeping sum and count of the last fourteen days"
    " of each series in it would save the database a quarter of a millisecond, for a second way to the "
    "same number. A bare connection instead of SQLAlchemy's session would save a tenth of the server's "
    "part, and has to hand over to it where a rule needs more.",
    "P2": "The commit waits for the disk (`synchronous=FULL`), the floor's in PostgreSQL does too; the rest is "
    "the way to the one thread that has the connection, once for each statement that is read. A thread "
    "that runs the whole request would save most of that, and nothing else could be answered meanwhile.",
    "P3": "Its statements are those of one check-in. What is left is Python that reads, scores and judges fifty"
    " of them one after the other. Columns for the core measures instead of a row each would write a "
    "quarter of the bytes, for a migration of the largest table and two ways to read a measure.",
    "P4": "Three statements, two of them short; then nine hundred points are written as text. PostgreSQL could "
    "write them (`json_agg`), and each number would be worded in two places.",
    "P5": "The guard, the days, and the statistics of ninety of them. Keeping daily figures would save a "
    "quarter of a millisecond in the database and cost each check-in a fifth (ADR 21).",
    "P6": "One statement: it lets the caller in and notes that they asked; half of the time is spent in it, in "
    "PostgreSQL. Guards that arrive together could share one (`unnest`), perhaps a third to a half off, "
    "with a test of the wall of its own. Without it a 304 would be a hello; then somebody signed out "
    "elsewhere would be let in for some seconds, and reading a record would leave no entry until later, "
    "or none after a crash.",
    "P7": "The guard and one statement; the answer is written from the rows. What is left is the frame of a request.",
    "P8": "The guard and one statement by an index. How a patient's values are written is remembered; names are"
    " unsealed each time, since names kept in memory would be in every dump of it.",
    "P9": "Reached: a trend reads the days that it shows, by the key.",
    "P10": "A page of an index that is not in memory is read from the disk. Partitions by a hash of the patient "
    "keep less of it busy, at the price of a dearer plan for each read (`docs/scaling.md`, 6): they pay "
    "far past a hundred million values.",
    "P11": "Reached: each endpoint has a lane of its own.",
    "P12": "The libraries hold 66 MB before any line of ours, what only routes import holds 16, the mapper of "
    "our tables and what the worker asks 8. Importing a package's routes at its first request would save "
    "the 16 until then, for a list of addresses that is written with the OpenAPI document and compared "
    "with the routes by a test. 90 MB would take another mapper than SQLAlchemy's.",
    "P13": "Reached. What is slower than the rest waited for a connection of the pool or for the disk.",
}
"""By the name of a goal."""
