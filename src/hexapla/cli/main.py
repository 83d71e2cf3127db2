"""`hexapla`: parse, load the command's module, run it, turn errors into one line and an exit code.

Exit codes: 0 done, 1 the request or the gateway failed, 2 the command line or the configuration is wrong, 130
interrupted.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

from hexapla.cli.parser import build_parser, own_part
from hexapla.cli.words import Say, language
from hexapla.errors import ConfigError, HexaplaError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    say = Say(language(os.environ))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a character that is said shows a question mark
    try:
        code = _run(sys.argv[1:] if argv is None else argv, say)
        sys.stdout.flush()
    except HexaplaError as error:
        print(f"hexapla: {say('error')}: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        print(f"\n{say('stopped')}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of our output is gone (`hexapla models | head`): nothing more to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _run(argv: Sequence[str], say: Say) -> int:
    parser = build_parser(say)
    if not argv:
        parser.print_help()
        return 0
    own, rest = own_part(argv)
    arguments = parser.parse_args(own)
    arguments.rest = rest
    # the one deliberate late import: a command brings the engine with it, and `--help` must not wait for that
    command = importlib.import_module(f"hexapla.cli.commands.{arguments.command}")
    code: int = command.run(arguments, say)
    return code
