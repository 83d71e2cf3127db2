"""Every fault of the fault matrix for real: sockets, TLS and names that misbehave, a running gateway, the official SDKs.

`PYTHONPATH=tests python -m mishaps.table` plays them all and writes docs/faults.md; test_matrix.py plays them as well, and
says what does not hold and when the page is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "routing"))  # whose scripts are played here over real sockets
