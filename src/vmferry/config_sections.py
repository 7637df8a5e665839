"""The sections of the configuration file, as they are written; `config.py` says what they mean."""

from __future__ import annotations

from typing import Annotated

import msgspec

from vmferry.model.aim import COOL_DOWN_S, SAMPLE_S, USUAL_EAGERNESS, Mode
from vmferry.model.group import Keep
from vmferry.model.storage import Storage
from vmferry.model.tuning import STALL_S, Convergence, Encryption
from vmferry.model.weights import USUAL_WEIGHTS


class StoreSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str | None = None
    database: str | None = None


Slots = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
"""0: no limit."""


class LimitsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hosts_in: Slots = 2
    hosts_out: Slots = 2
    link: Slots = 0
    fleet: Slots = 0
    bandwidth: str | None = None


class HostSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    uri: str
    peer_uri: str | None = None
    migration_address: str | None = None
    migration_rate: str | None = None
    ssh: tuple[str, ...] | None = None
    labels: dict[str, str] = {}


class GroupSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    guests: tuple[str, ...]
    keep: Keep | None = None
    label: str = ""
    hosts: tuple[str, ...] = ()
    strict: bool = True


class MigrationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    convergence: Convergence = Convergence.BALANCED
    tls: Encryption = Encryption.AUTO
    storage: Storage = Storage.AUTO
    stall_timeout: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = STALL_S


Weight = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class PlacementSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    memory: Weight = USUAL_WEIGHTS.memory
    cpu: Weight = USUAL_WEIGHTS.cpu


class BalanceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mode: Mode = Mode.EVEN
    eagerness: Annotated[int, msgspec.Meta(ge=1, le=5)] = USUAL_EAGERNESS
    memory: Weight = 1.0
    cpu: Weight = 1.0
    vcpus: Weight = 0.5
    max_moves: Slots = 0
    sample: Annotated[float, msgspec.Meta(ge=1, le=3600)] = SAMPLE_S
    cool_down: Annotated[float, msgspec.Meta(ge=0, le=31_536_000)] = COOL_DOWN_S
    memory_ceiling: Share = 0.85
    cpu_ceiling: Share = 0.7
    automatic: bool = False


class GuestSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    address: str | None = None
    url: str | None = None
    convergence: Convergence | None = None


class FileSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    policy: str | None = None
    store: dict[str, object] = {}
    migration: dict[str, object] = {}
    limits: dict[str, object] = {}
    placement: dict[str, object] = {}
    balance: dict[str, object] = {}
    groups: dict[str, object] = {}
    hosts: dict[str, object] = {}
    guests: dict[str, object] = {}
