"""Group commit: nobody is told before the sync that covers him, and one sync serves many."""

from __future__ import annotations

import asyncio
import threading
import time

from hexapla.ledger.commit import GroupCommit


class Disk:
    """Counts syncs; each covers what was written before it began."""

    def __init__(self, error: OSError | None = None) -> None:
        self.written = 0
        self.durable = 0
        self.syncs = 0
        self.error = error

    def sync(self) -> OSError | None:
        covered = self.written
        time.sleep(0.005)
        self.durable = covered
        self.syncs += 1
        return self.error


def test_everybody_waits_for_a_sync_that_covers_him() -> None:
    """A hundred waiters over time, each durable when told, with far fewer syncs than waiters."""
    disk = Disk()
    commit = GroupCommit(disk.sync)

    async def write(number: int) -> None:
        await asyncio.sleep(number % 10 / 1000)
        disk.written += 1
        mine = disk.written
        assert await commit.wait() is None
        assert disk.durable >= mine

    async def main() -> None:
        await asyncio.gather(*(write(number) for number in range(100)))

    asyncio.run(main())
    commit.close()
    assert disk.syncs < 20


def test_a_failure_reaches_everybody() -> None:
    """Each waiter of a failed sync is given the error."""
    error = OSError(5, "Input/output error")
    commit = GroupCommit(Disk(error).sync)

    async def main() -> list[OSError | None]:
        return await asyncio.gather(*(commit.wait() for _ in range(3)))

    assert asyncio.run(main()) == [error] * 3
    commit.close()


def test_cancelled_waiters_and_closed_loops_are_nobodys_problem() -> None:
    """A waiter that gave up, and a loop that is gone, leave the next waiter unharmed."""
    disk = Disk()
    commit = GroupCommit(disk.sync)

    async def give_up() -> None:
        task = asyncio.ensure_future(commit.wait())
        await asyncio.sleep(0)
        task.cancel()

    async def wait() -> OSError | None:
        return await asyncio.wait_for(commit.wait(), 5)

    asyncio.run(give_up())
    assert asyncio.run(wait()) is None
    commit.close()


def test_waiting_after_close_syncs_at_once() -> None:
    """The last waiters of a shutdown are still told the truth."""
    disk = Disk()
    commit = GroupCommit(disk.sync)
    commit.close()
    assert asyncio.run(commit.wait()) is None
    assert disk.syncs == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "hexapla-ledger-commit"]
