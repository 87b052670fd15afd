"""Ctrl-C during a training: the step is finished first, since a torn one leaves networks and data order at odds."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_wait() -> Iterator[list[bool]]:
    """Collects Ctrl-C in the list it gives; a second one raises KeyboardInterrupt at once."""
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
