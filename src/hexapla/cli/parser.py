"""The command line's grammar, built from one table.

argparse and nothing else is imported here: `hexapla --help` has to be instant (docs/decisions).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

from hexapla.cli.words import Say

VERSION = "0.1.0"


class Option(NamedTuple):
    """One argument: its flags, the key of its help, and what argparse wants to know.

    alone  of a command's options that say so only one can be given
    """

    flags: tuple[str, ...]
    word: str
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed
    alone: bool = False


def _number(kind: Callable[[str], float], least: int) -> Callable[[str], float]:
    """What argparse makes of a word that must be a number, and not less than `least`."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value < math.inf:
            raise argparse.ArgumentTypeError(f"must be {least} or more, not {text}")
        return value

    return number


def _web_address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"must begin with http:// or https://, not {text}")
    return text


_COUNT: dict[str, Any] = {"type": _number(int, 1)}
_AMOUNT: dict[str, Any] = {"type": _number(float, 0)}

_CONFIG = Option(("--config",), "config-file", {"metavar": "FILE"})
_JSON = Option(("--json",), "json", {"action": "store_true"})
_MODEL = Option(("-m", "--model"), "model", {})
_TOOL = Option(("tool",), "tool", {"choices": ["claude", "codex", "gemini", "opencode", "aider"]})
_PROFILE = Option(("--profile",), "profile", {"default": ""})  # no -p: programs have one of their own
_URL = Option(("--url",), "url", {"type": _web_address, "default": ""})

_FILTER = Option(("filter",), "filter", {"nargs": "?", "default": ""})
KINDS = ["chat", "embedding", "image", "video", "speech", "transcription", "rerank", "moderation"]
PROTOCOLS = ["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate"]

COMMANDS: dict[str, tuple[Option, ...]] = {
    "serve": (
        _CONFIG,
        Option(("--host",), "host", {"default": None}),
        Option(("--port",), "port", {"type": int, "default": None}),
        _JSON,
    ),
    "chat": (
        Option(("prompt",), "prompt", {"nargs": "*"}),
        _MODEL,
        Option(("-s", "--system"), "system"),
        Option(("-i", "--image"), "image"),
        Option(("-f", "--fallback"), "fallback", {"action": "append", "default": []}),
        Option(("-r", "--reasoning"), "reasoning", {"choices": ["none", "low", "medium", "high"]}),
        Option(("--max-tokens",), "max-tokens", _COUNT),
        Option(("--temperature",), "temperature", _AMOUNT),
        _CONFIG,
        _JSON,
    ),
    "models": (
        _FILTER,
        Option(("-p", "--provider"), "at-provider", {"action": "append", "default": []}),
        Option(("-k", "--kind"), "of-kind", {"choices": KINDS, "action": "append"}),
        Option(("-c", "--can"), "able", {"action": "append", "default": []}),
        Option(("--context",), "least-context", {**_COUNT, "metavar": "TOKENS"}),
        Option(("--max-price",), "most-price", {**_AMOUNT, "metavar": "AMOUNT"}),
        Option(("--currency",), "in-currency", {"choices": ["usd", "cny"]}),
        Option(("--free",), "only-free", {"action": "store_true"}),
        Option(("--sort",), "sort", {"choices": ["name", "price", "context", "newest"], "default": "name"}),
        Option(("-a", "--all"), "all-providers", {"action": "store_true"}),
        Option(("--old",), "old-models", {"action": "store_true"}),
        _CONFIG,
        _JSON,
    ),
    "providers": (
        _FILTER,
        Option(("--protocol",), "by-protocol", {"choices": PROTOCOLS}),
        Option(("--ready",), "only-ready", {"action": "store_true"}),
        _CONFIG,
        _JSON,
    ),
    "catalog": (
        Option(("action",), "catalog-action", {"nargs": "?", "choices": ["status", "update"], "default": "status"}),
        Option(("--check",), "catalog-check", {"action": "store_true"}),
        Option(("--from",), "catalog-from", {"dest": "files", "nargs": "+", "metavar": "FILE"}),
        Option(("--large",), "catalog-large", {"action": "store_true"}),
        _CONFIG,
        _JSON,
    ),
    "explain": (
        Option(("file",), "file"),
        Option(("--dialect",), "dialect", {"choices": PROTOCOLS}),
        _MODEL,
        _PROFILE,
        _CONFIG,
        _JSON,
    ),
    "profiles": (_FILTER, _CONFIG, _JSON),
    "run": (_TOOL, _PROFILE, _MODEL, _URL, _CONFIG, Option(("--json",), "run-json", {"action": "store_true"})),
    "connect": (
        _TOOL,
        _PROFILE,
        _MODEL,
        _URL,
        Option(("--write",), "write", {"action": "store_true"}, alone=True),
        Option(("--undo",), "undo", {"action": "store_true"}, alone=True),
        Option(("--wait",), "wait", {**_AMOUNT, "nargs": "?", "const": 300.0, "metavar": "SECONDS"}),
        _CONFIG,
        _JSON,
    ),
    "usage": (
        Option(("--by",), "by", {"choices": ["day", "model", "provider", "key"], "default": "day"}),
        Option(("--days",), "days", {**_AMOUNT, "default": 30.0}),
        Option(("--recent",), "recent", {**_COUNT, "metavar": "N", "default": 0}),
        _CONFIG,
        _JSON,
    ),
    "login": (
        Option(("provider",), "login-provider", {"metavar": "PROVIDER"}),
        Option(("--headless",), "headless", {"action": "store_true"}),
        Option(("--enterprise-url",), "enterprise-url", {"metavar": "URL", "default": ""}),
        _CONFIG,
        Option(("--json",), "login-json", {"action": "store_true"}),
    ),
    "logout": (Option(("provider",), "login-provider", {"metavar": "PROVIDER"}), _CONFIG, _JSON),
    "auth": (
        Option(("action",), "auth-action", {"choices": ["status"]}),
        Option(("--offline",), "auth-offline", {"action": "store_true"}),
        _CONFIG,
        _JSON,
    ),
    "doctor": (
        Option(("provider",), "doctor-provider", {"nargs": "*", "metavar": "PROVIDER"}),
        Option(("-m", "--model"), "doctor-model", {"default": ""}),
        Option(("--offline",), "offline", {"action": "store_true"}),
        _CONFIG,
        _JSON,
    ),
    "import": (
        Option(("file",), "import-file", {"metavar": "FILE"}),
        Option(("--from",), "import-from", {"dest": "origin", "choices": ["claudex", "ccr", "litellm"]}),
        Option(("--write",), "import-write", {"metavar": "PATH"}),
        Option(("--keep-secrets",), "keep-secrets", {"action": "store_true"}),
        _JSON,
    ),
    "config": (
        Option(("action",), "config-action", {"choices": ["check", "show", "path"]}),
        _CONFIG,
        _JSON,
    ),
}


