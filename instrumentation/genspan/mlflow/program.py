"""What the program set in the ``mlflow`` package, full or ``mlflow-tracing``: its server, the experiment, the run.

The package is looked up among the imported modules and never imported. What is read is of MLflow 3; the names that are
private there stand for calls that have no public twin (``mlflow.active_run`` sees the own thread's run only).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from genspan._core.config import TRACKING_URI
from genspan._core.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS: Final = "mlflow.tracking._tracking_service.utils"
_FLUENT: Final = "mlflow.tracking.fluent"


def variables() -> Mapping[str, str]:
    """The address as the variable that stands for it, where the program named an address, an experiment or a run.

    Where it named no address this is MLflow's own default, a database or a folder of files.
    """
    module: Any = sys.modules.get(_ADDRESS)
    with Guard("reading what the program set in mlflow"):
        if module is not None and (module.is_tracking_uri_set() or experiment_id() is not None):
            return {TRACKING_URI: str(module.get_tracking_uri())}
    return {}


def experiment_id() -> str | None:
    """The experiment of the run that is active, else the one that ``mlflow.set_experiment`` named."""
    run = _run()
    return (
        run.info.experiment_id if run is not None else getattr(sys.modules.get(_FLUENT), "_active_experiment_id", None)
    )


def run_id() -> str | None:
    """The run that is active, in whichever thread it was started last: MLflow links a trace to that one."""
    run = _run()
    return run.info.run_id if run is not None else None


def _run() -> Any:
    fluent: Any = sys.modules.get(_FLUENT)
    with Guard("reading what the program set in mlflow"):
        if fluent is not None:
            return fluent._get_latest_active_run()
    return None
