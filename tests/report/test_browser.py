"""The page in a real browser: the figures are there, nothing is fetched, no error."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying", "--enable-logging=stderr", "--v=0",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]
BROWSERS_OWN = r"https?://([\w-]+\.)*(google|googleapis|gvt1)\.com/"
PROBE = """
<script>
addEventListener('securitypolicyviolation', e => document.title = 'BLOCKED ' + e.blockedURI);
addEventListener('load', () => {
  const box = e => e.getBoundingClientRect();
  const out = {
    plots: [...document.querySelectorAll('svg.plot')].map(e => [box(e).width, box(e).height]),
    drawings: [...document.querySelectorAll('svg.diagram')].map(e => box(e).height),
    images: [...document.images].map(e => e.naturalWidth),
    wide: document.documentElement.scrollWidth - innerWidth,
    paths: document.querySelectorAll('svg.plot path').length,
    fetched: performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:')),
    scripts: document.scripts.length,
  };
  const pre = document.createElement('pre'); pre.id = 'probe'; pre.textContent = JSON.stringify(out);
  document.body.append(pre);
});
</script>
"""


def chromium(page: Path, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", *more, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, cwd=folder)


def probed(page: Path, folder: Path, *more: str) -> dict[str, Any]:
    """The page with a script of ours let in: what the browser made of it."""
    text = page.read_text(encoding="utf-8").replace(
        "default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'"
    )
    copy = folder / "probed.html"
    copy.write_text(text.replace("</head>", PROBE + "</head>"), encoding="utf-8")
    dom = chromium(copy, folder, "--dump-dom", *more).stdout
    assert "<title>BLOCKED" not in dom
    match = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


@pytest.mark.parametrize("width", [1280, 500])
def test_figures_are_there_and_the_page_fits(written: Path, tmp_path: Path, width: int) -> None:
    found = probed(written / "report.html", tmp_path, f"--window-size={width},900")
    assert len(found["plots"]) == 11
    assert all(w > 400 and h > 50 for w, h in found["plots"])
    assert len(found["drawings"]) == 2
    assert found["images"] == [100]
    assert found["paths"] > 500
    assert found["wide"] <= 0  # wide tables and figures scroll inside themselves
    assert found["fetched"] == []
    assert found["scripts"] == 1  # ours


def outside(page: Path, folder: Path) -> set[str]:
    """Addresses on other machines that the browser asked for while it showed the page."""
    log = folder / "net.json"
    chromium(page, folder, "--dump-dom", f"--log-net-log={log}")
    urls = set(re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8")))
    # The browser's own errands (its clock, its updates) are not the page's: the page names no such host.
    assert "google" not in page.read_text(encoding="utf-8")
    return {url for url in urls if re.match("(https?|wss?|ftp):", url) and not re.match(BROWSERS_OWN, url)}


def test_nothing_leaves_the_machine(written: Path, tmp_path: Path) -> None:
    assert outside(written / "report.html", tmp_path) == set()
    # A page that does fetch is caught.
    tell_tale = tmp_path / "fetches.html"
    tell_tale.write_text('<img src="http://nonideal.invalid/pixel.png">', encoding="utf-8")
    assert outside(tell_tale, tmp_path) == {"http://nonideal.invalid/pixel.png"}


def test_no_error_and_not_blank(written: Path, tmp_path: Path) -> None:
    picture = tmp_path / "page.png"
    shown = chromium(written / "report.html", tmp_path, f"--screenshot={picture}", "--window-size=1000,4000")
    assert "CONSOLE" not in shown.stderr, shown.stderr
    pixels = imread(picture)
    assert pixels.shape[:2] == (4000, 1000)
    assert pixels[..., :3].std() > 0.05
