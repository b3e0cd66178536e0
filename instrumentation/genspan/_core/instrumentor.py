"""What every instrumentor shares; one for an SDK is a class with a table."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from genspan._core.binding import Bindings
from genspan._core.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from opentelemetry.trace import TracerProvider

    from genspan._core.binding import Patch, Replacement

_lock = RLock()


class Routes(Protocol):
    """Which request of an SDK leads where."""

    def patches(self) -> Sequence[Patch | Replacement]: ...


class ProviderInstrumentor(BaseInstrumentor):
    """Traces the model calls of one SDK, in code or by ``opentelemetry-instrument``.

    ``instrument(tracer_provider=None, meter_provider=None, logger_provider=None)``: providers that are not given are
    the global ones, also where the program sets them later. Imports no SDK. ``uninstrument()`` puts everything back.
    """

    dependencies: ClassVar[Sequence[str]]
    """The SDK's distribution and the versions that were tested, as in a requirements file."""
    patches: ClassVar[Sequence[Patch | Replacement]]
    routes: ClassVar[type[Routes] | None] = None
    """What makes the patches, in place of them, where they depend on settings."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._instance = None  # BaseInstrumentor keeps one instance per class, which subclasses would inherit
        cls._bindings = None

    _bindings: Bindings | None = None
    tracer_provider: TracerProvider | None = None
    """The one that was given to ``instrument``; ``None`` is the global one."""

    def instrumentation_dependencies(self) -> Collection[str]:
        """The SDK and its versions, as OpenTelemetry asks for them."""
        return self.dependencies

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

    def _instrument(self, **kwargs: Any) -> None:
        self.tracer_provider = kwargs.get("tracer_provider")
        providers = {name: kwargs.get(name) for name in ("tracer_provider", "meter_provider", "logger_provider")}
        self._bindings = Bindings(self._patch_points(), Telemetry(type(self).__module__, **providers))
        self._bindings.install()

    def _patch_points(self) -> Sequence[Patch | Replacement]:
        """The patches; where they depend on settings, they are read now."""
        return self.patches if self.routes is None else self.routes().patches()

    def _uninstrument(self, **kwargs: Any) -> None:
        if self._bindings is not None:
            self._bindings.remove()
            self._bindings = None
