"""ZIP files, which Word and books are, and which may unpack to anything."""

from __future__ import annotations

import zipfile
from io import BytesIO

PART = 65536
"""Bytes that are unpacked at once."""


def unpacked_size(data: bytes, most: int) -> int:
    """Return how many bytes a ZIP file unpacks to; counting ends beyond ``most``.

    Raises:
        zipfile.BadZipFile: it is none, or one of its files is not what the list of files says, its size included.
    """
    with zipfile.ZipFile(BytesIO(data)) as packed:
        size = sum(entry.file_size for entry in packed.infolist())
        for entry in packed.infolist() if size <= most else ():
            # To its end, where its sum is compared; a part never takes more room than this.
            with packed.open(entry) as stream:
                while stream.read(PART):
                    pass
    return size
