"""The machine's own apt sources, read for another release of Debian. No mirror is written down anywhere else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vmferry.errors import Failed
from vmferry.lab.shell import run

_APT = Path("/etc/apt")
_RELEASES = ("bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable")
_POCKETS = ("", "-security", "-updates")
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")


@dataclass(frozen=True, slots=True)
class Source:
    """`signed_by` is a key file's path, or a whole key as deb822 has it, continued lines and all."""

    uri: str
    pocket: str
    signed_by: str


def machine_sources(apt: Path = _APT) -> list[Source]:
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    found: list[Source] = []
    for file in files:
        if file.suffix == ".sources" and file.is_file():
            found += parse_deb822(file.read_text())
        elif file.suffix == ".list" and file.is_file():
            found += parse_one_line(file.read_text())
    return found


def parse_one_line(text: str) -> list[Source]:
    matches = (_ONE_LINE.match(line.split("#")[0].strip()) for line in text.splitlines())
    return [
        source
        for match in matches
        if match
        for source in _debian(
            [match["uri"]], [match["suite"]], match["components"].split(), _signed_by_option(match["options"])
        )
    ]


def parse_deb822(text: str) -> list[Source]:
    found: list[Source] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").strip() != "no":
            uris, suites, components = (fields.get(name, "").split() for name in ("uris", "suites", "components"))
            found += _debian(uris, suites, components, fields.get("signed-by", ""))
    return found


def render(sources: Iterable[Source], release: str) -> str:
    """Sources of `release` as a deb822 file."""
    stanzas = []
    for source in dict.fromkeys(sources):
        lines = ["Types: deb", f"URIs: {source.uri}", f"Suites: {release}{source.pocket}", "Components: main"]
        if source.signed_by:
            lines.append(f"Signed-By: {source.signed_by}")
        stanzas.append("\n".join(lines) + "\n")
    if not stanzas:
        raise Failed("no Debian mirror: /etc/apt/sources.list(.d) names none with component main; add one")
    return "\n".join(stanzas)


def acquire_options() -> list[str]:
    """How the machine's apt reaches its mirrors (proxy, certificates), as lines for another apt."""
    lines = run("apt-config", "dump", "Acquire").splitlines()
    return [line for line in lines if re.match(r"Acquire::(https?|Retries|ForceIPv4)\b", line)]


def _debian(uris: list[str], suites: list[str], components: list[str], signed_by: str) -> list[Source]:
    """Other vendors' sources often have a suite of the same name: their keys tell them apart."""
    theirs = signed_by.startswith("/") and "debian-archive" not in signed_by
    if theirs or "main" not in components:
        return []
    pockets = [pocket for suite in suites if (pocket := _pocket(suite)) is not None]
    return [Source(uri, pocket, signed_by) for uri in uris for pocket in pockets]


def _pocket(suite: str) -> str | None:
    for release in _RELEASES:
        if suite.startswith(release) and suite[len(release) :] in _POCKETS:
            return suite[len(release) :]
    return None


def _signed_by_option(options: str | None) -> str:
    for option in (options or "").split():
        name, _, value = option.partition("=")
        if name.lower() == "signed-by":
            return value
    return ""


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += "\n" + line
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
