"""The configuration file: what is read, where it is looked for, and one clear line for what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vmferry.config import Config, default_store, load_config, parse_config
from vmferry.errors import UserError
from vmferry.model.guest import Probe
from vmferry.model.host import HostEntry
from vmferry.model.slots import Slots
from vmferry.model.tuning import Convergence
from vmferry.service.ground import Encryption, Standing

WHOLE = """
[store]
path = "/srv/vmferry.db"
[hosts.alpha]
uri = "qemu+ssh://root@10.0.0.11/system?command=/run/vmferry/lab/ssh"
ssh = ["/run/vmferry/lab/ssh", "root@10.0.0.11"]
peer_uri = "qemu+ssh://root@alpha/system"
migration_address = "10.0.1.11"
[hosts.beta]
uri = "qemu+tls://beta/system"
[guests.web]
address = "10.0.0.101"
url = "http://10.0.0.101/"
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A user without any configuration yet."""
    monkeypatch.setattr("vmferry.config.RUN", tmp_path / "run")
    monkeypatch.setattr("vmferry.config.ETC", tmp_path / "etc.toml")
    return {"HOME": str(tmp_path)}


def write(path: Path, store: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'[store]\npath = "{store}"\n')
    return path


def test_everything_that_can_be_said() -> None:
    config = parse_config(WHOLE, Path("c.toml"))
    command = ("/run/vmferry/lab/ssh", "root@10.0.0.11")
    uri = "qemu+ssh://root@10.0.0.11/system?command=/run/vmferry/lab/ssh"
    assert config.store_path == Path("/srv/vmferry.db")
    assert config.hosts == (
        HostEntry("alpha", uri, "qemu+ssh://root@alpha/system", "10.0.1.11", command),
        HostEntry("beta", "qemu+tls://beta/system"),
    )
    assert config.probes == {"web": Probe("10.0.0.101", "http://10.0.0.101/")}


BAD_FILES = [
    ("[migration]\ntls = 'always'", "c.toml: migration.tls: invalid enum value 'always'"),
    ("hosts = ", "is not valid TOML"),
    (
        "[host.alpha]",
        "c.toml: host: unknown key; expected one of policy, store, migration, limits, placement, balance",
    ),
    ("[store]\nfile = 'x'", "c.toml: store.file: unknown key; expected one of path, database"),
    ("[store]\npath = 3", "c.toml: store.path: expected str | null, got int"),
    ("hosts = 3", "c.toml: hosts: expected table, got int"),
    ("[hosts]\nalpha = 3", "c.toml: hosts.alpha: expected table, got int"),
    ("[hosts.alpha]", "c.toml: hosts.alpha.uri: is missing"),
    ("[hosts.alpha]\nuri = 3", "c.toml: hosts.alpha.uri: expected str, got int"),
    ("[hosts.alpha]\nuri = 'alpha'", "c.toml: hosts.alpha.uri: a URI looks like qemu+ssh://root@host/system"),
    ("[hosts.'a;reboot']\nuri = 'qemu:///system'", "c.toml: [hosts.'a;reboot']: a host's name has"),
    ("[hosts.a]\nuri = 'qemu:///system'\nssh = ['ssh', 3]", "c.toml: hosts.a.ssh[1]: expected str, got int"),
    ("[hosts.a]\nuri = 'qemu:///system'\nssh = []", "c.toml: hosts.a.ssh: expected a command"),
    ("[hosts.a]\nuri = 'qemu:///system'\npeer_uri = 'x y'", "c.toml: hosts.a.peer_uri: a URI looks like"),
    ("[hosts.a]\nuri = 'qemu:///system'\nmigration_address = '-x'", "c.toml: hosts.a.migration_address: it is neither"),
    ("[guests.web]\nurl = ['x']", "c.toml: guests.web.url: expected str | null, got array"),
    ("[guests.web]\naddress = 'web.example'", "c.toml: guests.web.address: 'web.example' is no IP address"),
    ("[guests.web]\naddress = ''", "c.toml: guests.web.address: '' is no IP address"),
    ("[guests.web]\nurl = 'file:///etc/passwd'", "c.toml: guests.web.url: 'file:///etc/passwd' is no http://"),
    ("[guests.web]\nurl = 'http://web:x/'", "c.toml: guests.web.url: 'http://web:x/' is no http://"),
    ("[guests.web]\nurl = 'http:///'", "c.toml: guests.web.url: 'http:///' is no http://"),
    ("[guests.web]\nurl = 'http://web/ x'", "c.toml: guests.web.url: 'http://web/ x' is no http://"),
    ("[store]\npath = '~no-such-user/x.db'", "c.toml: store.path: '~no-such-user/x.db' has no home directory"),
    (
        "[hosts.a]\nuri = 'qemu:///system'\n[hosts.b]\nuri = 'qemu:///system'",
        "c.toml: hosts.b.uri: qemu:///system is that of hosts.a already",
    ),
]


@pytest.mark.parametrize(("text", "problem"), BAD_FILES, ids=lambda value: ascii(value))
def test_what_is_wrong_is_said_with_file_and_key(text: str, problem: str) -> None:
    with pytest.raises(UserError) as error:
        parse_config(text, Path("c.toml"))
    assert problem in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize("word", list(Encryption))
def test_whether_data_go_encrypted(word: Encryption) -> None:
    assert parse_config(f"[migration]\ntls = '{word}'", Path("c.toml")).encryption is word
    assert parse_config("", Path("c.toml")).encryption is Encryption.AUTO


def test_no_file_is_fine(environment: dict[str, str]) -> None:
    config = load_config(None, environment)
    assert (config.source, config.hosts) == (None, ())
    assert config.store_path == default_store(environment)


def test_the_nearest_file_counts(environment: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "etc.toml", "/etc")
    assert load_config(None, environment).store_path == Path("/etc")
    write(tmp_path / ".config/vmferry/config.toml", "/home")
    assert load_config(None, environment).store_path == Path("/home")
    write(tmp_path / "run/lab/config.toml", "/lab")
    assert load_config(None, environment).store_path == Path("/lab")
    named = write(tmp_path / "named.toml", "/named")
    assert load_config(named, environment).store_path == Path("/named")


def test_the_labs_name_comes_from_the_environment(environment: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path / "run/mine/config.toml", "/mine")
    assert load_config(None, environment).source is None
    assert load_config(None, environment | {"VMFERRY_LAB": "mine"}).store_path == Path("/mine")


def test_nobody_elses_lab_is_followed(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = write(tmp_path / "run/lab/config.toml", "/lab")
    monkeypatch.setattr("os.geteuid", lambda: theirs.stat().st_uid + 1)
    assert load_config(None, environment).source is None


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*nowhere.toml"):
        load_config(tmp_path / "nowhere.toml", {})


def test_a_place_that_may_not_be_looked_into_is_passed_over(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may look everywhere, so the refusal is made here."""
    write(tmp_path / "etc.toml", "/etc")
    closed, looked = str(tmp_path / ".config"), Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if str(self).startswith(closed):
            raise PermissionError(13, "Permission denied")
        return looked(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)
    assert load_config(None, environment).store_path == Path("/etc")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="not UTF-8"):
        load_config(tmp_path / "c.toml", {})


