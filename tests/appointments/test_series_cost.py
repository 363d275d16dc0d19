"""What a long series costs: as many statements as a short one, but for the row of each appointment that changes."""

from tests.appointments.bookings import Clients
from tests.appointments.test_series import Series
from tests.cast import Cast


async def test_forty_take_one_statement_more_for_each_that_changes(
    new_client: Clients, cast: Cast, queries: list[str]
) -> None:
    counted: dict[int, list[int]] = {}
    for count, year in ((4, 2090), (40, 2092)):
        series = Series(new_client(cast.therapist.token), cast.patient_id)
        rule = f"FREQ=DAILY;COUNT={count}"
        counted[count] = []
        for version, hour in ((None, 9), (1, 10)):
            queries.clear()
            answer = await series.put(version, rule=rule, first_at=f"{year}-05-01T{hour:02d}:00")
            assert answer.is_success
            counted[count].append(len(queries))
        queries.clear()
        assert (await series.end(2)).is_success
        counted[count].append(len(queries))
    more = [many - few for many, few in zip(counted[40], counted[4], strict=True)]
    assert max(more) <= 40 - 4
    assert more[0] <= 0