def own_part(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """A command line before and after its first `--`: the rest is for the program that `run` starts, to the letter."""
    words = list(argv)
    at = words.index("--") if words[:1] == ["run"] and "--" in words else len(words)
    return words[:at], words[at + 1 :]


def build_parser(say: Say, argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The grammar, with help in the language of `say`: the whole of it, or what is needed to understand `argv`, which
    takes argparse a third of the time."""
    wanted = set(COMMANDS if argv is None else argv)
    parser = _Parser(say, prog="hexapla", description=say("about"))
    parser.add_argument("--version", action="version", version=f"hexapla {VERSION}", help=say("version"))
    making = partial(_Parser, say)
    commands = parser.add_subparsers(  # type: ignore[call-overload]  # any callable that makes a parser will do
        dest="command", metavar=say("commands"), parser_class=making
    )
    for name, options in COMMANDS.items():
        command = commands.add_parser(name, help=say(name), description=say(name))
        if name not in wanted:
            continue
        alone = command.add_mutually_exclusive_group() if any(option.alone for option in options) else command
        for option in options:
            group = alone if option.alone else command
            group.add_argument(*option.flags, help=say(option.word), **option.settings)
        _translate(command, say)
    _translate(parser, say)
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse, whose complaints are in the language of `say`."""

    def __init__(self, say: Say, **settings: Any) -> None:
        super().__init__(formatter_class=partial(_Formatter, say), **settings)
        self._say = say

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {self._say('error')}: {self._say.complaint(message)}\n")


class _Formatter(argparse.HelpFormatter):
    def __init__(self, say: Say, prog: str) -> None:
        super().__init__(prog)
        self._say = say

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, self._say("usage-line") if prefix is None else prefix)


def _translate(parser: argparse.ArgumentParser, say: Say) -> None:
    """argparse's own words; it has no other place for them (docs.python.org/3/library/argparse.html, 3.14)."""
    parser._positionals.title = say("arguments")
    parser._optionals.title = say("options")
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            action.help = say("help")
