"""The page in a real browser: the answer is on the screen, charts can be explored, nothing is fetched, no error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nonideal.postlayout.budget import Budget
from nonideal.report import write_report
from nonideal.report.blocks import Report, Section
from nonideal.report.budget_panel import budget_panel
from nonideal.report.condition_panel import condition_panel, supply_panel
from nonideal.report.error_budget import LABELS
from nonideal.report.explore_panel import explore_panel
from nonideal.report.page import html_page
from nonideal.report.yield_panel import yield_panel
from tests.report.chromium import CHROMIUM, Browser, chromium
from tests.report.conftest import Builder, mapping_row
from tests.report.test_chart_panels import BITS, CHOICES, CURVES, MAPS, OFF

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
SIZES = {"desktop": (1280, 800), "phone": (390, 844), "small phone": (360, 740)}
"""Width and height of the screen; on the smallest the page must fit, on the others the answer stands on the first screen."""
DRAWN = "document.getElementById('{}').dataset.drawn !== undefined"
CONTRASTS = """(() => {
  const channels = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(at).backgroundColor);
      if (a > 0.99 && b !== undefined) return [r, g, b];
    }
    throw new Error("no ground");
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, style, noscript, title")) continue;
    const style = getComputedStyle(element);
    const colour = element.closest("svg") ? style.fill : style.color;
    const pair = [luminance(channels(colour)), luminance(ground(element))].sort((a, b) => b - a);
    found.push([(pair[0] + 0.05) / (pair[1] + 0.05), walk.currentNode.data.trim().slice(0, 40), colour]);
  }
  return found.sort((a, b) => a[0] - b[0]);
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def shown(browser: Browser, page: Path, size: str = "desktop") -> list[str]:
    """Open a page and scroll to every chart until it is drawn; their names."""
    browser.open(page, *SIZES[size])
    names: list[str] = browser.run("[...document.querySelectorAll('figure.panel')].map(one => one.id)")
    for name in names:
        browser.run(f"document.getElementById('{name}').scrollIntoView()")
        browser.until(DRAWN.format(name))
    return names


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_answer_is_on_the_first_screen(written: Path, browser: Browser, size: str) -> None:
    browser.open(written / "report.html", *SIZES[size])
    bottoms: dict[str, Any] = browser.run(
        "Object.fromEntries(['.verdict', 'h1', '.tiles', '.part.axis'].map(name => "
        "[name, document.querySelector(name).getBoundingClientRect().bottom]))"
    )
    assert list(bottoms.values()) == sorted(bottoms.values())
    assert bottoms[".part.axis"] <= SIZES[size][1], bottoms
    assert browser.run("document.documentElement.scrollWidth - innerWidth") <= 0
    assert browser.run("document.querySelector('.part .track i').getBoundingClientRect().width") > 30
    assert browser.complaints() == []


def test_charts_are_drawn_and_all_text_can_be_read(written: Path, browser: Browser) -> None:
    page = written / "report.html"
    names = shown(browser, page)
    assert len(names) == 10
    boxes: list[list[float]] = browser.run(
        "[...document.querySelectorAll('.chart')].map(one => one.querySelector('.main-svg').getBoundingClientRect())"
        ".map(box => [box.width, box.height])"
    )
    assert len(boxes) > 15
    assert all(width > 200 and height > 100 for width, height in boxes)
    assert browser.run("document.querySelectorAll('.chart .points path, .chart .js-line').length") > 100
    assert browser.run("[...document.images].every(one => one.naturalWidth === 100)")
    assert browser.complaints() == []
    asked = browser.asked_for()
    assert asked[0] == page.as_uri()
    assert all(url.startswith(("data:image/", "blob:")) for url in asked[1:])

    browser.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for dark, ink, paper in ((False, "31, 35, 40", "255, 255, 255"), (True, "230, 237, 243", "15, 20, 25")):
        browser.scheme(dark=dark)
        for name in names:
            browser.until(
                f"getComputedStyle(document.querySelector('#{name} .xtick text')).fill === 'rgb({ink})'"
            )
        assert browser.run("getComputedStyle(document.body).backgroundColor") == f"rgb({paper})"
        found: list[list[Any]] = browser.run(CONTRASTS)
        assert len(found) > 500
        assert found[0][0] >= 4.5, found[:5]


