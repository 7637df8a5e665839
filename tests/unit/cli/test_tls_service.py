"""A certificate for the daemon, and the daemon with it."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from ...daemons import daemon, free_address

VMFERRY = (sys.executable, "-c", "from vmferry.cli.app import main; main()")


@pytest.fixture
def command(tmp_path: Path) -> tuple[str, ...]:
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\npath = "{tmp_path / "vmferry.db"}"\n')
    return (*VMFERRY, "--config", str(config))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def test_browsers_that_trust_the_authority_get_in(command: tuple[str, ...], tmp_path: Path, run_dir: Path) -> None:
    made = run(*command, "tls", "service", "127.0.0.1", "--into", str(tmp_path / "tls"), "-o", "json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["names"] == ["127.0.0.1"]
    folder = tmp_path / "tls"
    assert (folder / "service-key.pem").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in made.stdout + made.stderr
    address = free_address()
    files = ("--tls-certificate", str(folder / "service-cert.pem"), "--tls-key", str(folder / "service-key.pem"))
    with daemon(command, address, run_dir / "api.sock", *files) as (_, told):
        assert f"https://{address}" in told
        trusting = ssl.create_default_context(cafile=folder / "ca-cert.pem")
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
        )
        with direct.open(f"https://{address}/health") as answer:
            assert json.load(answer)["status"] == "ok"


def test_one_authority_signs_again(command: tuple[str, ...], tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        assert run(*command, "tls", "service", "a.example", "--into", str(tmp_path)).returncode == 0
        texts.append((tmp_path / "ca-cert.pem").read_text())
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--tls-key", "k"), 2, "go together"),
        (("--tls-certificate", "c", "--tls-key", "k"), 1, "c and k are no certificate and its key"),
    ],
)
def test_what_is_of_no_use_is_said_before_anything_is_served(
    command: tuple[str, ...], run_dir: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    done = run(*command, "serve", "--socket", str(run_dir / "api.sock"), *words)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert not (run_dir / "api.sock").exists()
