"""Lasting configuration: what the files of a program have to say, with a backup and a way back.

Before anything is written, what stood there goes into a folder of our own.  `undone` gives it back to the letter where
the file is as we left it; where the program or its user has changed it since, it takes back what is still ours and
leaves the rest.  Connecting again starts from there, so that the way back always leads to before the first time.

Rules of this file: nothing is written but by `write` and `undo`; a secret never stands in a diff.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from hexapla.agents.document import Format, Place, parsed
from hexapla.agents.tool import Lasting
from hexapla.errors import ConfigError

RECORD = "record.json"
HIDDEN = "•••"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One file: as it is now, as it was before us, and as it is to be.  None is no file."""

    lasting: Lasting
    now: str | None
    before: str | None
    after: str


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written into one file.  Values and texts stand as digests; `backup` is the name of a file beside the
    record, "" where there was none."""

    file: str
    format: Format
    backup: str
    after: str
    values: list[tuple[list[str], str]]


def plan(lastings: Sequence[Lasting], folder: Path) -> list[Change]:
    """What would change.  Raises ConfigError for a file that is not understood."""
    known = {written.file: written for written in _record(folder)}
    changes = []
    for lasting in lastings:
        now = _read(lasting.file)
        earlier = known.get(str(lasting.file))
        before = undone(now, earlier, folder) if earlier is not None else now
        document = parsed(lasting.format, before or "", lasting.file)
        for place, value in lasting.values.items():
            document.put(place, value)
        changes.append(Change(lasting=lasting, now=now, before=before, after=document.text))
    return changes


def diff(change: Change) -> str:
    """The change as a unified diff; "" for none."""
    now, after = change.now or "", change.after
    secret = str(change.lasting.values.get(change.lasting.secret, ""))
    lines = difflib.unified_diff(
        now.splitlines(), after.splitlines(), str(change.lasting.file), str(change.lasting.file), lineterm="", n=2
    )
    text = "\n".join(lines)
    return text.replace(secret, HIDDEN) if secret else text


def write(changes: Sequence[Change], folder: Path) -> None:
    """Back up and write.  Raises ConfigError when a file cannot be written."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    written = []
    for number, change in enumerate(changes):
        backup = f"{number}-{change.lasting.file.name}" if change.before is not None else ""
        if change.before is not None:
            _put(folder / backup, change.before, 0o600)
        values = [(list(place), _digest(value)) for place, value in change.lasting.values.items()]
        written.append(
            Written(
                file=str(change.lasting.file),
                format=change.lasting.format,
                backup=backup,
                after=_digest(change.after),
                values=values,
            )
        )
    _put(folder / RECORD, msgspec.json.format(msgspec.json.encode(written)).decode(), 0o600)
    for change in changes:
        _put(change.lasting.file, change.after, 0o600)


def undo(folder: Path) -> dict[Path, bool]:
    """Take back what was written: file -> whether it is as it was before, to the letter.

    Raises ConfigError where nothing was written, or a file is not understood.
    """
    written = _record(folder)
    if not written:
        raise ConfigError("Nothing was written here, so there is nothing to take back.")
    texts = [(each, undone(_read(Path(each.file)), each, folder)) for each in written]
    exact = {Path(each.file): text == _before(each, folder) for each, text in texts}
    for each, text in texts:
        if text is None:
            Path(each.file).unlink(missing_ok=True)
        else:
            _put(Path(each.file), text, 0o600)
    for name in (RECORD, *(each.backup for each in written if each.backup)):
        (folder / name).unlink(missing_ok=True)
    return exact


def _before(written: Written, folder: Path) -> str | None:
    return _read(folder / written.backup) if written.backup else None


def undone(now: str | None, written: Written, folder: Path) -> str | None:
    """A file's text without what we wrote; None for no file."""
    before = _before(written, folder)
    if now is None or _digest(now) == written.after:
        return before if now is not None else None
    document = parsed(written.format, now, written.file)
    earlier = parsed(written.format, before or "", written.file)
    for place, value in _ours(written):
        if _digest(document.get(place)) == value:
            document.restore(place, earlier)
    return document.text


def _ours(written: Written) -> Iterator[tuple[Place, str]]:
    for place, value in written.values:
        yield tuple(place), value


def _record(folder: Path) -> list[Written]:
    text = _read(folder / RECORD)
    try:
        return msgspec.json.decode(text, type=list[Written]) if text is not None else []
    except msgspec.MsgspecError:
        raise ConfigError("The record of what was written is damaged.", file=str(folder / RECORD)) from None


def _digest(value: object) -> str:
    """A value as a document holds it: lines know text only."""
    said = value if isinstance(value, str) else msgspec.json.encode(value, order="deterministic").decode()
    return hashlib.sha256(said.encode()).hexdigest()


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"This file cannot be read: {error}.", file=str(file)) from None


def _put(file: Path, text: str, mode: int) -> None:
    """Write whole or not at all, through links, with the rights that the file has; `mode` is a new one's."""
    target = file.resolve()
    try:
        target.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        if target.exists():
            mode = target.stat().st_mode & 0o777
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.touch(mode)
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(mode)
        fresh.replace(target)
    except OSError as error:
        raise ConfigError(f"This file cannot be written: {error.strerror}.", file=str(file)) from None