def further(folder: Path, budget: Budget) -> Path:
    """A page of the charts that stand only where other commands have run."""
    named = LABELS.__getitem__
    panels = (
        budget_panel("budget", "bottom_up", budget.summary(), 6e-11, "told", lambda one: named(one.name)),
        yield_panel("yield", "Yield", CURVES, BITS, 0.05, "told"),
        condition_panel(MAPS, "Conditions", "told"),
        *filter(None, [supply_panel(OFF, "Supplies", "told")]),
        explore_panel(CHOICES, "told"),
    )
    report = Report("t", "e", "h", "l", "v", "idle", (), sections=(Section("all", "All", panels),))
    page = folder / "further.html"
    page.write_text(html_page(report), encoding="utf-8")
    return page


@pytest.mark.parametrize("size", ["desktop", "small phone"])
def test_charts_of_other_commands_are_drawn(
    browser: Browser, tmp_path: Path, budget: Budget, size: str
) -> None:
    """Bars with their numbers, bands, maps with theirs; nothing beside the screen, everything to be read on light and dark."""
    page = further(tmp_path, budget)
    assert shown(browser, page, size) == [
        "budget",
        "yield",
        "condition-maps",
        "supply-maps",
        "explore-choices",
    ]
    assert browser.complaints() == []
    assert browser.run("document.querySelectorAll('#budget .bartext').length") == 4
    assert browser.run("document.querySelectorAll('#yield .js-fill').length") == 2
    told = "[...document.querySelectorAll('#condition-maps .chart')].map(one => one.textContent)"
    maps: list[str] = browser.run(told)
    assert len(maps) == 4
    assert "50 %" in maps[0]
    assert "none" in maps[0]
    assert "200 ns" in maps[2]
    assert browser.run("document.querySelectorAll('#explore-choices .point').length") == 3 + 4
    assert browser.run("document.documentElement.scrollWidth - innerWidth") <= 0
    for dark, ink in ((False, "31, 35, 40"), (True, "230, 237, 243")):
        browser.scheme(dark=dark)
        browser.until(f"getComputedStyle(document.querySelector('#yield .xtick text')).fill === 'rgb({ink})'")
        found: list[list[Any]] = browser.run(CONTRASTS)
        assert found[0][0] >= 4.5, found[:5]


def test_a_small_phone_scrolls_one_way(written: Path, browser: Browser) -> None:
    """Wide tables scroll inside themselves."""
    shown(browser, written / "report.html", "small phone")
    browser.run("document.querySelectorAll('section details').forEach(one => { one.open = true; })")
    assert browser.run("document.documentElement.scrollWidth - innerWidth") <= 0
    rights = (
        "[...document.querySelectorAll('.chart .main-svg')].map(one => one.getBoundingClientRect().right)"
    )
    assert max(browser.run(rights)) <= SIZES["small phone"][0]
    browser.run("document.querySelector('.menu summary').click()")
    assert browser.run("document.querySelector('.menu nav').getBoundingClientRect().left") >= 0
    browser.run("document.querySelector('.menu nav a').click()")
    assert not browser.run("document.querySelector('.menu').open")
    assert browser.complaints() == []


def test_a_page_that_fetches_is_caught(browser: Browser, tmp_path: Path) -> None:
    tell_tale = tmp_path / "fetches.html"
    tell_tale.write_text('<img src="http://nonideal.invalid/pixel.png">', encoding="utf-8")
    browser.open(tell_tale, 800, 600)
    assert browser.asked_for()[1:] == ["http://nonideal.invalid/pixel.png"]
    assert browser.complaints() != []


def points(browser: Browser) -> int:
    """Dots of the first chart."""
    found: int = browser.run(
        "document.querySelector('#spikes .chart').querySelectorAll('.points path').length"
    )
    return found


def choose(browser: Browser, column: str, value: str) -> None:
    browser.run(
        f"(() => {{ const one = document.querySelector('#spikes select[data-column={column}]'); one.value = '{value}'; "
        "one.dispatchEvent(new Event('change')); })()"
    )


def wait_for_points(browser: Browser, count: int) -> None:
    browser.until(
        f"document.querySelector('#spikes .chart').querySelectorAll('.points path').length === {count}"
    )


