"""Where the spans go and as whom: MLflow's own environment variables, or arguments in their place."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from genspan.mlflow import program

if TYPE_CHECKING:
    from typing_extensions import Unpack

_logger = logging.getLogger("genspan.mlflow")

DEFAULT_SERVER: Final = "http://localhost:5000"
DEFAULT_DATABASE: Final = "sqlite:///mlflow.db"
_DEFAULT_FILES: Final = "./mlruns"
DEFAULT_TIMEOUT: Final = 30.0
_SQL: Final = ("sqlite", "postgresql", "mysql", "mssql")
_ACCEPTED: Final = (
    "http(s)://host:port for a tracking server, or sqlite:///, postgresql://, mysql://, mssql:// for a store"
)


class SettingsError(ValueError):
    """A setting with which no span can be shipped; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An MLflow tracking server, or an SQL store that the installed ``mlflow`` package writes."""

    uri: str = field(repr=False)
    """A server's address without credentials and trailing slash; a store's URI as ``mlflow`` takes it."""
    shown: str
    """The same for messages: without credentials."""
    is_server: bool = True
    experiment_name: str | None = None
    experiment_id: str | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    verify: bool | str = True
    """False: accept any certificate. A path: the certificate authorities to trust."""
    client_cert: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    """Seconds to wait for an answer."""

    @property
    def has_credentials(self) -> bool:
        return bool(self.token or self.username)


class Arguments(TypedDict, total=False):
    """The keyword arguments of ``MlflowSpanExporter``. Where one is absent or None, its variable is read."""

    experiment_name: str | None
    """``MLFLOW_EXPERIMENT_NAME``: looked up, and created where it is missing."""
    experiment_id: str | None
    """``MLFLOW_EXPERIMENT_ID``: the number of an experiment that exists. Default: the experiment "Default"."""
    token: str | None
    """``MLFLOW_TRACKING_TOKEN``: bearer token."""
    username: str | None
    """``MLFLOW_TRACKING_USERNAME``, with ``password``: basic authentication."""
    password: str | None
    """``MLFLOW_TRACKING_PASSWORD``."""
    insecure_tls: bool | None
    """``MLFLOW_TRACKING_INSECURE_TLS``: accept any certificate."""
    server_cert_path: str | None
    """``MLFLOW_TRACKING_SERVER_CERT_PATH``: file of the certificate authorities to trust."""
    client_cert_path: str | None
    """``MLFLOW_TRACKING_CLIENT_CERT_PATH``: file of a certificate with its key."""
    timeout: float | None
    """``MLFLOW_HTTP_REQUEST_TIMEOUT``: seconds to wait for an answer, default 30."""


def read_destination(tracking_uri: str | None = None, **arguments: Unpack[Arguments]) -> Destination:
    """The destination that arguments and, where they are absent, ``MLFLOW_*`` variables describe.

    Credentials inside the address belong to that address and win over the variables. Raises ``SettingsError``;
    ``TypeError`` for an argument that there is not.
    """
    unknown = arguments.keys() - Arguments.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    name, number = arguments.get("experiment_name"), arguments.get("experiment_id")
    if name is None and number is None:
        name, number = environ.get("MLFLOW_EXPERIMENT_NAME"), environ.get("MLFLOW_EXPERIMENT_ID")
        if name and number == program.experiment_id():
            number = None  # mlflow.set_experiment writes the variable too; what was there before counts
    _check_experiment(name, number)
    uri = tracking_uri or environ.get("MLFLOW_TRACKING_URI", "").strip() or default_uri()
    parts = _split(uri)
    if not parts.scheme.startswith("http"):
        return Destination(uri, _without_credentials(parts), False, name, number)
    token, username, password = arguments.get("token"), arguments.get("username"), arguments.get("password")
    if not (token or username):
        token, username, password = _credentials(parts)
    _check_token(token)
    address = _without_credentials(parts).rstrip("/")
    return Destination(
        uri=address,
        shown=address,
        experiment_name=name,
        experiment_id=number,
        username=username,
        password=password,
        token=token,
        verify=_verify(arguments.get("insecure_tls"), _path("SERVER", arguments.get("server_cert_path"))),
        client_cert=_path("CLIENT", arguments.get("client_cert_path")),
        timeout=arguments.get("timeout") or _seconds("MLFLOW_HTTP_REQUEST_TIMEOUT", DEFAULT_TIMEOUT),
    )


def default_uri() -> str:
    """Where MLflow is if nothing says so: what the installed ``mlflow`` writes to itself, else a server here.

    Since 3.7 that is a database in the working directory, or the folder of an earlier version if it holds anything
    (``mlflow.tracking._tracking_service.utils._get_default_tracking_uri``); before, a folder, which takes no spans.
    """
    try:
        installed = tuple(int(part) for part in version("mlflow").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        installed = ()
    if installed < (3, 7):
        return DEFAULT_SERVER
    used = any(path.parent.name.isdigit() for path in Path(_DEFAULT_FILES).glob("*/meta.yaml"))
    return _DEFAULT_FILES if used else DEFAULT_DATABASE


def _path(side: str, given: str | None) -> str | None:
    return given or environ.get(f"MLFLOW_TRACKING_{side}_CERT_PATH") or None


def _split(uri: str) -> SplitResult:
    """The parts of a URI of a kind that takes spans."""
    scheme = uri.partition(":")[0].lower() if ":" in uri else ""
    if scheme.startswith("databricks") or scheme == "uc" or uri == "databricks":
        raise SettingsError(
            "Databricks is no destination of the mlflow exporter; use OTEL_TRACES_EXPORTER=otlp with its own endpoint"
        )
    if scheme.partition("+")[0] not in ("http", "https", *_SQL):
        if "://" not in uri or scheme == "file":
            raise SettingsError(
                f"MLFLOW_TRACKING_URI={uri!r} is a file store, which takes no spans; use sqlite:///mlflow.db, "
                "or start `mlflow server` and use its address"
            )
        raise SettingsError(f"MLFLOW_TRACKING_URI has the unknown scheme {scheme!r}; accepted: {_ACCEPTED}")
    try:
        parts = urlsplit(uri)
        if scheme.startswith("http") and not (parts.hostname and parts.port != 0):
            raise ValueError
    except ValueError:
        raise SettingsError(f"MLFLOW_TRACKING_URI is no complete address; accepted: {_ACCEPTED}") from None
    return parts


def _without_credentials(parts: SplitResult) -> str:
    # sqlite:///relative.db has an empty netloc, which urlunsplit would swallow together with its slashes.
    if not parts.netloc:
        return f"{parts.scheme}://{parts.path}"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _credentials(parts: SplitResult) -> tuple[str | None, str | None, str | None]:
    if parts.username:
        return None, unquote(parts.username), unquote(parts.password or "")
    username, password = environ.get("MLFLOW_TRACKING_USERNAME"), environ.get("MLFLOW_TRACKING_PASSWORD")
    if username and password:
        return None, username, password
    return environ.get("MLFLOW_TRACKING_TOKEN", "").strip() or None, None, None


def _check_experiment(name: str | None, number: str | None) -> None:
    if number is not None and not (number.isascii() and number.isdecimal()):
        raise SettingsError(
            f"MLFLOW_EXPERIMENT_ID={number!r} is no experiment id; accepted: the number that MLflow shows in the "
            "experiment's address, or use MLFLOW_EXPERIMENT_NAME"
        )
    if name is not None and not name.strip():
        raise SettingsError("MLFLOW_EXPERIMENT_NAME is empty; accepted: a name, or leave it unset for 'Default'")


def _check_token(token: str | None) -> None:
    if token and not (token.isascii() and token.isprintable()):
        raise SettingsError("MLFLOW_TRACKING_TOKEN holds characters that no header can carry, such as line ends")


def _verify(insecure: bool | None, authorities: str | None) -> bool | str:
    if insecure is None:
        insecure = _switch("MLFLOW_TRACKING_INSECURE_TLS")
    if insecure and authorities:
        _logger.warning(
            "MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH exclude each other. "
            "Using: the certificate path."
        )
    return authorities or not insecure


def _switch(name: str) -> bool:
    value = environ.get(name, "").strip().lower()
    if value not in ("", "true", "1", "false", "0"):
        _logger.warning("%s=%r is not known; accepted: true, false, 1, 0. Using: false.", name, value)
    return value in ("true", "1")


def _seconds(name: str, default: float) -> float:
    value = environ.get(name, "").strip()
    try:
        seconds = float(value) if value else default
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        _logger.warning("%s=%r is not known; accepted: seconds above 0. Using: %g.", name, value, default)
        return default
    return seconds
