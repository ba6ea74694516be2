"""A Chromium that can be killed: a process of its own, with a profile that outlives it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.e2e.site import CHROMIUM_FLAGS, chromium_path

START_SECONDS = 120
PATIENCE_MS = 60_000


class KillableChromium:
    """Chromium under Playwright's control, started by the test, so that the test knows what to kill."""

    def __init__(self, playwright: Playwright, profile: Path) -> None:
        self.playwright = playwright
        self.profile = profile
        self.process: subprocess.Popen[bytes] | None = None
        self.browser: Browser | None = None

    def start(self) -> BrowserContext:
        """Start the browser with what the profile has kept."""
        told = self.profile / "DevToolsActivePort"
        told.unlink(missing_ok=True)
        command = [chromium_path(), *CHROMIUM_FLAGS, "--headless=new", "--no-default-browser-check"]
        command += [f"--user-data-dir={self.profile}", "--remote-debugging-port=0", "about:blank"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + START_SECONDS
        while not (told.exists() and told.read_text().count("\n")):
            assert time.monotonic() < deadline, "Chromium did not start"
            assert self.process.poll() is None, "Chromium ended"
            time.sleep(0.05)
        port = told.read_text().split("\n")[0]
        self.browser = self.playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        context = self.browser.contexts[0]
        context.set_default_timeout(PATIENCE_MS)
        return context

    def wait_for_kept(self, texts: Sequence[str]) -> None:
        """Wait until what a page keeps in localStorage has these texts on the disk, as it has some seconds later."""
        deadline = time.monotonic() + START_SECONDS
        while not all(text in self._kept() for text in texts):
            assert time.monotonic() < deadline, f"{texts} were not written to {self.profile}"
            time.sleep(0.2)

    def _kept(self) -> str:
        # What was written last is there as it is, one byte a character; before long it is packed into other files.
        logs = self.profile.glob("*/Local Storage/leveldb/*.log")
        return "".join(log.read_bytes().decode("latin-1") for log in logs)

    def kill(self) -> None:
        """End the browser and all its processes at once, as when the machine is switched off."""
        if self.process is None:
            return
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)
        self.process = None


@contextmanager
def killable_chromium(playwright: Playwright, profile: Path) -> Iterator[KillableChromium]:
    """Give a browser that has not been started."""
    chromium = KillableChromium(playwright, profile)
    try:
        yield chromium
    finally:
        chromium.kill()
