"""The one way in for XML: no entities, no DTD, no network, no huge trees.

What libvirt hands out has none of these, so a document that has them is refused and not repaired.
"""

from __future__ import annotations

from lxml import etree

from vmferry.errors import VmferryError

MOST_BYTES = 16 << 20
"""A definition is some kilobytes and the biggest capabilities some hundred; this bounds what a broken host can cost."""


class BadXml(VmferryError):
    """The text is not XML that vmferry reads."""


def parse(xml: str, what: str) -> etree._Element:
    """The root element of `xml`. `what` names the document in the error, as `the definition of guest web`."""
    data = xml.encode()
    if len(data) > MOST_BYTES:
        raise BadXml(f"{what} has {len(data)} bytes, more than the {MOST_BYTES} that vmferry reads; look at it by hand")
    try:
        root: etree._Element = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise BadXml(f"{what} is not well-formed XML; look at it with virsh", detail=str(error)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadXml(f"{what} declares a document type or entities, which libvirt never does; look at it by hand")
    return root


def _parser() -> etree.XMLParser:
    """A parser of its own for each document: lxml's are not to be shared between threads that run at once."""
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=False,
    )


def text_of(element: etree._Element, path: str) -> str | None:
    """The stripped text of the first element at `path`; None where there is none or it is empty."""
    return (element.findtext(path) or "").strip() or None


def number(value: str | None) -> int | None:
    """An attribute as a number; None where it is missing or is none."""
    return int(value) if value is not None and value.isascii() and value.isdigit() else None