@pytest.mark.parametrize(
    ("user", "environment", "path"),
    [
        (0, {"HOME": "/root"}, "/var/lib/vmferry/vmferry.db"),
        (0, {"HOME": "/root", "XDG_STATE_HOME": "/s"}, "/s/vmferry/vmferry.db"),
        (1000, {"HOME": "/home/me"}, "/home/me/.local/state/vmferry/vmferry.db"),
        (1000, {"HOME": "/home/me", "XDG_STATE_HOME": "/s"}, "/s/vmferry/vmferry.db"),
    ],
)
def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, user: int, environment: dict[str, str], path: str) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert default_store(environment) == Path(path)


def test_how_far_a_migration_goes() -> None:
    text = """
[migration]
convergence = "careful"
[guests.web]
address = "10.0.0.1"
[guests.db]
convergence = "must-finish"
"""
    config = parse_config(text, Path("c.toml"))
    assert config.convergence is Convergence.CAREFUL
    assert config.convergences == {"db": Convergence.MUST_FINISH}
    assert set(config.probes) == {"web"}
    assert parse_config("", Path("c.toml")).convergence is Convergence.BALANCED


def test_guests_are_selected_by_patterns() -> None:
    text = """
[guests."db-*"]
convergence = "must-finish"
[guests."*-test"]
convergence = "careful"
[guests.db-test]
convergence = "balanced"
"""
    config = parse_config(text, Path("c.toml"))
    assert config.selected == (("db-*", Convergence.MUST_FINISH), ("*-test", Convergence.CAREFUL))
    assert config.convergences == {"db-test": Convergence.BALANCED}
    standing = Standing(selected=config.selected, usual=config.convergence)
    assert [standing.usual_of(guest) for guest in ("db-1", "web-test", "db-test", "web")] == [
        Convergence.MUST_FINISH,
        Convergence.CAREFUL,
        Convergence.MUST_FINISH,
        Convergence.BALANCED,
    ]


def test_a_pattern_has_no_address() -> None:
    with pytest.raises(UserError, match=r"c\.toml: guests\.'db-\*': .* no address"):
        parse_config("[guests.'db-*']\naddress = '10.0.0.1'", Path("c.toml"))


@pytest.mark.parametrize(
    "text", ["[migration]\nconvergence = 'fast'", "[guests.web]\nconvergence = 'fast'", "[migration]\nspeed = 1"]
)
def test_a_policy_that_is_none(text: str) -> None:
    with pytest.raises(UserError, match=r"c\.toml: (migration|guests\.web)\."):
        parse_config(text, Path("c.toml"))


def test_the_store_may_be_a_database() -> None:
    config = parse_config('[store]\ndatabase = "postgresql://vmferry@db/vmferry"\n', Path("c.toml"))
    assert config.database == "postgresql://vmferry@db/vmferry"
    with pytest.raises(UserError, match="has both path and database"):
        parse_config('[store]\npath = "/x"\ndatabase = "postgresql:///x"\n', Path("c.toml"))


def test_limits_have_a_value_each_and_nought_is_none() -> None:
    assert parse_config("", Path("c.toml")).slots == Slots(hosts_in=2, hosts_out=2) == Config(Path("x")).slots
    text = "[limits]\nhosts_in = 0\nhosts_out = 5\nlink = 3\nfleet = 50\n"
    assert parse_config(text, Path("c.toml")).slots == Slots(None, 5, 3, 50)
    with pytest.raises(UserError, match=r"limits\.fleet: expected"):
        parse_config("[limits]\nfleet = -1\n", Path("c.toml"))
