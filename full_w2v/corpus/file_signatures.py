"""What the first bytes of a file tell: archives, which are not text, and Unicode that is not UTF-8."""

import re

HEAD_BYTES = 512  # a block of tar, whose mark comes late
_ARCHIVES = {
    b"PK\x03\x04": ("a zip archive", "unzip"),
    b"PK\x05\x06": ("an empty zip archive", "unzip"),
    b"PK\x07\x08": ("a part of a zip archive", "unzip"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!\x1a\x07": ("a rar archive", "unrar x"),
    b"!<arch>\n": ("an ar archive", "ar x"),
    b"MSCF\0\0\0\0": ("a cab archive", "cabextract"),
    b"xar!\0": ("a xar archive", "xar -x"),
}
_COMPRESSED = {
    b"\x5d\x00\x00": ("lzma", "xz --format=lzma --decompress"),
    b"LZIP\x01": ("lzip", "lzip --decompress"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4 -d"),
    b"\x1f\x9d": ("compress", "uncompress"),
    b"\x89LZO\x00": ("lzop", "lzop --decompress"),
    b"\xff\x06\x00\x00sNaPpY": ("snappy", "snzip -d"),
}
_DOCUMENTS = {
    b"%PDF-1.": "a PDF document",
    b"%PDF-2.": "a PDF document",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "a document of an older Office program",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\x93NUMPY": "a NumPy array",
}
_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_TAR_CHECKSUM = slice(148, 156)


def not_text(head: bytes) -> str | None:
    """What a file is that is never text, and what to do; None if nothing tells.

    head: its first HEAD_BYTES bytes, or all.
    """
    for magic, (kind, program) in _ARCHIVES.items():
        if head.startswith(magic):
            return f"is {kind}, not text; extract what is in it first ({program})"
    if _is_tar(head):
        return "is a tar archive, not text; extract what is in it first (tar -xf)"
    for magic, (kind, program) in _COMPRESSED.items():
        if head.startswith(magic):
            return f"is compressed by {kind}, which cannot be read here; decompress it first ({program})"
    for magic, kind in _DOCUMENTS.items():
        if head.startswith(magic):
            return f"is {kind}, not text; save its text to a file first"
    return None


def not_utf8(head: bytes) -> str | None:
    """As `not_text`, for files that are read as UTF-8 alone."""
    encoding = marked_encoding(head) or likely_encoding(head)
    if encoding is not None:
        return f"is {encoding.upper()}; convert it to UTF-8 (iconv -f {encoding.upper()} -t UTF-8)"
    return not_text(head)


def marked_encoding(head: bytes) -> str | None:
    """The Unicode encoding, "utf-16" or "utf-32", whose byte-order mark a text begins with."""
    return next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)


def likely_encoding(head: bytes) -> str | None:
    """The encoding that NULs in a text without a mark speak for: "utf-16-le" and the like, or None.

    ASCII characters have them at the same places of every 2 or 4 bytes, and nearly every text has some.
    """
    if len(head) < 4 or len(head) % 2:
        return None
    # How many of the bytes at each place of four are NULs.
    first, second, third, fourth = (head[place::4].count(0) for place in range(4))
    units = len(head) // 4
    if len(head) % 4 == 0 and first == 0 and third == fourth == units:
        return "utf-32-le"
    if len(head) % 4 == 0 and fourth == 0 and first == second == units:
        return "utf-32-be"
    if first == third == 0 and second + fourth > units // 2:
        return "utf-16-le"
    if second == fourth == 0 and first + third > units // 2:
        return "utf-16-be"
    return None


def _is_tar(head: bytes) -> bool:
    """Whether a block of tar begins here: its checksum counts its own field as spaces."""
    if len(head) < HEAD_BYTES:
        return False
    field = re.fullmatch(rb"\s*([0-7]{1,7})[\s\0]*", head[_TAR_CHECKSUM])
    block = head[: _TAR_CHECKSUM.start] + b" " * 8 + head[_TAR_CHECKSUM.stop : HEAD_BYTES]
    return field is not None and int(field[1], 8) == sum(block)
