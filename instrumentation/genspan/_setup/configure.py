"""``genspan.configure()``: in code what ``opentelemetry-instrument`` does for a program that is left as it is.

(Not ``genspan/configure.py``: a submodule of that name would take the function's place in the package.)
"""

from __future__ import annotations

import logging
from collections import ChainMap
from os import environ
from threading import RLock, Thread
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from genspan import control
from genspan._core.config import in_code, names_destination, read_settings, sdk_disabled
from genspan._setup import exporting, process_end, providers
from genspan._setup.arguments import Arguments
from genspan._setup.flush import flush_all, within
from genspan._setup.outlet import Outlet
from genspan.mlflow import program

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.sdk.trace import SpanProcessor

    from genspan._core.hooks.instrumentor import ProviderInstrumentor

_logger = logging.getLogger("genspan")
_lock = RLock()
_RETIRE_SECONDS: Final = 5.0


class Setup:
    """What ``configure`` has set up, one for a process."""

    def __init__(self) -> None:
        self._arguments: Arguments | None = None
        self._outlet = Outlet()
        self._spare: list[Outlet] = []
        self._provider: Any = None
        self._is_own = False
        self._meters: Any = None
        self._logs: Any = None
        self._other_signals: object = None
        self._switched: list[ProviderInstrumentor] = []
        self._chosen = False

    def flush(self, timeout: float = 30.0) -> bool:
        """Send what has ended by now: spans, metrics and logs. False if that took longer than ``timeout`` seconds."""
        return flush_all(timeout)

    def shutdown(self, timeout: float = 30.0) -> bool:
        """Send what is pending, stop tracing, and stop the threads that send.

        False if that took longer than ``timeout`` seconds. A later ``configure`` sets everything up again.
        """
        with _lock:
            for instrumentor in self._switched:
                instrumentor.uninstrument()
            self._switched = []
            retired = [*self._take(()), *providers.end((self._meters, self._logs))]
            self._arguments = self._meters = self._logs = self._other_signals = None
        return within(timeout, *(one.shutdown for one in retired))

    def apply(self, arguments: Arguments) -> list[Any]:
        """Set up by these arguments, once; the processors and providers that are no longer used are returned."""
        if arguments == self._arguments or (self._arguments is not None and arguments == Arguments()):
            return []
        if not self._attached(arguments):
            return []
        process_end.install()
        self._chosen = False
        self._outlet.before_span = None
        first, self._arguments = self._arguments is None, arguments
        if first and self._outlet.processors and arguments == Arguments():
            self._switch_on(None)  # opentelemetry-instrument has done it by the same rules
            return []
        view = self._view()
        if names_destination(view):
            return self._open(view)
        self._outlet.before_span = self._choose  # lines of the program that come later may name one
        self._switch_on(view)
        return self._take(())

    def _attached(self, arguments: Arguments) -> bool:
        """Have a tracer provider, with an outlet of ours on it."""
        provider, made = providers.tracer_provider(arguments.service_name)
        name = arguments.service_name
        if name is not None and name != providers.service_name(provider):
            if self._is_own:
                raise ValueError(
                    f"genspan.configure: service_name is part of the tracer provider, which exists: it stays "
                    f"{providers.service_name(provider)!r} while the process runs"
                )
            _logger.warning("The program has a tracer provider with a resource of its own; service_name is not used.")
        if provider is self._provider:
            return True
        if not hasattr(provider, "add_span_processor"):
            _logger.error(
                "genspan.configure: the global tracer provider (%s) is not one of OpenTelemetry's SDK and takes no "
                "exporter; nothing is set up.",
                type(provider).__qualname__,
            )
            return False
        outlets = exporting.outlets(provider)
        if not outlets:
            provider.add_span_processor(self._outlet)
        else:
            self._outlet, *self._spare = outlets
        self._provider, self._is_own = provider, made
        return True

    def _view(self) -> ChainMap[str, str]:
        """The arguments over the environment over what the program set in mlflow; what is blank counts as unset."""
        env = {name: value for name, value in environ.items() if value.strip()}
        assert self._arguments is not None
        return ChainMap(self._arguments.variables(env), env, dict(program.variables()))

    def _choose(self) -> None:
        """At the start of a span, while nothing names a destination: has that changed? If not, take the default."""
        if self._chosen and not program.variables():
            return
        if not _lock.acquire(blocking=False):
            return  # another thread is at it
        try:
            if self._arguments is None or self._outlet.before_span is None:
                return
            view = self._view()
            if names_destination(view):
                self._outlet.before_span = None
            elif self._chosen:
                return
            else:
                view = ChainMap(*view.maps, self._arguments.default(self._is_own))
            self._chosen = True
            retired = self._open(view)
        finally:
            _lock.release()
        _retire(retired)

    def _open(self, view: ChainMap[str, str]) -> list[Any]:
        """Let spans, metrics and logs go where the variables say."""
        assert self._arguments is not None
        view = ChainMap(*view.maps, self._arguments.address())
        retired: list[Any] = self._take(self._processors(view))
        retired += self._open_other_signals(view)
        self._switch_on(view)
        return retired

    def _take(self, processors: Iterable[SpanProcessor]) -> list[SpanProcessor]:
        """Put processors behind the outlet; those that were there are returned."""
        outlets = [self._outlet, *self._spare]
        before = [processor for outlet in outlets for processor in outlet.processors]
        self._outlet.processors = tuple(processors)
        for outlet in self._spare:
            outlet.processors = ()
        for processor in before:
            in_code.discard(getattr(processor, "span_exporter", None))
        return before

    def _processors(self, view: Mapping[str, str]) -> list[SpanProcessor]:
        arguments, found = self._arguments, list[Any]()
        assert arguments is not None
        present = exporting.present(self._provider)
        given = arguments.of_exporters(view)
        for exporter in exporting.made("traces", view, given):
            if exporting.is_there(exporter, present, named_in_code=arguments.endpoint is not None):
                _logger.debug("The program's tracer provider has %s already", type(exporter).__qualname__)
                exporter.shutdown()
            else:
                found.append(exporting.span_processor(exporter, view, any_experiment=arguments.experiment is None))
        if arguments.console:
            from genspan._setup.console import ConsoleLines

            found.append(SimpleSpanProcessor(ConsoleLines()))
        return found

    def _open_other_signals(self, view: Mapping[str, str]) -> list[Any]:
        """Providers of metrics and logs, where the program has none; others where they go elsewhere than before."""
        assert self._arguments is not None
        given = self._arguments.of_exporters(view)
        wanted = [exporting.names(signal, view) for signal in ("metrics", "logs")], given.get("otlp")
        if wanted == self._other_signals:
            return []
        self._other_signals = wanted
        retired = providers.end((self._meters, self._logs))
        self._meters = self._logs = None
        resource = getattr(self._provider, "resource", None)
        if not providers.program_has_meters():
            self._meters = providers.meter_provider([*exporting.made("metrics", view, given)], resource)
        if not providers.program_has_logs():
            self._logs = providers.logger_provider([*exporting.made("logs", view, given)], resource)
        for instrumentor in self._switched:
            instrumentor.write_to(self._meters, self._logs)
        return retired

    def _switch_on(self, view: Mapping[str, str] | None) -> None:
        """Trace every SDK that is not traced yet; those that are record by these settings too."""
        settings = None if view is None else read_settings(view)
        self._switched += control.switch_on(settings, meter_provider=self._meters, logger_provider=self._logs)


