"""A headless Chromium that a test talks to: pages at any size and colour scheme, their console, what they ask the network for.

The browser's own protocol (DevTools) over two pipes: messages are JSON, each ended by a zero byte.
"""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip


@dataclass
class Browser:
    """One page at a time; ``events`` are what it told since it was opened."""

    to: BinaryIO
    back: BinaryIO
    session: str = ""
    last: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One call of the protocol."""
        self.last += 1
        message: dict[str, Any] = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (answer := self._message()).get("id") != self.last:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        found: dict[str, Any] = answer["result"]
        return found

    def _message(self) -> dict[str, Any]:
        text = bytearray()
        while (letter := self.back.read(1)) != b"\0":
            assert letter, "the browser ended"
            text += letter
        found: dict[str, Any] = json.loads(text)
        return found

    def scheme(self, *, dark: bool) -> None:
        """The colours that the reader's system prefers."""
        preferred = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[preferred])

    def open(self, page: Path, width: int, height: int, *, dark: bool = False) -> None:
        """Show a page, and wait until it is loaded."""
        target = self.ask("Target.createTarget", url="about:blank") if not self.session else None
        if target is not None:
            attached = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
            self.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.ask(f"{domain}.enable")
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.ask("Emulation.setDeviceMetricsOverride", **metrics)
        self.scheme(dark=dark)
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        self.until("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str, seconds: float = 60.0) -> None:
        """Wait until an expression holds."""
        end = monotonic() + seconds
        while not self.run(f"new Promise(done => setTimeout(() => done(Boolean({condition})), 50))"):
            assert monotonic() < end, f"not within {seconds} s: {condition}"

    def picture(self, file: Path) -> None:
        """What is on the screen, as PNG."""
        file.write_bytes(b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """Errors and warnings of the console."""
        found = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            if event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                found.append(str(params["args"]))
        return found

    def asked_for(self) -> list[str]:
        """Addresses of everything that the page asked for, itself first."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in ``folder``; it ends with the block."""
    there, to = os.pipe()
    back, here = os.pipe()
    profile = f"--user-data-dir={folder / 'profile'}"
    # The protocol's pipes are descriptors 3 and 4.
    shell = f'exec "$0" "$@" 3<&{there} 4>&{here}'
    process = subprocess.Popen(
        ["bash", "-c", shell, str(CHROMIUM), *FLAGS, profile, "about:blank"],
        pass_fds=(there, here),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(there)
    os.close(here)
    with os.fdopen(to, "wb") as writer, os.fdopen(back, "rb") as reader:
        browser = Browser(writer, reader)
        try:
            yield browser
        finally:
            browser.session = ""
            with suppress(OSError, AssertionError):
                browser.ask("Browser.close")
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
