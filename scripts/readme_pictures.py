"""Make the pictures of the README and the docs from a result, in headless Chromium.

    make demo && PYTHONPATH=. .venv/bin/python scripts/readme_pictures.py demo

Writes ``docs/images``: the page on a desktop, its viewer, on a phone at night, and in print.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from tests.report.chromium import Tab, chromium

IMAGES = Path("docs/images")


def main() -> None:
    """Open the page four times."""
    page = Path(sys.argv[1]) / "report.html"
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as tab:
        opened(tab, page, 1280, 1480)
        keep(visible(tab), "report")
        tab.shot(Path(folder) / "viewer.png", "#viewer")
        keep(Image.open(Path(folder) / "viewer.png"), "viewer")
        opened(tab, page, 400, 1000, dark=True)
        keep(visible(tab), "phone")
        opened(tab, page, 794, 1123)  # A4 at 96 dots an inch
        tab.call("Emulation.setEmulatedMedia", media="print")
        tab.settle()
        keep(visible(tab), "print")


def opened(tab: Tab, page: Path, width: int, height: int, *, dark: bool = False) -> None:
    """The page in a window of that size."""
    tab.size(width, height, dark=dark)
    tab.open(page)
    tab.settle()


def visible(tab: Tab) -> Image.Image:
    """What the window shows."""
    answer = tab.call("Page.captureScreenshot")
    return Image.open(BytesIO(base64.b64decode(answer["data"])))


def keep(picture: Image.Image, name: str) -> None:
    """With few colours and few bytes."""
    # No palette: it gave two visits one colour.
    picture.convert("RGB").save(IMAGES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
