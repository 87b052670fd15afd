"""Ctrl-C during training: the step is finished first, so that networks and data order stay consistent."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_wait() -> Iterator[list[bool]]:
    """Record Ctrl-C in the yielded list; a second Ctrl-C raises KeyboardInterrupt at once."""
    interrupts: list[bool] = []

    def note(*_: object) -> None:
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(True)

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set a handler
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
