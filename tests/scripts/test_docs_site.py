"""The documentation builds, warnings being errors, and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LOADED = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc=["']?(https?://[^"'\s>]+)|<link[^>]*rel="?(?:stylesheet|preconnect)[^>]*href=["']?(https?://[^"'\s>]+)"""
)
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_without_the_network(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=quiet)
    assert ended.returncode == 0, ended.stderr[-4000:]
    pages = {
        page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")
    }
    assert {"index.html", "contributing.html", "notebooks/trainer.html", "reference/modules.html"} <= set(
        pages
    )
    assert {page: found for page, text in pages.items() if (found := LOADED.findall(text))} == {}
    face = pages["reference/api/index.html"]
    import nonideal

    assert [name for name in nonideal.__all__ if f">{name}<" not in face and f".{name}" not in face] == []


def test_links_of_pages_at_the_root_lead_to_files() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        links = LINK.findall((ROOT / page).read_text(encoding="utf-8"))
        assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_the_readme_fits_a_screen_or_two_and_names_the_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    for command in ("make setup", "make reproduce", "make test"):
        assert command in text


def test_pages_of_the_documentation_that_code_names_are_there() -> None:
    folders = (
        "nonideal",
        "circuits",
        "characterize",
        "pnn",
        "sky130_models",
        "experiments",
        "scripts",
        "bench",
    )
    files = [
        file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".toml")
    ]
    named = {
        name
        for file in [*files, ROOT / "Makefile"]
        for name in re.findall(r"\bdocs/[\w/-]+\.md\b", file.read_text(encoding="utf-8"))
    }
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
