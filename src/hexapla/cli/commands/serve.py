"""`hexapla serve`: run the gateway until a signal ends it."""

from __future__ import annotations

import argparse
import json

from hexapla.cli.words import Say
from hexapla.config import load_config
from hexapla.server.run import serve


def run(arguments: argparse.Namespace, say: Say) -> int:
    loaded = load_config(arguments.config)

    def announce(url: str) -> None:
        print(json.dumps({"url": url}) if arguments.json else say("running", url=url), flush=True)

    serve(loaded, arguments.host, arguments.port, announce=announce)
    return 0
