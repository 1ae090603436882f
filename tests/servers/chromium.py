"""One Chromium for many pages: a line of JSON names a page and asks it, a line of JSON is what the page answered.

The pages and what they import come from a folder, served at an address of its own as `http://localhost:PORT`, so that
whatever else a page fetches is of another origin. A page answers by its function `answer`, which may be asynchronous.
Playwright brings an event loop along, which is why it has this process for itself.
"""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_MILLISECONDS = 20_000


def find_chromium() -> str | None:
    """The browser that this machine has."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class _Files(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _serve(folder: str) -> str:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://localhost:{server.server_address[1]}"


def _open(browser: Browser, address: str) -> Page:
    page = browser.new_context().new_page()
    page.on("pageerror", lambda error: print(f"{address}: {error}", file=sys.stderr))
    page.goto(address, timeout=_MILLISECONDS)
    page.wait_for_function("window.answer !== undefined", timeout=_MILLISECONDS)
    return page


def main(folder: str) -> None:
    """Answer lines until standard input ends."""
    from playwright.sync_api import sync_playwright

    origin = _serve(folder)
    pages: dict[str, Page] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(_FLAGS))
        for line in sys.stdin:
            asked: dict[str, Any] = json.loads(line)
            name = asked.pop("page")
            if name not in pages:
                pages[name] = _open(browser, f"{origin}/{name}")
            print(json.dumps(pages[name].evaluate("asked => answer(asked)", asked)), flush=True)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