def test_filters(written: Path, browser: Browser) -> None:
    """Two mappings, ten samples, two hidden and three output neurons; sample k is k ns late."""
    browser.open(written / "report.html", *SIZES["desktop"])
    browser.run("document.getElementById('spikes').scrollIntoView()")
    wait_for_points(browser, 2 * 10 * 3)
    told = "document.querySelector('#spikes output').textContent"
    assert browser.run(told) == "ann 5.34 ns rms (30)  ·  pnn 5.34 ns rms (30)"
    choose(browser, "layer", "")
    wait_for_points(browser, 2 * 10 * 5)
    choose(browser, "neuron", "2")
    wait_for_points(browser, 2 * 10)
    choose(browser, "sample", "4")
    wait_for_points(browser, 2)
    assert browser.run(told) == "ann 4.00 ns rms (1)  ·  pnn 4.00 ns rms (1)"
    cells = "[...document.querySelectorAll('#spikes .cell')].filter(one => one.checkVisibility()).length"
    assert browser.run(cells) == 2 + 2
    choose(browser, "mapping", "pnn")
    wait_for_points(browser, 1)
    assert browser.run(cells) == 2 + 1  # the histogram of the other mapping has gone
    browser.run("document.querySelector('#spikes .reset').click()")
    wait_for_points(browser, 2 * 10 * 3)
    assert browser.complaints() == []


def test_a_neuron_of_the_waveforms(written: Path, browser: Browser) -> None:
    browser.open(written / "report.html", *SIZES["desktop"])
    browser.run("document.getElementById('waveforms').scrollIntoView()")
    browser.until(DRAWN.format("waveforms"))
    lines = "document.querySelectorAll('#waveforms .js-line').length"
    assert browser.run(lines) == 5 * 3  # membrane in SPICE and in the model, and the spike
    browser.run(
        "(() => { const one = document.querySelector('#waveforms select[data-column=neuron]'); one.value = '2'; "
        "one.dispatchEvent(new Event('change')); })()"
    )
    browser.until(f"{lines} === 3")


def test_the_reader_chooses_the_theme(written: Path, browser: Browser) -> None:
    browser.open(written / "report.html", *SIZES["desktop"])
    browser.run("localStorage.clear()")
    browser.open(written / "report.html", *SIZES["desktop"])
    browser.run("document.getElementById('spikes').scrollIntoView()")
    browser.until(DRAWN.format("spikes"))
    ink = "getComputedStyle(document.querySelector('#spikes .xtick text')).fill"
    before = browser.run(ink)
    browser.run("document.getElementById('theme').click()")
    browser.until(f"{ink} !== '{before}'")
    assert browser.run(ink) == "rgb(230, 237, 243)"
    browser.open(written / "report.html", *SIZES["desktop"])  # and it stays
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 25)"
    browser.run("localStorage.clear()")


def test_names_of_users_stay_text(tmp_path: Path, browser: Browser) -> None:
    """In the page, in charts, in what is told beside them."""
    evil = "<img src=x onerror=alert(1)><b>%{x}</b>"
    builder = Builder(tmp_path)
    builder.characterization().validation(
        {"ann": mapping_row(3e-8), evil: mapping_row(3e-9)},
        experiment=evil,
        test_samples={"index": list(range(10)), "label": [0] * 10, "classes": [evil, "b"]},
    )
    write_report(builder.path)
    shown(browser, builder.path / "report.html")
    assert browser.run("document.images.length + document.querySelectorAll('main b b, svg b').length") == 0
    assert browser.run("document.title") == f"Nonideal: {evil}"
    assert browser.run("document.querySelector('#spikes output').textContent").startswith("ann ")
    legend = "[...document.querySelectorAll('#spikes .legendtext')].map(one => one.textContent)"
    assert evil in browser.run(legend)
    ticks = "[...document.querySelectorAll('#confusion .xtick text')].map(one => one.textContent)"
    assert evil in browser.run(ticks)
    assert browser.complaints() == []


def test_without_its_program_the_page_still_answers(written: Path, browser: Browser, tmp_path: Path) -> None:
    """Where scripts may not run the answer, the tables and the drawings are there."""
    text = (written / "report.html").read_text(encoding="utf-8")
    page = tmp_path / "still.html"
    page.write_text(text.replace("script-src ", "script-src 'none'; x "), encoding="utf-8")
    browser.open(page, *SIZES["desktop"])
    assert browser.run("document.querySelector('h1').textContent").startswith(
        "The circuit fires within 3.14 ns"
    )
    assert browser.run("document.querySelectorAll('.strips path').length") == 2
    assert browser.run("document.getElementById('theme').hidden")
    assert browser.run("document.querySelector('#spikes .still').checkVisibility()")
    assert not browser.run("document.querySelector('#spikes .charts').checkVisibility()")
