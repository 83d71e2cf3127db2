"""A program's folder for one run: everything in it is the user's own, but for one file that says something else.

Gemini CLI can be told of another home and of nothing smaller.  So its folder is mirrored: links to what is there, and a
copy of the settings with ours in it.  After the run, what the program wrote goes where it would have gone, and its
settings too, without ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hexapla.agents.document import Document, parsed
from hexapla.agents.tool import Mirror


@contextmanager
def mirrored(mirror: Mirror, own: Path, folder: Path) -> Iterator[None]:
    """`own` (which may not be there yet) as `folder`, until the block ends.  Raises ConfigError for a file that is not
    understood."""
    folder.mkdir(parents=True)
    for entry in own.iterdir() if own.is_dir() else ():
        if entry.name != mirror.file:
            (folder / entry.name).symlink_to(entry)
    file = own / mirror.file
    before = parsed("json", file.read_text(encoding="utf-8") if file.is_file() else "", file)
    began = before.text
    ours = parsed("json", began)
    for place, value in mirror.values.items():
        ours.put(place, value)
    copy = folder / mirror.file
    copy.write_text(ours.text, encoding="utf-8")
    try:
        yield
    finally:
        _take_back(folder, own, mirror.file)
        if copy.is_file() and (said := copy.read_text(encoding="utf-8")) != ours.text:
            _keep(said, before, mirror, file)


def _take_back(folder: Path, own: Path, but: str) -> None:
    """What the program made, or wrote anew over a link."""
    for entry in folder.iterdir():
        if entry.is_symlink() or entry.name == but:
            continue
        own.mkdir(mode=0o700, exist_ok=True)
        target = own / entry.name
        if target.is_dir() and not target.is_symlink():
            shutil.copytree(entry, target, dirs_exist_ok=True)
        else:
            shutil.move(entry, target)


def _keep(said: str, before: Document, mirror: Mirror, file: Path) -> None:
    """The program changed its settings: the change is the user's, our values are not."""
    document = parsed("json", said, file)
    for place in mirror.values:
        document.restore(place, before)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(document.text, encoding="utf-8")
    fresh.replace(file)