_setup = Setup()


def configure(
    *,
    mlflow: str | None = None,
    experiment: str | None = None,
    endpoint: str | None = None,
    content: bool | None = None,
    service_name: str | None = None,
    console: bool = False,
) -> Setup:
    """Set up tracing: exporters, providers where the program has none, and every installed SDK, also if imported later.

    Does in code what ``opentelemetry-instrument`` does, by the same variables (``MLFLOW_*``, ``OTEL_*``,
    ``GENSPAN_*``). An argument wins over its variable; no variable is written. A tracer provider of the program stays
    and gets one processor more. Where nothing names a destination, ``mlflow.set_tracking_uri`` and
    ``mlflow.set_experiment`` do, before or after this call; where they do not either, it is OpenTelemetry's own,
    ``http://localhost:4318``.

    A second call changes nothing if it has the same arguments or none; otherwise spans go where the new ones say.

    Args:
        mlflow: address of an MLflow tracking server, ``http://localhost:5000``, or of its database.
        experiment: name of an experiment of MLflow; created if it is not there.
        endpoint: base address of an OTLP receiver, ``http://collector:4318``.
        content: whether prompts and answers are on spans. Default: where MLflow is a destination.
        service_name: ``service.name`` of everything that is sent.
        console: print a line for each call on the standard error stream.

    Raises:
        TypeError, ValueError: an argument that cannot be meant. What is wrong in the environment is logged.
    """
    arguments = Arguments(mlflow, experiment, endpoint, content, service_name, console)
    arguments.check()
    with _lock:
        retired = [] if sdk_disabled() else _setup.apply(arguments)
    for thread in _retire(retired):
        thread.join(_RETIRE_SECONDS)
    return _setup


def _retire(unused: Iterable[Any]) -> list[Thread]:
    """Shut down what is no longer used: it sends what it holds, which may take as long as its server does."""
    threads = [Thread(target=one.shutdown, name="genspan-shutdown", daemon=True) for one in unused]
    for thread in threads:
        thread.start()
    return threads
