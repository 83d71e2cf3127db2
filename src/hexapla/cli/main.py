"""`hexapla`: parse, load the command's module, run it, turn errors into one line and an exit code.

Exit codes: 0 done, also where a list has nothing in it (as `gh` and `kubectl get` have it), 1 the request or the gateway
failed, 2 the command line or the configuration is wrong, 130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType

from hexapla.cli.parser import build_parser, own_part
from hexapla.cli.words import Say, language
from hexapla.errors import ConfigError, HexaplaError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.  Without `argv` the process is ours."""
    say = Say(language(os.environ))
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a character that is said shows a question mark
    try:
        code = _run(sys.argv[1:], say, _load_for_good) if argv is None else _run(argv, say, importlib.import_module)
        sys.stdout.flush()
    except HexaplaError as error:
        print(f"hexapla: {say('error')}: {say.error(error)}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        print(f"\n{say('stopped')}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of our output is gone (`hexapla models | head`): nothing more to say, and nobody to say it to
        _say_no_more()
        return 0
    except OSError as error:
        # a full disk, most likely: commands tell themselves of files that they cannot read
        _say_no_more()
        print(f"hexapla: {say('error')}: {say.error(error)}", file=sys.stderr)
        return 1
    return code


def _open_streams() -> None:
    """Give a process that was started without one of the three (`>&-`) an empty one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _say_no_more() -> None:
    """Let what is still buffered go nowhere, or the interpreter would complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: Sequence[str], say: Say, load: Callable[[str], ModuleType]) -> int:
    own, rest = own_part(argv)
    parser = build_parser(say, own)
    arguments = parser.parse_args(own)
    if arguments.command is None:  # not `required`: argparse would complain of that before it looked at the options
        parser.print_help()
        return 0
    arguments.rest = rest
    # late: a command brings the engine with it, and `--help` must not wait for that
    command = load(f"hexapla.cli.commands.{arguments.command}")
    code: int = command.run(arguments, say)
    return code


def _load_for_good(name: str) -> ModuleType:
    """A module and all that it needs, in a process of our own.

    It lives for ever, and the collector would walk through it again and again while it grows: 40 ms of a start.
    """
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()
