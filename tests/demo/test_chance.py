from datetime import UTC, datetime, timedelta

from app.demo.chance import Chance

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)


def numbers(chance: Chance) -> list[float]:
    return [chance.between(0, 1) for _ in range(5)]


class TestChance:
    def test_gives_the_same_for_the_same_names(self) -> None:
        assert numbers(Chance(1, "sam")) == numbers(Chance(1, "sam"))

    def test_gives_others_for_another_seed_or_name(self) -> None:
        assert numbers(Chance(1, "sam")) != numbers(Chance(2, "sam"))
        assert numbers(Chance(1, "sam")) != numbers(Chance(1, "noor"))

    def test_gives_a_part_its_own_stream_whatever_was_drawn_before(self) -> None:
        used = Chance(1)
        numbers(used)

        assert numbers(used.of("phone")) == numbers(Chance(1, "phone"))


class TestIds:
    def test_are_uuids_of_version_7_made_at_their_moment(self) -> None:
        made = Chance(1).id_at(NOON)

        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        assert made.int >> 80 == int(NOON.timestamp() * 1000)

    def test_sort_in_the_order_in_which_they_are_made(self) -> None:
        moments = iter([NOON] * 4000 + [NOON + timedelta(seconds=1)] * 4000)
        now = [NOON]
        make = Chance(1).ids(lambda: now[0])
        made = []
        for moment in moments:
            now[0] = moment
            made.append(make())

        assert made == sorted(made)
        assert len(set(made)) == len(made)
