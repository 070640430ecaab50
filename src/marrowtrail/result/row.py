"""The base of every part of the document."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """Base of every part of the document: frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
