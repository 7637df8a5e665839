"""The pages in a real browser, on real hosts: from an empty fleet to a drained host.

`VMFERRY_PICTURES=FOLDER` keeps pictures of them, which are those of the README (script/pictures).
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from vmferry.lab.layout import Layout

from ..browser import SECRET, accept_questions, chromium, shot, sign_in, watched
from ..daemons import daemon, free_address
from .conftest import VMFERRY, Run, environment
from .guests import all_verified_since, page_when

PICTURES = Path(os.environ["VMFERRY_PICTURES"]) if "VMFERRY_PICTURES" in os.environ else None
BUSY = ("--memory", "160MiB", "--dirty", "1MiB/s", "--working-set", "16MiB", "--disk", "shared", "--disk-size", "4MiB")
GUESTS = {"web": "h1", "mail": "h1"}


@pytest.fixture
def url(lab: Layout, tmp_path: Path) -> Iterator[str]:
    """A daemon that knows no host yet, with two users."""
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{tmp_path / "vmferry.db"}"\n')
    command = [*VMFERRY, "--config", str(config)]
    for name in ("admin", "operator"):
        words = [*command, "user", "add", name, "--role", name]
        subprocess.run(words, env=environment(lab), input=SECRET, text=True, check=True, capture_output=True)
    address = free_address()
    with daemon(command, address, tmp_path / "api.sock", env=environment(lab)):
        yield f"http://{address}"


@pytest.fixture
def addresses(vmferry: Run) -> Iterator[dict[str, str]]:
    made = {name: vmferry("lab", "guest", name, *BUSY, "--on", host).stdout.split()[2] for name, host in GUESTS.items()}
    yield made
    vmferry("lab", "exec", "h2", "--", "virsh", "net-start", "lab", check=False)
    for host in ("h1", "h2"):
        vmferry("lab", "link", host, "--up", check=False)
    for name in GUESTS:
        vmferry("lab", "guest", name, "--remove")


@pytest.fixture
def page(url: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser: Browser = chromium(playwright)
        with watched(browser, url) as opened:
            accept_questions(opened)
            yield opened
        browser.close()


def add_hosts(page: Page, vmferry: Run) -> None:
    status = json.loads(vmferry("lab", "status", "-o", "json").stdout)
    declared = tomllib.loads(Path(status["config"]).read_text())["hosts"]
    for host in (each for each in status["hosts"] if each["name"] in ("h1", "h2")):
        page.get_by_role("link", name="Add a host").click()
        page.get_by_label("Name").fill(host["name"])
        page.get_by_label("URI", exact=True).fill(host["uri"])
        page.get_by_label("URI for the other hosts").fill(f"qemu+ssh://root@{host['name']}/system")
        page.get_by_label("Address on the migration network").fill(declared[host["name"]]["migration_address"])
        page.get_by_role("button", name="Add").click()
        expect(page.locator(f'[data-host="{host["name"]}"]')).to_contain_text("ready")


def test_from_an_empty_fleet_to_a_drained_host(
    lab: Layout, vmferry: Run, page: Page, addresses: dict[str, str]
) -> None:
    sign_in(page, "admin")
    expect(page.get_by_text("There are no hosts yet")).to_be_visible()
    page.get_by_role("link", name="the first one").click()
    page.go_back()
    add_hosts(page, vmferry)
    expect(page.locator('[data-host="h1"]').get_by_role("link", name="web")).to_be_visible()
    shot(page, PICTURES, "fleet")

    vmferry("lab", "exec", "h2", "--", "virsh", "net-destroy", "lab")
    page.get_by_role("link", name="web", exact=True).click()
    refused = page.locator('[data-host="h2"][data-verdict="refuse"]')
    expect(refused).to_be_visible()
    page.locator("details.vm-refuse").first.click()
    expect(page.locator("details.vm-refuse strong").first).to_be_visible()
    assert page.get_by_role("button", name="Migrate to h2").count() == 0
    shot(page, PICTURES, "refused")
    vmferry("lab", "exec", "h2", "--", "virsh", "net-start", "lab")

    vmferry("lab", "link", "h1", "--rate", "16mbit")
    before = page_when(addresses["web"], lambda told: told.errors == 0)
    page.reload()
    page.get_by_role("button", name="Migrate to h2").click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("#charts canvas")).to_have_count(2)
    page.wait_for_function("() => Number(document.getElementById('bar').value) > 10")
    page.reload()
    expect(page.locator("#charts canvas")).to_have_count(2)
    shot(page, PICTURES, "running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator('[data-outcome="rolled_back"]')).to_be_visible()

    vmferry("lab", "link", "h1", "--rate", "200mbit")
    page.goto("/")
    page.get_by_role("link", name="web", exact=True).drag_to(page.locator('[data-host="h2"]'))
    page.get_by_role("button", name="Migrate to h2").click()
    expect(page.locator('[data-outcome="migrated"]')).to_be_visible()
    expect(page.get_by_text("Foretold and measured")).to_be_visible()
    shot(page, PICTURES, "migrated")
    assert all_verified_since(before, addresses["web"]).errors == 0

    page.goto("/hosts/h1/drain")
    page.get_by_role("button", name="Drain h1").click()
    expect(page.locator('[data-errand="done"]')).to_be_visible()
    expect(page.locator('[data-guest="mail"][data-state="migrated"]')).to_be_visible()
    shot(page, PICTURES, "drained")
    page.goto("/")
    expect(page.locator('[data-host="h1"]')).to_contain_text("maintenance")
    expect(page.locator('[data-host="h2"]').get_by_role("link", name="mail")).to_be_visible()
