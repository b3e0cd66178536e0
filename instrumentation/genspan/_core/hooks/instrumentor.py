"""What every instrumentor shares; one for an SDK is a class with a table."""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar

import wrapt
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from genspan._core.config import read_settings
from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from genspan._core.config import Settings
    from genspan._core.emit.telemetry import Telemetry
    from genspan._core.hooks.patches import Bindings, Patch, Replacement
    from genspan._core.supported_sdks import Sdk

_logger = logging.getLogger("genspan")

_lock = RLock()


class ProviderInstrumentor(BaseInstrumentor):
    """Traces the model calls of one SDK, in code or by ``opentelemetry-instrument``.

    ``instrument(tracer_provider=None, meter_provider=None, logger_provider=None)``: providers that are not given are
    the global ones, also where the program sets them later. Imports no SDK. ``uninstrument()`` puts everything back.
    """

    sdk: ClassVar[Sdk]
    """What is traced. Hooks are imported when the SDK is: a process without it pays for one import hook."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._instance = None  # BaseInstrumentor keeps one instance per class, which subclasses would inherit
        cls._bindings = None
        cls._telemetry = None
        cls._settings = None

    _bindings: Bindings | None = None
    _telemetry: Telemetry | None = None
    _settings: Settings | None = None
    """``None`` while tracing is off."""
    _providers: dict[str, Any] | None = None
    tracer_provider: TracerProvider | None = None
    """The one that was given to ``instrument``; ``None`` is the global one."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK and its versions, as OpenTelemetry asks for them."""
        return (self.sdk.requirement,)

    def instrument(self, **kwargs: Any) -> None:
        """Begin to trace; a second call changes nothing."""
        # The loader of opentelemetry-instrument has checked only the distribution, which has several SDKs in it.
        if kwargs.pop("skip_dep_check", False):
            kwargs["raise_exception_on_conflict"] = True
        with _lock:
            super().instrument(**kwargs)

    def uninstrument(self, **kwargs: Any) -> None:
        """Stop tracing and restore what was patched."""
        with _lock:
            super().uninstrument(**kwargs)

    def adopt(self, settings: Settings) -> None:
        """Record by other settings from now on, where tracing is on."""
        with _lock:
            if self._settings is not None:
                self._settings = settings
                if self._telemetry is not None:
                    self._telemetry.settings = settings

    def write_to(self, meter_provider: MeterProvider | None, logger_provider: LoggerProvider | None) -> None:
        """Record metrics and events elsewhere from now on, where tracing is on; ``None`` is the global provider."""
        with _lock:
            if self._providers is not None:
                self._providers.update(meter_provider=meter_provider, logger_provider=logger_provider)
                if self._telemetry is not None:
                    self._telemetry.write_to(meter_provider, logger_provider)

    def _instrument(self, **kwargs: Any) -> None:
        self.tracer_provider = kwargs.get("tracer_provider")
        providers = {name: kwargs.get(name) for name in ("tracer_provider", "meter_provider", "logger_provider")}
        self._settings = kwargs.get("settings") or read_settings()
        self._providers = providers

        def begin(_: object) -> None:
            with _lock:
                if self._providers is providers:  # an import hook cannot be taken back
                    self._begin(providers)

        if self.sdk.package in sys.modules:
            begin(None)
        else:
            wrapt.register_post_import_hook(begin, self.sdk.package)

    def _begin(self, providers: dict[str, Any]) -> None:
        from genspan._core.emit.telemetry import Telemetry
        from genspan._core.hooks.patches import Bindings

        with Guard("instrumenting an SDK"):  # it may run in the program's import of the SDK
            if _logger.isEnabledFor(logging.DEBUG) and (installed := self.sdk.untested()) is not None:
                newest = self.sdk.tested[-1]
                _logger.debug("%s %s is newer than %s, the newest tested", self.sdk.distribution, installed, newest)
        with Guard("instrumenting an SDK"):
            self._telemetry = Telemetry(type(self).__module__, self._settings or read_settings(), **providers)
            self._bindings = Bindings(self._patch_points(), self._telemetry)
            self._bindings.install()

    @abstractmethod
    def _patch_points(self) -> Sequence[Patch | Replacement]:
        """The patches; where they depend on settings, they are read now."""

    def _uninstrument(self, **kwargs: Any) -> None:
        self._settings = self._telemetry = self._providers = None
        if self._bindings is not None:
            self._bindings.remove()
            self._bindings = None
