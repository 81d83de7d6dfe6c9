"""XML from strangers, read safely, and XML for them. Owns limits and encodings; knows no message."""

import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, TreeBuilder, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from connectors.fields import MAX_BODY_BYTES, storable
from domain.errors import Unparsable

MAX_DEPTH = 20
MAX_NODES = 20_000

# Chinese vendors say GBK or GB2312 and mean its superset.
_ENCODINGS = {
    "utf-8": "utf-8-sig", "utf8": "utf-8-sig", "us-ascii": "utf-8-sig",
    "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030",
}  # fmt: skip
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.-]+)", re.IGNORECASE)
_DECLARED = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.-]+)[\"']")

Tree = str | Mapping[str, "Tree"] | Sequence["Tree"]


class _Bounded(TreeBuilder):
    """Stops at the limit instead of after it."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._nodes = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._nodes += 1
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise Unparsable(f"the XML is nested deeper than {MAX_DEPTH} or has more than {MAX_NODES} elements")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def read_xml(body: bytes, content_type: str) -> Element:
    """Parse with a size limit and without entities or DTD; Unparsable says which rule was broken."""
    if len(body) > MAX_BODY_BYTES:
        raise Unparsable(f"the body is larger than {MAX_BODY_BYTES} bytes")
    parser = XMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(_decode(body, content_type))
        root = parser.close()
    except DefusedXmlException as error:
        raise Unparsable("the XML declares a DTD or an entity, which is not allowed") from error
    except ParseError as error:
        line, column = error.position
        raise Unparsable(f"the body is not well-formed XML (line {line}, column {column})") from error
    if not isinstance(root, Element):
        raise Unparsable("the body holds no XML element")
    return root


def _decode(body: bytes, content_type: str) -> str:
    found = _CHARSET.search(content_type)
    declared = _DECLARED.match(body)
    name = found[1] if found else declared[1].decode("ascii", "replace") if declared else "utf-8"
    encoding = _ENCODINGS.get(name.lower())
    if encoding is None:
        raise Unparsable(f"the encoding {name[:20]} is not supported: send UTF-8 or GBK")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unparsable(f"the body is not {name[:20]} (byte {error.start})") from error


def text(node: Element | None, path: str) -> str:
    """The stripped text at `path`, empty when the node or the element is not there."""
    return "" if node is None else (node.findtext(path) or "").strip()


def write_xml(root: str, tree: Tree) -> bytes:
    """Write nested mappings as elements, a sequence as repeated elements; UTF-8 with a declaration."""
    element = Element(root)
    _fill(element, tree)
    written: bytes = tostring(element, encoding="utf-8", xml_declaration=True)
    return written


def _fill(element: Element, tree: Tree) -> None:
    if isinstance(tree, str):
        element.text = storable(tree)
    elif isinstance(tree, Mapping):
        for name, value in tree.items():
            repeated = [value] if isinstance(value, str | Mapping) else value
            for item in repeated:
                _fill(SubElement(element, name), item)
