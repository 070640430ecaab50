"""Follows bone marrow oedema across serial MRI and works through its differential diagnosis.

``marrowtrail.run(folder)`` does the main job and returns a :class:`Result`;
``marrowtrail.save(result, out)`` writes its folder. Research use only; not a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marrowtrail.pipeline import Settings, run, save

__all__ = ["Settings", "run", "save"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (the three names below have their own types)
    """Import the pipeline only when it is used: ``import marrowtrail`` stays quick."""
    if name in __all__:
        from marrowtrail import pipeline  # noqa: PLC0415

        return getattr(pipeline, name)
    raise AttributeError(f"module 'marrowtrail' has no attribute {name!r}")
