"""Spans of processes that end without running ``atexit`` functions, where the SDK sends what it still holds.

Four such ends are common: SIGTERM with its default action, a child of ``multiprocessing``, a worker of Celery's
prefork pool, and uvicorn (also under gunicorn), which ends by the signal that stopped it. A bare ``os._exit`` or
SIGKILL leaves nobody to send anything: up to OTEL_BSP_SCHEDULE_DELAY is lost.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

import wrapt

from genspan._setup.flush import flush_all

if TYPE_CHECKING:
    from types import FrameType

_installed: list[bool] = []
LIMIT_SECONDS: Final = 5.0
"""Less than the ten seconds that ``docker stop`` waits before it kills."""


def install() -> None:
    """Flushes before each of these ends. Modules are not imported for it."""
    _catch_sigterm()
    if _installed:
        return
    _installed.append(True)
    wrapt.register_post_import_hook(_watch_children, "multiprocessing.util")
    wrapt.register_post_import_hook(_watch_celery, "celery.signals")
    wrapt.register_post_import_hook(_watch_uvicorn, "uvicorn.server")


def _catch_sigterm() -> None:
    """Only where nobody handles it. A program that sets a handler of its own later replaces ours."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second SIGTERM ends the process at once
    flush_all(LIMIT_SECONDS)
    os.kill(os.getpid(), number)  # the default action, so that the exit status is the one without us
    _catch_sigterm()  # reached by process 1 of a container only, which the default action does not end


def _watch_children(util: Any) -> None:
    def at_start(_: object) -> None:
        # After everything of the program's own (Queue's has -5), and after the child has waited for its children.
        util.Finalize(None, flush_all, args=(LIMIT_SECONDS,), exitpriority=-100)

    util.register_after_fork(_watch_children, at_start)


def _watch_celery(signals: Any) -> None:
    def at_end(**_: object) -> None:
        flush_all(LIMIT_SECONDS)

    signals.worker_process_shutdown.connect(at_end, weak=False)


def _watch_uvicorn(server: Any) -> None:
    async def shut_down(wrapped: Any, _: object, args: Any, kwargs: Any) -> None:
        await wrapped(*args, **kwargs)
        flush_all(LIMIT_SECONDS)  # nothing is served any more: who waits is the process's end alone

    wrapt.wrap_function_wrapper(server, "Server.shutdown", shut_down)
