"""The daemon on real hosts: a migration asked for over HTTP, followed by its news to its end."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from vmferry.lab.layout import Layout

from ..daemons import daemon, free_address
from .conftest import VMFERRY, Run, environment
from .guests import all_verified_since, page_when

LIMIT_S = 90.0
V1 = "/api/v1"
BUSY = ("--memory", "128MiB", "--dirty", "4MiB/s", "--working-set", "16MiB", "--disk", "iscsi", "--disk-size", "4MiB")


@pytest.fixture
def served(lab: Layout, run_dir: Path) -> Iterator[tuple[str, Path, subprocess.Popen[str]]]:
    """The address, the socket and the process."""
    address, path = free_address(), run_dir / "api.sock"
    with daemon(VMFERRY, address, path, env=environment(lab)) as (process, _):
        yield f"http://{address}", path, process


def ready(client: httpx.Client) -> None:
    end_s = time.monotonic() + LIMIT_S
    while client.get("/ready").status_code != 200:
        assert time.monotonic() < end_s
        time.sleep(0.1)


def test_a_migration_over_http(lab: Layout, vmferry: Run, served: tuple[str, Path, subprocess.Popen[str]]) -> None:
    base, path, process = served
    address = vmferry("lab", "guest", "s1", *BUSY, "--on", "h1").stdout.split()[2]
    try:
        before = page_when(address, lambda page: page.errors == 0)
        vmferry("lab", "link", "h1", "--rate", "200mbit")
        secret = json.loads(vmferry("token", "add", "test", "--role", "operator", "-o", "json").stdout)["secret"]
        with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {secret}"}, timeout=LIMIT_S) as client:
            ready(client)
            assert {each["state"] for each in client.get(f"{V1}/hosts").json()["hosts"]} == {"ready"}
            assert client.delete(f"{V1}/hosts/h3").status_code == 403
            planned = client.get(f"{V1}/guests/s1/plan?measure_s=1").json()
            assert planned["targets"][0]["forecast"] is not None
            answer = client.post(f"{V1}/guests/s1/migrate", json={"to": "h2"}, headers={"Idempotency-Key": "one"})
            assert answer.status_code == 202, answer.text
            (job,) = answer.json()["jobs"]
            news = _followed(client, job["job"])
            assert news[-1]["outcome"] == "migrated"
            assert any(each["progress"] and each["progress"]["remaining_bytes"] for each in news)
            (done,) = client.get(f"{V1}/jobs/{job['job']}").json()["jobs"]
            assert [each["ok"] for each in done["verification"] if each["ok"] is False] == []
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://local") as client:
            acts = client.get(f"{V1}/audit").json()["acts"]
            assert [(each["who"], each["what"]) for each in acts] == [("token test", "migrate")]
        assert all_verified_since(before, address).errors == 0
    finally:
        vmferry("lab", "link", "h1", "--up", check=False)
        vmferry("token", "remove", "test", check=False)
        vmferry("lab", "guest", "s1", "--remove", check=False)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
    assert not path.exists()


def _followed(client: httpx.Client, job: str) -> list[dict[str, Any]]:
    with client.stream("GET", f"{V1}/jobs/{job}/events") as stream:
        return [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
