"""A definition for another host: what names the host is changed, and not a word more."""

from __future__ import annotations

import difflib

import pytest

from vmferry.model.edits import Edit, Naming
from vmferry.xml.parse import BadXml
from vmferry.xml.rewrite import renamed, rewritten

XML = """\
<domain type="kvm">
  <name>/old</name>
  <os>
    <kernel>/old</kernel>
    <nvram template="/old/VARS.fd">/old/web.fd</nvram>
    <cmdline>root=/old</cmdline>
  </os>
  <devices>
    <!-- /old -->
    <emulator>/old</emulator>
    <disk type="file" device="disk">
      <source file="/old" index="3"/>
      <target dev="vda" bus="virtio"/>
      <serial>/old</serial>
    </disk>
    <disk type="volume" device="disk"><source pool="p" volume="p"/><target dev="vdb"/></disk>
    <interface type="network"><mac address="1:2"/><source network="p"/></interface>
    <serial type="file"><source path="/old"/><log file="/old/log"/></serial>
  </devices>
</domain>"""


def changed(*edits: Edit) -> list[str]:
    """The lines that are new."""
    lines = difflib.ndiff(XML.splitlines(), rewritten(XML, edits).splitlines())
    return [line[2:].strip() for line in lines if line.startswith("+ ")]


def test_nothing_to_change_changes_nothing() -> None:
    assert rewritten(XML, ()) == XML


def test_a_path_wherever_it_is_one() -> None:
    assert changed(Edit(Naming.PATH, "/old", "/new")) == [
        "<kernel>/new</kernel>",
        '<source file="/new" index="3"/>',
        '<serial type="file"><source path="/new"/><log file="/old/log"/></serial>',
    ]


@pytest.mark.parametrize(
    ("naming", "line"),
    [
        (Naming.POOL, '<disk type="volume" device="disk"><source pool="q" volume="p"/><target dev="vdb"/></disk>'),
        (Naming.NETWORK, '<interface type="network"><mac address="1:2"/><source network="q"/></interface>'),
    ],
)
def test_one_word_may_name_several_things(naming: Naming, line: str) -> None:
    assert changed(Edit(naming, "p", "q")) == [line]


def test_names_are_quoted_where_xml_needs_it() -> None:
    hostile = "/a\"b'<&>"
    again = rewritten(rewritten(XML, [Edit(Naming.PATH, "/old", hostile)]), [Edit(Naming.PATH, hostile, "/old")])
    assert again == XML


def test_names_that_are_swapped() -> None:
    edits = (Edit(Naming.PATH, "/old", "/old/web.fd"), Edit(Naming.PATH, "/old/web.fd", "/old"))
    assert "<kernel>/old/web.fd</kernel>" in rewritten(XML, edits)
    assert '<nvram template="/old/VARS.fd">/old</nvram>' in rewritten(XML, edits)


def test_what_was_renamed_is_found_again() -> None:
    edits = (
        Edit(Naming.PATH, "/old", "/new"),
        Edit(Naming.PATH, "/old/web.fd", "/new/web.fd"),
        Edit(Naming.POOL, "p", "q"),
        Edit(Naming.NETWORK, "p", "r"),
    )
    assert set(renamed(XML, rewritten(XML, edits))) == set(edits)
    assert renamed(XML, XML) == ()


def test_devices_are_the_same_whatever_their_order() -> None:
    two = '<domain><devices>{}<disk><source file="/b"/><target dev="vdb"/></disk>{}</devices></domain>'
    first = '<disk><source file="{}"/><target dev="vda"/></disk>'
    assert renamed(two.format(first.format("/a"), ""), two.format("", first.format("/c"))) == (
        Edit(Naming.PATH, "/a", "/c"),
    )


CHAIN = """\
<backingStore type="file" index="2"><format type="qcow2"/><source file="/base"/>\
<backingStore type="file" index="1"><format type="raw"/><source file="/deep"/><backingStore/></backingStore>\
</backingStore>"""
DISK = """\
<domain><devices><disk type="file"><source file="/top"/>{}<target dev="vda"/></disk></devices></domain>"""


@pytest.mark.parametrize("path", ["/base", "/deep"])
def test_a_chain_that_is_edited_is_written_out(path: str) -> None:
    made = rewritten(DISK.format(""), [Edit(Naming.PATH, path, "/new")], DISK.format(CHAIN))
    expected = CHAIN.replace(' index="2"', "").replace(' index="1"', "").replace(path, "/new")
    assert made == DISK.format(expected)


def test_a_chain_that_stays_is_left_to_the_image() -> None:
    made = rewritten(DISK.format(""), [Edit(Naming.PATH, "/top", "/new")], DISK.format(CHAIN))
    assert made == DISK.format("").replace("/top", "/new")


def test_a_chain_that_is_written_out_already_is_edited() -> None:
    given = '<backingStore type="file"><source file="/base"/></backingStore>'
    made = rewritten(DISK.format(given), [Edit(Naming.PATH, "/base", "/new")], DISK.format(CHAIN))
    assert made == DISK.format(given.replace("/base", "/new"))


@pytest.mark.parametrize("xml", ["<domain>", '<!DOCTYPE d [<!ENTITY a "b">]><domain>&a;</domain>', ""])
def test_no_definition(xml: str) -> None:
    with pytest.raises(BadXml):
        rewritten(xml, ())
