"""What only a browser shows: code, keys, drops, news, a lost connection, and what people with other senses get."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from vmferry.api.server import Server, tcp_socket
from vmferry.model.access import Role

from ..browser import accept_questions, sign_in, watched
from ..service_in_memory import MIB
from .conftest import Site

OFFLINE = ("Failed to load resource", "ERR_")


def start(page: Page, guest: str, to: str) -> None:
    page.goto("/")
    page.get_by_role("link", name=guest, exact=True).first.click()
    page.get_by_role("button", name=f"Migrate to {to}").click()
    page.wait_for_url("**/jobs/*")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_anybody_s_way(page: Page, site: Site, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/")
    found = {"/signin": serious(page)}
    sign_in(page, "admin")
    start(page, "web", "beta")
    expect(page.get_by_text("Foretold and measured")).to_be_visible()
    found["job"] = serious(page)
    waits = {
        "/": page.get_by_role("link", name="mail", exact=True),
        "/guests/mail": page.get_by_role("button", name="Migrate to beta"),
        "/hosts/alpha": page.get_by_text("daemon.running"),
        "/hosts/alpha/drain": page.get_by_role("button", name="Drain alpha"),
        "/hosts/add": page.get_by_label("URI", exact=True),
        "/balance": page.get_by_role("button", name="plan"),
        "/jobs": page.get_by_role("link", name="2026"),
        "/audit": page.get_by_text("sign in"),
    }
    for path, shown in waits.items():
        page.goto(path)
        expect(shown.first).to_be_visible()
        found[path] = serious(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def serious(page: Page) -> list[str]:
    page.wait_for_timeout(300)  # colours come in gently
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


def test_everything_comes_from_the_daemon(page: Page, site: Site) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, "admin")
    start(page, "web", "beta")
    expect(page.get_by_text("Foretold and measured")).to_be_visible()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(f"{site.url}/")] == []


def test_keys_are_enough(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("User")).to_be_focused()
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    page.wait_for_load_state()  # the keys are known by then
    page.keyboard.press("/")
    page.keyboard.type("wiki")
    expect(page.get_by_role("link", name="mail", exact=True)).to_have_count(0)
    tab_to(page, "wiki")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Migrate to alpha")).to_be_visible()
    tab_to(page, "Migrate to alpha")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Foretold and measured")).to_be_visible()


def tab_to(page: Page, text: str) -> None:
    for _ in range(50):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == text:
            return
    raise AssertionError(f"no key leads to {text}")


def test_a_guest_that_is_dropped_on_a_host_is_planned_to_go_there(page: Page) -> None:
    sign_in(page, "viewer")
    page.get_by_role("link", name="web", exact=True).drag_to(page.locator('[data-host="gamma"]'))
    page.wait_for_url("**/guests/*?to=gamma")
    expect(page.locator("th.vm-wanted")).to_have_text("gamma")


def test_a_host_that_a_page_adds_appears_on_all_others(page: Page, browser: Browser, site: Site) -> None:
    sign_in(page, "viewer")
    with watched(browser, site.url) as other:
        sign_in(other, "admin", "/hosts/add")
        other.get_by_label("Name").fill("delta")
        other.get_by_label("URI", exact=True).fill("nonsense")
        other.get_by_role("button", name="Add").click()
        expect(other.get_by_role("alert")).to_contain_text("nonsense")
        other.get_by_label("URI", exact=True).fill("qemu+ssh://root@delta/system")
        site.service.world.add_host("delta")
        other.get_by_role("button", name="Add").click()
        expect(other.locator('[data-host="delta"]')).to_be_visible()
    site.service.site.roll.want()
    expect(page.locator('[data-host="delta"]')).to_be_visible()


def test_a_migration_is_seen_while_it_runs_through_a_reload_and_cancelled(page: Page, site: Site) -> None:
    site.service.world.rate_bytes_s = 4 * MIB
    sign_in(page, "operator")
    accept_questions(page)
    start(page, "web", "beta")
    expect(page.locator("#charts canvas")).to_have_count(2)
    reached = page.evaluate("Number(document.getElementById('bar').value)")
    page.wait_for_function("at => Number(document.getElementById('bar').value) > at", arg=reached)
    page.reload()
    expect(page.locator("#charts canvas")).to_have_count(2)
    assert page.evaluate("JSON.parse(document.getElementById('seen').textContent).length") > 1
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator('[data-outcome="rolled_back"]')).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(page.locator(".vm-tasks")).to_contain_text("rolled back")


def test_who_loses_the_connection_is_told_and_comes_back(browser: Browser, site: Site) -> None:
    with watched(browser, site.url, allowed=OFFLINE) as page:
        with page.expect_response("**/api/v1/events"):
            sign_in(page, "viewer")
        expect(page.locator("#connection")).to_be_hidden()
        port = int(site.url.rpartition(":")[2])
        site.stop()
        expect(page.locator("#connection")).to_be_visible()
        site.service.world.add_guest("late", "gamma", memory_bytes=MIB)
        site.service.site.roll.want()
        site.server = Server(site.service.app, [tcp_socket("127.0.0.1", port)])
        site.server.start()
        expect(page.locator("#connection")).to_be_hidden()
        expect(page.get_by_role("link", name="web", exact=True)).to_be_visible()


def test_who_is_removed_is_asked_to_sign_in(browser: Browser, site: Site) -> None:
    with watched(browser, site.url, allowed=("Response Status Error Code 401",)) as page:
        sign_in(page, "viewer")
        page.wait_for_load_state()
        site.service.site.register.remove_user(Role.VIEWER.value)
        page.evaluate("htmx.trigger(document.body, 'news')")
        expect(page.get_by_label("Password")).to_be_visible()


def test_on_a_narrow_screen_nothing_is_cut_off(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    sign_in(page, "admin")
    for path in ("/", "/guests/web", "/hosts/alpha", "/balance", "/jobs", "/audit"):
        page.goto(path)
        page.wait_for_load_state()
        too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(too_wide) <= 0, path


def test_dark_is_kept(page: Page) -> None:
    sign_in(page, "viewer")
    page.get_by_role("button", name="Dark or light").click()
    expect(page.locator("html")).to_have_class("pf-v6-theme pf-v6-theme-dark")
    page.goto("/jobs")
    expect(page.locator("html")).to_have_class("pf-v6-theme pf-v6-theme-dark")
