"""Work on a question beside its caller: events out, the time limit kept, stopped when left.

The work runs in a thread or a task of its own and puts events into a channel. The caller
reads them from a generator, which waits no longer than the question's time allows, even
if a single model call hangs. A caller who closes the generator, or whose task is
cancelled, stops the work.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from reelgraph.agent.budget import Meter, Stopped
from reelgraph.agent.events import Event

__all__ = ["Emit", "events_from_task", "events_from_thread"]

Emit: TypeAlias = Callable[[Event], None]
"""Takes an event; raises `Stopped` if nobody reads events any more. Safe in any thread."""


@dataclass(frozen=True)
class _End:
    """The work is over, with an error or without."""

    error: BaseException | None = None


def events_from_thread(work: Callable[[Emit], None], meter: Meter) -> Iterator[Event]:
    """Yield the events of work that runs in a thread of its own.

    A provider's client cannot be interrupted in a blocking call. When the time is up or
    the caller leaves, the thread is left behind: its answer is dropped, and it begins no
    further call.

    Raises:
        BudgetExceeded: If the time is up before the work is done.
    """
    items: queue.SimpleQueue[Event | _End] = queue.SimpleQueue()

    def emit(event: Event) -> None:
        meter.check()
        items.put(event)

    def run() -> None:
        try:
            work(emit)
        except Stopped:
            items.put(_End())
        except BaseException as error:  # noqa: BLE001 - raised again where the caller is
            items.put(_End(error))
        else:
            items.put(_End())

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), daemon=True, name="reelgraph-ask").start()
    try:
        while not isinstance(item := _next(items, meter), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        meter.stop()


def _next(items: queue.SimpleQueue[Event | _End], meter: Meter) -> Event | _End:
    while True:
        try:
            return items.get(timeout=meter.remaining_s())
        except queue.Empty:
            if meter.remaining_s() == 0.0:
                raise meter.out_of_time() from None


async def events_from_task(
    work: Callable[[Emit], Awaitable[None]], meter: Meter
) -> AsyncGenerator[Event, None]:
    """Yield the events of work that runs in a task of its own.

    When the time is up or the caller is cancelled, the task is cancelled, and with it
    the request to the provider.

    Raises:
        BudgetExceeded: If the time is up before the work is done.
    """
    loop = asyncio.get_running_loop()
    items: asyncio.Queue[Event | _End] = asyncio.Queue()

    def emit(event: Event) -> None:
        meter.check()
        loop.call_soon_threadsafe(items.put_nowait, event)

    async def run() -> None:
        error: BaseException | None = None
        try:
            await work(emit)
        except Stopped:
            pass
        except Exception as raised:  # noqa: BLE001 - raised again where the caller is
            error = raised
        loop.call_soon_threadsafe(items.put_nowait, _End(error))

    task = asyncio.create_task(run())
    try:
        while not isinstance(item := await _anext(items, meter), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        meter.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        # LangChain reports the end of a cancelled call from a task of its own.
        await asyncio.sleep(0)


async def _anext(items: asyncio.Queue[Event | _End], meter: Meter) -> Event | _End:
    while True:
        try:
            return await asyncio.wait_for(items.get(), meter.remaining_s())
        except TimeoutError:
            if meter.remaining_s() == 0.0:
                raise meter.out_of_time() from None
