"""The pages in a real browser. Over hosts in memory here; tests/lab/test_pages.py has real ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from vmferry.api.server import Server, tcp_socket
from vmferry.model.access import Role
from vmferry.service.people import new_user

from ..browser import SECRET, chromium, watched
from ..service_in_memory import MIB, NOW, Service, made_service


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = chromium(playwright)
        yield opened
        opened.close()


@dataclass
class Site:
    """A service that is served, and its address."""

    service: Service
    url: str
    server: Server

    def stop(self) -> None:
        self.service.site.bulletin.end()
        self.server.stop()


@pytest.fixture
def site() -> Iterator[Site]:
    service = made_service()
    for name, host in (("web", "alpha"), ("mail", "alpha"), ("wiki", "beta")):
        service.world.add_guest(name, host, memory_bytes=64 * MIB)
    for role in Role:
        new_user(service.site.register, role.value, role, SECRET, NOW)
    listening = tcp_socket("127.0.0.1", 0)
    server = Server(service.app, [listening])
    server.start()
    service.run()
    rolling = threading.Thread(target=service.site.roll.run, args=(service.stop, print), daemon=True)
    rolling.start()
    made = Site(service, f"http://127.0.0.1:{listening.getsockname()[1]}", server)
    yield made
    made.stop()
    service.end()
    service.site.roll.want()
    rolling.join(30)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """Nothing on it may fail: neither code, nor what it loads, nor the rules of what it may load."""
    with watched(browser, site.url) as opened:
        yield opened
