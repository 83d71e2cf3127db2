"""`python -m fakes PORT` (with `tests` on the path): the fake alone, until it is interrupted."""

from __future__ import annotations

import sys

from aiohttp import web

from fakes.server import Journal, application

web.run_app(application(Journal()), host="127.0.0.1", port=int(sys.argv[1]), print=None)
