"""What the numbers mean that servers answer a store with (PS3.4 B.2.3, PS3.18 I.2.2, PS3.7 C)."""

from __future__ import annotations

SUCCESS, PENDING, PENDING_WITHOUT_OPTIONAL = 0x0000, 0xFF00, 0xFF01
DUPLICATE = 0x0111

_WORDS = {
    0x0110: "it failed to process it",
    DUPLICATE: "it has an object of that identifier",
    0x0117: "it takes the identifier for none",
    0x0122: "it does not take objects of this kind",
    0x0124: "it does not allow us to store",
    0xB000: "it changed values in it",
    0xB006: "it left elements of it out",
    0xB007: "it says that the object does not match its kind",
}

_FAMILIES = (
    (0xA700, 0xA7FF, "it is out of room or memory"),
    (0xA900, 0xA9FF, "it says that the object does not match its kind"),
    (0xC000, 0xCFFF, "it cannot understand it"),
    (0xB000, 0xBFFF, "it accepted it with a warning"),
)

_OUT_OF_RESOURCES = (0xA700, 0xA7FF)


def in_words(status: int) -> str:
    """What a status says, with its number for the administrator of the server."""
    family = next((words for low, high, words in _FAMILIES if low <= status <= high), "it refused")
    return f"{_WORDS.get(status, family)} (0x{status:04X})"


def is_warning(status: int) -> bool:
    """Stored all the same."""
    return status in (0x0001, 0x0107, 0x0116) or 0xB000 <= status <= 0xBFFF


def may_pass(status: int) -> bool:
    """Worth another try later."""
    low, high = _OUT_OF_RESOURCES
    return low <= status <= high
