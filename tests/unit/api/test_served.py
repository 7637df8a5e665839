"""A real server: its socket, who is at the other end, and streams of news."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from vmferry.api.server import Server, tcp_socket, unix_socket
from vmferry.errors import Failed

from ...service_in_memory import MIB, Service

V1 = "/api/v1"
LIMIT_S = 60.0


@pytest.fixture
def path(run_dir: Path) -> Path:
    return run_dir / "deep" / "api.sock"


@pytest.fixture
def served(service: Service, path: Path) -> Iterator[httpx.Client]:
    """Over the unix socket, as this user."""
    server = Server(service.app, [unix_socket(path)])
    server.start()
    service.run()
    with httpx.Client(
        transport=httpx.HTTPTransport(uds=str(path)), base_url="http://vmferry", timeout=LIMIT_S
    ) as client:
        yield client
    server.stop()


def news_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "data":
            event["data"] = json.loads(value)
        elif name in ("id", "event"):
            event[name] = value
        elif not line and event:
            yield event
            event = {}


def test_the_kernel_says_who_asks(served: httpx.Client, path: Path) -> None:
    caller = served.get(f"{V1}/me").json()["caller"]
    assert caller["role"] == "admin"
    assert caller["name"].startswith("user ")
    assert path.stat().st_mode & 0o007 == 0
    assert served.get(f"{V1}/me", headers={"Authorization": "Bearer forged"}).json()["caller"] == caller


def test_a_job_is_followed_to_its_end(service: Service, served: httpx.Client) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=512 * MIB)
    (queued,) = served.post(f"{V1}/guests/web/migrate", json={"to": "beta"}).json()["jobs"]
    with served.stream("GET", f"{V1}/jobs/{queued['job']}/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        heard = list(news_of(stream.iter_lines()))
    assert {each["event"] for each in heard} == {"job"}
    assert heard[-1]["data"]["outcome"] == "migrated"
    assert any(each["data"]["progress"] for each in heard)
    with served.stream("GET", f"{V1}/jobs/{queued['job']}/events") as stream:
        (only,) = news_of(stream.iter_lines())
    assert only["data"]["outcome"] == "migrated", "of one at its end, how it ended"


def test_who_comes_back_hears_what_was_missed(service: Service, served: httpx.Client) -> None:
    service.world.add_guest("web", "alpha", memory_bytes=1024 * MIB)
    with served.stream("GET", f"{V1}/events") as stream:
        served.post(f"{V1}/guests/web/migrate", json={"to": "beta"})
        first = next(each for each in news_of(stream.iter_lines()) if each["event"] == "job")
    assert first["data"]["outcome"] is None
    last: dict[str, Any] = {}
    with served.stream("GET", f"{V1}/events", headers={"Last-Event-ID": first["id"]}) as stream:
        for last in news_of(stream.iter_lines()):
            if last["event"] == "job" and last["data"]["outcome"]:
                break
    assert last["data"]["outcome"] == "migrated"
    for unknown in ("another-1", "beginning-999999", "nonsense", "beginning-x"):
        with served.stream("GET", f"{V1}/events", headers={"Last-Event-ID": unknown}) as stream:
            assert next(news_of(stream.iter_lines()))["event"] == "reset"


def test_a_second_one_is_not_served_at_the_same_place(served: httpx.Client, path: Path) -> None:
    with pytest.raises(Failed, match="another vmferry"):
        unix_socket(path)


def test_what_a_dead_one_left_is_taken_over(path: Path) -> None:
    unix_socket(path).close()
    unix_socket(path).close()
    path.unlink()
    path.write_text("a file of somebody's")
    with pytest.raises(Failed, match="no socket"):
        unix_socket(path)
    assert path.read_text() == "a file of somebody's"


def test_over_tcp_a_token_is_asked_for(service: Service) -> None:
    listening = tcp_socket("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = Server(service.app, [listening])
    server.start()
    try:
        base = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{base}{V1}/hosts", timeout=LIMIT_S).status_code == 401
        assert httpx.get(f"{base}/metrics", timeout=LIMIT_S).status_code == 200
        with pytest.raises(Failed, match="cannot be listened at"):
            tcp_socket("127.0.0.1", port)
    finally:
        server.stop()


def test_news_reach_every_listener_once(service: Service) -> None:
    heard: list[list[str]] = [[] for _ in range(20)]
    for each in heard:
        service.site.bulletin.listen(lambda news, each=each: each.append(news.kind))
    service.world.add_guest("web", "alpha", memory_bytes=MIB)
    service.site.roll.seen()
    service.site.bulletin.look()
    service.site.bulletin.look()
    assert heard == [["inventory"]] * 20
