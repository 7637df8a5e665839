"""A real browser: Debian's Chromium, by Playwright."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect

PROGRAM = "/usr/bin/chromium-headless-shell"
SECRET = "correct horse"
LIMIT_MS = 60_000
WIDE = {"width": 1280, "height": 800}
expect.set_options(timeout=LIMIT_MS)


def chromium(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox", "--disable-gpu"])


@contextlib.contextmanager
def watched(browser: Browser, url: str, *, allowed: tuple[str, ...] = ()) -> Iterator[Page]:
    """A page of a browser that knows nothing yet. What goes wrong on it, but for what is `allowed`, is a failure."""
    context = browser.new_context(base_url=url, viewport=WIDE, color_scheme="light", ignore_https_errors=True)
    context.set_default_timeout(LIMIT_MS)
    page, wrong = context.new_page(), list[str]()

    def heard(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            wrong.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", heard)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    left = [each for each in wrong if not any(word in each for word in ("401 (Unauthorized)", *allowed))]
    assert not left, f"the first visit is answered 401, and nothing else may go wrong: {left}"


def sign_in(page: Page, name: str, path: str = "/") -> None:
    page.goto(path)
    page.get_by_label("User").fill(name)
    page.get_by_label("Password").fill(SECRET)
    page.get_by_role("button", name="Sign in").click()


def accept_questions(page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())


def shot(page: Page, folder: Path | None, name: str) -> None:
    """For the README, where a folder is named for it."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}.png")
