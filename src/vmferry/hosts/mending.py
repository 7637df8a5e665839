"""A host to be changed, as `ports.Mender`: files, units and directories by its shell, the rest by its libvirt."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Sequence

import libvirt
import msgspec

from vmferry.errors import HostError, Refused, UserError
from vmferry.facts.system import SystemFacts, Unit
from vmferry.hosts import augeas, events, mending_libvirt
from vmferry.hosts.asking import alive, asking
from vmferry.hosts.mending_shell import NOT_EMPTY, NOT_THE_SAME, NOT_THERE, MendingShell, Said
from vmferry.hosts.opening import open_connection
from vmferry.hosts.shell import Shell
from vmferry.hosts.told.sections import read_sections
from vmferry.hosts.told.system import read_system
from vmferry.hosts.ways import Ways, begin
from vmferry.model.host import HostEntry
from vmferry.model.secret import Secret
from vmferry.repair.change import Change, Definition, Edited, Kind, Place, Pool, Record, Wanted
from vmferry.repair.daemons import ALL_UNITS, describe, read_description, units_of
from vmferry.repair.pools import SHARED_FILE_SYSTEMS
from vmferry.repair.text import named

LENSES = "/usr/share/augeas/lenses"
MOST_BYTES = 1 << 20
"""Of a configuration file or a lens."""
MOST_RECORD_BYTES = 32 << 20
LOOK_EVERY_S = 0.2
OPEN_LIMIT_S = 4.0


class HostMenders:
    """`ports.Menders`."""

    def open(self, entry: HostEntry, timeout_s: float) -> HostMender:
        with contextlib.ExitStack() as undo:
            way = begin(entry, timeout_s, undo, share=True)()
            if way.shell is None:
                raise UserError(
                    f"host {entry.name} has no shell, and its files and daemons are mended by one: declare ssh for it "
                    f'in the configuration file, as ssh = ["ssh", "root@{entry.name}"]'
                )
            events.start()
            return HostMender(entry, way, MendingShell(entry.name, way.shell), undo.pop_all())


class HostMender:
    def __init__(self, entry: HostEntry, way: Ways, shell: MendingShell, ways: contextlib.ExitStack) -> None:
        self._entry, self._way, self._shell, self._ways = entry, way, shell, ways
        self._line: libvirt.virConnect | None = None

    @property
    def entry(self) -> HostEntry:
        return self._entry

    def need_root(self) -> None:
        number, _, name = self._shell.told("user").output.decode("utf-8", "replace").strip().partition(" ")
        if number != "0":
            raise UserError(
                f"ssh to host {self._entry.name} logs in as {name or 'nobody known'}, who may not change it: "
                "let it log in as root, by the host's URI or by ssh in the configuration file"
            )

    def system(self) -> SystemFacts:
        shell = Shell(self._entry.name, self._way.shell)
        try:
            return read_system(read_sections(shell.ask(["tell"])))
        finally:
            shell.close()

    def units(self) -> dict[str, Unit]:
        found: dict[str, Unit] = {}
        for block in self._shell.told("show_units", *ALL_UNITS).output.decode("utf-8", "replace").split("\n\n"):
            said = dict(line.partition("=")[::2] for line in block.splitlines())
            name = said.get("Id", "")
            found[name] = Unit(
                name, said.get("LoadState", ""), said.get("ActiveState", ""), said.get("UnitFileState", "")
            )
        return found

    def edited(self, wanted: Wanted) -> Edited:
        text, lens = self._read(wanted.path), self._read(f"{LENSES}/{wanted.lens.lower()}.aug")
        if lens is None:
            return Edited(
                text, None, problem=f"there is no lens {wanted.lens} on host {self._entry.name} to edit it with"
            )
        return augeas.edited(text, wanted.lens, lens, wanted.values)

    def pools(self) -> tuple[Pool, ...]:
        with self._asking("tell of its storage pools") as connection:
            return mending_libvirt.pools(connection)

    def definitions(self) -> tuple[Definition, ...]:
        with self._asking("tell of its guests") as connection:
            return mending_libvirt.definitions(connection)

    def jobs(self) -> tuple[tuple[str, str], ...]:
        with self._asking("tell what runs on its guests") as connection:
            return mending_libvirt.running_jobs(connection)

    def place(self, path: str) -> Place:
        mode, mount, *missing = self._shell.told("show_place", path).lines
        kind, _, source = mount.strip().partition(" ")
        shared = f"{kind} {source.strip()}" if kind.startswith(SHARED_FILE_SYSTEMS) else ""
        return Place(path, mode or None, tuple(missing), shared)

    def observe(self, kind: Kind, name: str) -> str | None:
        match kind:
            case Kind.FILE:
                return self._read(name)
            case Kind.KEY:
                said = self._shell.run("show_key", name)
                return said.lines[0] if said.status == 0 else None
            case Kind.DAEMON:
                return describe(self.units(), name)
            case Kind.DIRECTORY:
                said = self._shell.run("show_directory", name)
                return said.lines[0] if said.status == 0 else None
            case Kind.POOL:
                with self._asking(f"tell of its storage pool {name}") as connection:
                    return mending_libvirt.pool_text(connection, name)
            case Kind.GUEST:
                with self._asking(f"tell of guest {name}") as connection:
                    return mending_libvirt.definition(connection, name)

    def put(self, change: Change, backup: str = "", secret: Secret | None = None) -> None:
        self._need_before(change)
        match change.kind:
            case Kind.KEY:
                self._put_key(change, backup, secret)
            case Kind.FILE:
                self._put_file(change, backup)
            case Kind.DAEMON:
                self._put_daemon(change)
            case Kind.DIRECTORY:
                self._put_directory(change)
            case Kind.POOL:
                with self._asking(f"change its storage pool {change.name}") as connection:
                    mending_libvirt.put_pool(connection, change)
            case Kind.GUEST:
                with self._asking(f"define guest {change.name} anew") as connection:
                    mending_libvirt.define_guest(connection, self._entry.name, change)

    def restore(self, change: Change, backup: str) -> None:
        if change.kind is Kind.KEY:
            self._put_key(change, backup, None)
            return
        self.put(change)
        if change.kind is Kind.FILE and change.after is not None:
            self._shell.told("drop_copy", change.name, backup, _sum(_bytes(change.after)))

    def _need_before(self, change: Change) -> None:
        """Files are compared on the host itself, when they are replaced."""
        if change.kind not in (Kind.FILE, Kind.KEY) and self.observe(change.kind, change.name) != change.before:
            name = named(change)
            raise Refused(f"{name} of host {self._entry.name} changed meanwhile; nothing was done to it, try again")

    def restart(self, services: Sequence[str], limit_s: float) -> None:
        said = self._shell.run("restart", f"{limit_s:g}", *services, limit_s=limit_s + 5)
        if said.status != 0:
            raise self._shell.failed(f"restart {' '.join(services)}", said)

    def answers(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while True:
            self._hang_up()
            try:
                with self._asking("answer") as connection:
                    connection.getLibVersion()
                return True
            except HostError:
                if time.monotonic() > deadline:
                    return False
            time.sleep(LOOK_EVERY_S)

    def records(self) -> tuple[Record, ...]:
        lines = self._shell.told("show_records", str(MOST_RECORD_BYTES)).output.split(b"\n")
        try:
            return tuple(msgspec.json.decode(line, type=Record) for line in lines if line.startswith(b"{"))
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            text = f"host {self._entry.name} keeps a record of a fix that cannot be read"
            hint = "look at /var/lib/vmferry/fixes there"
            raise HostError(self._entry.name, f"{text}; {hint}", detail=str(error)) from None

    def keep(self, record: Record) -> None:
        data = msgspec.json.encode(record)
        self._shell.told("put_record", f"{record.id}.json", _sum(data), data=data)

    def close(self) -> None:
        self._hang_up()
        self._ways.close()

    def _read(self, path: str) -> str | None:
        said = self._shell.run("show_file", path, str(MOST_BYTES + 1))
        if said.status == NOT_THERE:
            return None
        if said.status != 0:
            raise self._shell.failed(f"read {path}", said)
        if len(said.output) > MOST_BYTES:
            raise HostError(
                self._entry.name, f"{path} of host {self._entry.name} has more than {MOST_BYTES} bytes; look at it"
            )
        return said.output.decode("utf-8", "surrogateescape")

    def _put_file(self, change: Change, backup: str) -> None:
        before = "" if change.before is None else _sum(_bytes(change.before))
        if change.after is None:
            said = self._shell.run("remove_file", change.name, before)
        else:
            data = _bytes(change.after)
            said = self._shell.run("put_file", change.name, before, _sum(data), backup, data=data)
        self._need_written(change, said)

    def _put_key(self, change: Change, backup: str, secret: Secret | None) -> None:
        """Without `secret`, from its old copy."""
        before, _, _ = (change.before or "").partition(" ")
        if change.after is None:
            said = self._shell.run("remove_file", change.name, before)
        elif secret is None:
            said = self._shell.run("restore_key", change.name, before, change.after.partition(" ")[0], backup)
        else:
            wanted, data = change.after.split(), secret.reveal().encode()
            said = self._shell.run("put_key", change.name, before, *wanted, backup, data=data)
        self._need_written(change, said)

    def _need_written(self, change: Change, said: Said) -> None:
        if said.status in (NOT_THE_SAME, NOT_THERE):
            raise Refused(
                f"{change.name} of host {self._entry.name} changed meanwhile; nothing was done to it, try again"
            )
        if said.status != 0:
            raise self._shell.failed(f"write {change.name}", said)

    def _put_directory(self, change: Change) -> None:
        if change.after is not None:
            said = self._shell.run("make_directory", change.name, change.after)
        else:
            said = self._shell.run("remove_directory", change.name)
        if said.status == NOT_EMPTY:
            raise Refused(f"{change.name} of host {self._entry.name} is not empty any more; it is left")
        if said.status != 0:
            raise self._shell.failed(f"change the directory {change.name}", said)

    def _put_daemon(self, change: Change) -> None:
        """Enabling one unit may enable others with it, and disabling one disable them: so each is looked at again."""
        running, wanted = read_description(change.after or "")
        for verb, states in (("disable", ("disabled",)), ("enable", ("enabled", "enabled-runtime"))):
            _, now = read_description(self.observe(Kind.DAEMON, change.name) or "")
            other = [unit for unit, state in wanted.items() if state in states and now.get(unit) != state]
            if other:
                self._shell.told("unit", verb, *other, what=f"{verb} {change.name}")
        was, _ = read_description(self.observe(Kind.DAEMON, change.name) or "")
        units = self.units()
        own = [
            name for name in units_of(change.name) if (unit := units.get(name)) is not None and unit.load == "loaded"
        ]
        if running and not was:
            self._shell.run("unit", "reset-failed", *own)
            self._shell.told("unit", "start", *reversed(own), what=f"start {change.name}")
        elif was and not running:
            self._shell.told("unit", "stop", *reversed(own), what=f"stop {change.name}")
            self._hang_up()

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[libvirt.virConnect]:
        if self._line is None or not alive(self._line):
            self._line = open_connection(self._entry, OPEN_LIMIT_S, ways=self._way)
        with asking(self._entry.name, self._line, what):
            yield self._line

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(libvirt.libvirtError):  # it is gone already
                line.close()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
