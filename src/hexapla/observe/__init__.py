"""What operators see: metrics for machines, one line a request for people and pipelines.

Both are fed from the finished Generation alone, so that nothing can be counted that the ledger does not know, and no
content or credential can leak into either.  This floor stands right of the ledger and left of the engine.
"""

from __future__ import annotations
