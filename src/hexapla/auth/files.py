"""Files that hold secrets: replaced whole or not at all, for their owner's eyes only, one writer at a time.

A lock is a file beside the one that it guards (`x.json` -> `x.lock`, as the Kimi CLI has it too) under flock: whoever is
killed lets go of it, and what a killed writer left behind is overwritten by the next one.

Rules of this file: errors of the file system are told as ConfigError, with the path and never the content.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from hexapla.catalog.expand import expand
from hexapla.errors import ConfigError, Kind, UpstreamError

MOST = 1024 * 1024  # bytes of a credential file
TURN = 0.02  # seconds between two looks at a lock that another process holds
PATIENCE = 60.0


def state_folder(environment: Mapping[str, str]) -> str:
    """Where our own logins are kept: `$XDG_STATE_HOME/hexapla/credentials`; "" where nobody has a home."""
    base = environment.get("XDG_STATE_HOME", "")
    home = environment.get("HOME", "")
    if not Path(base).is_absolute():
        base = f"{home}/.local/state" if home else ""
    return f"{base}/hexapla/credentials" if base else ""


def located(path: str, environment: Mapping[str, str]) -> str:
    """A path with its variables and `~` replaced; "" where it cannot be told."""
    path = expand(path, environment)
    if path.startswith("~/"):
        home = environment.get("HOME", "")
        return home + path[1:] if home else ""
    return "" if "${" in path else path


def there(path: str) -> bool:
    """Whether there is such a file, as far as we may see."""
    try:
        return bool(path) and Path(path).is_file()
    except OSError:  # a folder that is closed to us
        return False


def read(path: str) -> bytes | None:
    """The file's content, or None."""
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST)
    except OSError:
        return None


def write(path: str, data: bytes) -> None:
    """Replace the file by `data`.  Synchronous on purpose: no cancellation may come between an answer and its record."""
    target = _real(Path(path))
    beside = target.with_name(f".{target.name}.new")
    try:
        _folder(target.parent)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        beside.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}.", file=path) from None


def delete(path: str) -> None:
    """Remove the file, if it is there."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be removed: {error.strerror or error}.", file=path) from None


class Held:
    """A lock that this process holds."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        os.close(self._descriptor)


async def lock(path: str) -> Held:
    """Wait for the lock of the file `path`.  Raises UpstreamError when another process keeps it for too long."""
    guard = Path(path).with_suffix(".lock")
    try:
        _folder(guard.parent)
        descriptor = os.open(guard, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{guard} cannot be locked: {error.strerror or error}.", file=str(guard)) from None
    try:
        async with asyncio.timeout(PATIENCE):
            while not _taken(descriptor):  # noqa: ASYNC110 - another process tells no event
                await asyncio.sleep(TURN)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, TimeoutError):
            raise UpstreamError(Kind.TIMEOUT, f"Another process keeps {guard} locked.") from None
        raise
    return Held(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folder(folder: Path) -> None:
    """Make the folder, closed to others; one that is there already stays as it is."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _real(target: Path) -> Path:
    """A link stays a link: what it points to is replaced."""
    return target.resolve() if target.is_symlink() else target


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
