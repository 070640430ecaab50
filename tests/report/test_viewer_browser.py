"""The viewer as a reader uses it, in a headless Chromium that may fetch nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Tab, chromium
from test_viewer_page import viewed

from marrowtrail.report.html import render_html

# Read from a copy: Chromium complains of a canvas that is drawn to and read time and again.
PIXELS = """[...document.querySelectorAll('.pane canvas')].map((canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', {willReadFrequently: true});
  context.drawImage(canvas, 0, 0);
  const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
  let [orange, blue, sum] = [0, 0, 0];
  for (let n = 0; n < data.length; n += 4) {
    orange += data[n] - data[n + 2] > 90;
    blue += data[n + 2] - data[n] > 90;
    sum = (sum * 31 + data[n]) % 1000003;
  }
  return {orange, blue, sum};
})"""
DRAWN = "[...document.querySelectorAll('.pane canvas')].every((c) => c.width > 310 && !c.hidden)"


def element(name: str) -> str:
    return f"document.querySelector('#viewer [data-control={name}]')"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    folder = tmp_path_factory.mktemp("viewer")
    page = folder / "report.html"
    page.write_text(render_html(*viewed()), encoding="utf-8")
    with chromium(folder / "profile") as tab:
        tab.size(1280, 900)
        tab.open(page)
        yield tab


@pytest.fixture(autouse=True)
def _afresh(tab: Tab) -> None:
    """The first bone as it is shown at first."""
    if tab.eval("document.querySelector('#viewer').hidden") is not False:
        return
    tab.size(1280, 900)
    tab.eval("document.querySelector('.viewer-panes').focus()")
    for name, wanted in (("outlines", "true"), ("subtract", "false")):
        pressed = f"{element(name)}.getAttribute('aria-pressed')"
        tab.eval(f"{pressed} === '{wanted}' || {element(name)}.click()")
    tab.eval("document.querySelector('[data-contrast=fluid]').click()")
    tab.press("1")
    tab.press("r")
    tab.until(DRAWN)
    tab.settle()


def pixels(tab: Tab) -> list[dict[str, int]]:
    found: list[dict[str, int]] = tab.eval(PIXELS)
    return found


def text(tab: Tab, name: str) -> str:
    return str(tab.eval(f"{element(name)}.textContent"))


def test_it_opens_without_a_complaint_and_asks_for_nothing(tab: Tab) -> None:
    assert tab.eval("document.querySelector('#viewer').hidden") is False
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith("file:")] == []
    assert len(tab.requests) == 1


def test_arrows_move_every_pane_together(tab: Tab) -> None:
    before, place = pixels(tab), text(tab, "position")
    tab.press("ArrowDown")
    after = pixels(tab)
    assert all(one["sum"] != other["sum"] for one, other in zip(before, after, strict=True))
    assert place.startswith("Slice 16 of 21, 60 mm from the R end")
    assert text(tab, "position").startswith("Slice 17 of 21, 64 mm from the R end")
    tab.press("ArrowUp")
    assert pixels(tab) == before
    tab.press("End")
    tab.press("ArrowDown")
    assert text(tab, "position").startswith("Slice 21 of 21")


def test_keys_do_nothing_outside_of_the_viewer(tab: Tab) -> None:
    place = text(tab, "position")
    tab.eval("document.activeElement.blur()")
    tab.press("ArrowDown")
    tab.press("s")
    assert text(tab, "position") == place
    assert tab.eval(f"{element('subtract')}.getAttribute('aria-pressed')") == "false"


def test_outlines_are_switched_off_and_on(tab: Tab) -> None:
    on = pixels(tab)
    tab.press("o")
    off = pixels(tab)
    assert [one["orange"] > 100 for one in on] == [True, False, False]
    assert all(one["blue"] > 100 for one in on)
    assert all(one["blue"] + one["orange"] == 0 for one in off)
    tab.press("o")
    assert pixels(tab) == on


def test_the_change_is_blue_where_oedema_went(tab: Tab) -> None:
    tab.press("o")
    plain = pixels(tab)
    tab.press("s")
    changed = pixels(tab)
    assert changed[0] == plain[0]
    assert changed[1]["blue"] > 1000
    assert changed[2]["blue"] < changed[1]["blue"] / 20
    assert changed[1]["orange"] < changed[1]["blue"] / 20
    captions = tab.eval(
        "[...document.querySelectorAll('.pane figcaption')].map(c => c.textContent)"
    )
    assert "nothing earlier" in captions[0]
    assert "visit 2 minus visit 1" in captions[1]
    assert "units of normal marrow" in text(tab, "notes")
    assert tab.eval(f"{element('legend')}.hidden") is False


def test_another_plane_says_that_it_is_reformatted(tab: Tab) -> None:
    assert "Reformatted" not in text(tab, "notes")
    tab.press("p")
    assert text(tab, "position").startswith("Reformatted cut")
    assert "between slices 4.0 mm apart" in text(tab, "notes")
    assert text(tab, "first") == "A"
    label = tab.eval("document.querySelector('.pane canvas').getAttribute('aria-label')")
    assert "Left of the picture R, right L, top H, bottom F." in label
    assert pixels(tab)[0]["orange"] > 20
    tab.press("p")
    tab.press("p")
    assert text(tab, "position").startswith("Slice")


def test_bones_and_series_are_chosen_by_key_and_button(tab: Tab) -> None:
    first = pixels(tab)
    tab.press("2")
    tab.until(DRAWN)
    assert "Right tibia" in text(tab, "notes")
    tab.eval("document.querySelector('[data-place=\"0\"]').click()")
    tab.eval("document.querySelector('.viewer-panes').focus()")
    tab.press("c")
    tab.until("document.querySelector('.pane figcaption').textContent.startsWith('T1')")
    assert pixels(tab) != first


def test_the_window_changes_by_slider_and_drag_and_is_reset(tab: Tab) -> None:
    tab.press("o")
    before, shown = pixels(tab), text(tab, "window-text")
    tab.eval(
        f"{element('white')}.value = 2;"
        f"{element('white')}.dispatchEvent(new Event('input', {{bubbles: true}}))"
    )
    tab.settle()
    assert pixels(tab) != before
    assert text(tab, "window-text") == "Window 0.0 to 2.0 × normal marrow"
    tab.press("r")
    assert (pixels(tab), text(tab, "window-text")) == (before, shown)
    x, y = middle(tab)
    mouse(tab, "mousePressed", x, y)
    mouse(tab, "mouseMoved", x - 120, y)
    mouse(tab, "mouseReleased", x - 120, y)
    assert text(tab, "window-text") != shown
    assert text(tab, "position").startswith("Slice 16")


def test_a_finger_turns_slices_and_leaves_the_window(tab: Tab) -> None:
    shown = text(tab, "window-text")
    x, y = middle(tab)
    tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    for step in (10, 25, 45):
        points = [{"x": x - step, "y": y}]
        tab.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=points)
    tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    tab.settle()
    assert text(tab, "position").startswith("Slice 13")
    assert text(tab, "window-text") == shown


def test_a_phone_needs_no_sideways_scrolling(tab: Tab) -> None:
    tab.size(380, 800)
    assert tab.eval("document.documentElement.scrollWidth") <= 380
    assert tab.eval("document.querySelector('.pane canvas').clientWidth") > 140


def test_print_leaves_the_still_pictures_only(tab: Tab) -> None:
    display = "getComputedStyle(document.querySelector('#viewer')).display"
    assert tab.eval(display) == "block"
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.eval(display) == "none"
    assert tab.eval("getComputedStyle(document.querySelector('#slices')).display") == "block"
    tab.call("Emulation.setEmulatedMedia", media="")


def middle(tab: Tab) -> tuple[float, float]:
    tab.eval("document.querySelector('.pane canvas').scrollIntoView({block: 'center'})")
    tab.settle()
    x, y = tab.eval(
        "(() => {const b = document.querySelector('.pane canvas').getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]})()"
    )
    return x, y


def mouse(tab: Tab, kind: str, x: float, y: float) -> None:
    held = {} if kind == "mouseReleased" else {"buttons": 1}
    tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1, **held)
    tab.settle()


def test_nothing_was_complained_of_on_the_way(tab: Tab, tmp_path: Path) -> None:
    """The last of this file: after all that, the console is empty and nothing was fetched."""
    assert tab.complaints == []
    assert len(tab.requests) == 1
    tab.shot(tmp_path / "viewer.png", "#viewer")
    assert (tmp_path / "viewer.png").stat().st_size > 10_000
