"""What every command gets: the options that all share, and the adapters, each made when it is first asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vmferry.cli.output import Format, Layout, render, say, write

if TYPE_CHECKING:  # what a command does not use is not loaded: the help is there at once
    from vmferry.config import Config
    from vmferry.model.host import HostEntry
    from vmferry.ports import Chest, Connector, Jobs, Menders, Prober, Store
    from vmferry.rules.policy import Policy
    from vmferry.service.fleet import Fleet
    from vmferry.service.migrate import Tools
    from vmferry.wiring import Wiring


@dataclass
class App:
    """The context object of click (`@click.pass_obj`)."""

    wiring: Wiring
    config_path: Path | None = None
    policy_path: Path | None = None
    output: Format = Format.TABLE
    verbosity: int = 0
    """-1 with -q: results and errors only; 1 and more with -v."""
    debug: bool = False
    noting: Callable[[str], None] | None = None
    """How messages are told; None: as a line."""

    @cached_property
    def config(self) -> Config:
        from vmferry.config import load_config

        return load_config(self.config_path)

    @cached_property
    def policy(self) -> Policy:
        from vmferry.policy_file import load_policy

        return load_policy(self.policy_path, self.config.policy_path, self.config.source)

    @property
    def place(self) -> Path | str:
        """Of the store."""
        return self.config.database or self.config.store_path

    @cached_property
    def store(self) -> Store:
        return self.wiring.store(self.place)

    @cached_property
    def jobs(self) -> Jobs:
        return self.wiring.jobs(self.place)

    @cached_property
    def tools(self) -> Tools:
        from vmferry.service.tools import tools

        return tools(self.store, self.jobs, self.prober, self.wiring.clock(), self.wiring.worker())

    @cached_property
    def connector(self) -> Connector:
        return self.wiring.connector()

    @cached_property
    def prober(self) -> Prober:
        return self.wiring.prober()

    @cached_property
    def menders(self) -> Menders:
        return self.wiring.menders()

    @cached_property
    def chest(self) -> Chest:
        return self.wiring.chest(self.config.store_path)

    @property
    def entries(self) -> tuple[HostEntry, ...]:
        """Every host of the configuration file and the store."""
        from vmferry.service.inventory import known_hosts

        return known_hosts(self.config.hosts, self.store)

    def fleet(self, timeout_s: float | None = None, entries: tuple[HostEntry, ...] | None = None) -> Fleet:
        """All hosts (or these), being connected to already. Use as a context manager."""
        from vmferry.service.fleet import TIMEOUT_S, Fleet

        return Fleet(self.connector, self.entries if entries is None else entries, timeout_s or TIMEOUT_S)

    @contextlib.contextmanager
    def kept_connections(self) -> Iterator[None]:
        """For a command that opens its hosts again and again: what it lets go is kept for the next time."""
        from vmferry.service.warm import WarmConnector

        usual = self.connector
        self.connector = kept = WarmConnector(usual, self.wiring.clock())
        try:
            yield
        finally:
            self.connector = usual
            kept.close()

    @property
    def readable(self) -> bool:
        """People read the output (table, wide); otherwise programs do (JSON, YAML)."""
        return self.output in (Format.TABLE, Format.WIDE)

    def emit(self, document: Mapping[str, Any], *layouts: Layout) -> None:
        """The result, on standard output: the document for programs, the layouts of it for people."""
        write(render(document, layouts, self.output))

    def note(self, message: str) -> None:
        """A message beside the result, on standard error; not with -q."""
        if self.verbosity >= 0:
            (self.noting or say)(message)


pass_app = click.make_pass_decorator(App)
