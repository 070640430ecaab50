"""Ranges that a scenario states and a seed draws from."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator


class Part(BaseModel):
    """Base of every part of a scenario: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(Part):
    """``[low, high]`` in YAML; a single number is a range of no width."""

    low: float
    high: float

    @model_validator(mode="before")
    @classmethod
    def _from_list_or_number(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"low": value, "high": value}
        if isinstance(value, list | tuple) and len(value) == 2:
            return {"low": value[0], "high": value[1]}
        return value

    @model_validator(mode="after")
    def _low_first(self) -> Range:
        if self.low > self.high:
            raise ValueError(f"a range must start at its lower end, got [{self.low}, {self.high}]")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """A number, uniformly."""
        return float(rng.uniform(self.low, self.high))

    def draw_whole(self, rng: np.random.Generator) -> int:
        """A whole number, uniformly, both ends included."""
        return int(rng.integers(round(self.low), round(self.high) + 1))
