"""Every word that the command line says, in English and Chinese.

The language follows $HEXAPLA_LANG, else $LC_ALL, $LC_MESSAGES, $LANG.  What errors say stands in hexapla/chinese.py, since
the server says it as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from hexapla.chinese import in_chinese
from hexapla.cli.words.columns import COLUMNS
from hexapla.cli.words.complaints import complaint
from hexapla.cli.words.helps import HELPS
from hexapla.cli.words.said import SAID

Language = str

WORDS: dict[str, tuple[str, str]] = {**HELPS, **COLUMNS, **SAID}
"""Key -> English, Chinese."""


def language(environment: Mapping[str, str]) -> Language:
    """`zh` or `en`."""
    for name in ("HEXAPLA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


class Say:
    """Looks words up in one language."""

    def __init__(self, chosen: Language) -> None:
        self.language = chosen
        self._chinese = chosen == "zh"

    def __call__(self, key: str, **values: object) -> str:
        text = WORDS[key][self._chinese]
        return text.format(**values) if values else text

    def complaint(self, message: str) -> str:
        """argparse's complaint about a command line."""
        return complaint(message) if self._chinese else message

    def sentence(self, text: str) -> str:
        """A sentence that is made where nobody knows of languages: a reason, a remedy."""
        return in_chinese(text) if self._chinese else text

    def error(self, error: Exception) -> str:
        """An error.  Its place (file, line, key) stands before what it says."""
        place, message, more = str(error).rpartition(getattr(error, "message", "") or str(error))
        return place + self.sentence(message + more)
