"""The figures of a protocol: complete, described, bounded."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.protocols.rules import Linking, Protocol, Trends


def figures(model: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(f"{model.__name__}.{name}", field) for name, field in model.model_fields.items()]


class TestFigures:
    def test_each_says_what_it_decides_and_proposes_a_default(self) -> None:
        every = [figure for section in Protocol.model_fields.values() for figure in figures(section.annotation)]  # type: ignore[arg-type]

        assert len(every) > 20
        assert [name for name, field in every if not field.description or field.is_required()] == []

    def test_defaults_fit_their_own_bounds(self) -> None:
        assert Protocol.model_validate(Protocol().model_dump(mode="json")) == Protocol()

    def test_an_older_version_without_a_newer_figure_still_reads(self) -> None:
        old = Protocol().model_dump(mode="json")
        del old["linking"]["clock_tolerance_minutes"]
        del old["trends"]

        assert Protocol.model_validate(old) == Protocol()

    @pytest.mark.parametrize("section", [Protocol, Linking, Trends])
    def test_nothing_unknown_slips_in(self, section: type[BaseModel]) -> None:
        with pytest.raises(ValidationError):
            section.model_validate({"before_hour": 72})

    def test_cannot_be_changed_in_place(self) -> None:
        with pytest.raises(ValidationError):
            Protocol().linking.before_hours = 1  # type: ignore[misc]

    @pytest.mark.parametrize("value", ["72", True, 72.5, -1, 24 * 60 + 1, None, float("nan")])
    def test_hours_are_whole_and_bounded(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            Linking.model_validate({"before_hours": value})

    @pytest.mark.parametrize("value", ["0.2", True, -0.1, 1.1, float("nan"), float("inf")])
    def test_shares_lie_between_nothing_and_all(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            Trends.model_validate({"change_range_share": value})

    @pytest.mark.parametrize("hours", [[0, 0], [0, 24, 12], []])
    def test_stretches_after_a_dose_follow_one_another(self, hours: list[int]) -> None:
        with pytest.raises(ValidationError):
            Trends.model_validate({"pooled_hours": hours})
