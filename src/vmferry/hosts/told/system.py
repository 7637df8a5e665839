"""The sections of `look/system.sh`."""

from __future__ import annotations

from vmferry.facts.system import SystemFacts
from vmferry.hosts.told.sections import Sections


def read_system(sections: Sections) -> SystemFacts:
    pairs = (line.partition("=") for line in sections.get("os", ()))
    release = {key: value.strip("\"'") for key, _, value in pairs}
    return SystemFacts(os_id=release.get("ID"), os_version=release.get("VERSION_ID"))
