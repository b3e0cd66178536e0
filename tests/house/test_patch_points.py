"""Every patch point is in the installed SDKs, but those that are known to be of other versions."""

from __future__ import annotations

import importlib
from importlib.metadata import version

import pytest
import wrapt

from genspan import AnthropicInstrumentor, GeminiInstrumentor, OpenAIInstrumentor
from genspan._core.hooks.patches import Patch, _has
from genspan.anthropic.tools import BEFORE_SPANS
from tests.support.patch_points import missing

# In a class or module that is there, but not in all of the tested versions.
NOT_IN_ALL = {
    "openai.resources.beta.realtime.realtime": {"RealtimeConnection.send_raw", "AsyncRealtimeConnection.send_raw"},
    "openai.resources.realtime.realtime": {"RealtimeConnection.send_raw", "AsyncRealtimeConnection.send_raw"},
    "anthropic._base_client": {"BaseClient._tracer"},  # its own tracing, from 1.10 on
    "anthropic.lib.tools._beta_runner": {"tool_use_span", "BaseToolRunner._start_tool_runner_span"},
    "anthropic.lib.tools._beta_session_runner": {"tool_use_span"},
    "google.genai._api_client": {"BaseApiClient._request_once", "BaseApiClient._async_request_once"},  # retries
    "google.genai.live": {"ws_connect"},  # named connect before 1.11
    "google.genai._extra_utils": {"get_function_response_parts_async", "invoke_function_from_dict_args_async"},
}
NEWEST_LACKS = {
    ("openai.resources.beta.realtime.realtime", name) for name in NOT_IN_ALL["openai.resources.beta.realtime.realtime"]
}
OF_1_AND_2 = "google.genai._interactions."
"""The client of interactions from google-genai 1.55 until some 2.x; `google.genai._gaos` has the later one."""
INSTRUMENTORS = pytest.mark.parametrize(
    "instrumentor", [AnthropicInstrumentor, GeminiInstrumentor, OpenAIInstrumentor], ids=lambda one: one.__name__
)


@pytest.mark.filterwarnings("ignore")
@INSTRUMENTORS
def test_a_patch_point_is_missing_only_where_that_is_known(instrumentor):
    sdk = instrumentor.sdk
    absent = {
        (patch.module, patch.attribute): kind
        for patch in instrumentor()._patch_points()
        if not patch.module.startswith(OF_1_AND_2)
        and not getattr(patch, "unless", "")
        and (kind := missing(patch.module, patch.attribute)) is not None
    }
    functions = {place for place, kind in absent.items() if kind == "function"}
    assert [place for place in functions if place[1] not in NOT_IN_ALL.get(place[0], ())] == []
    if version(sdk.distribution) == sdk.tested[-1]:
        assert absent.keys() <= NEWEST_LACKS


@pytest.mark.filterwarnings("ignore")
@INSTRUMENTORS
def test_the_request_boundary_is_in_every_version(instrumentor):
    """What every call goes through; without it nothing is traced, and nobody would notice."""
    boundary = ("request", "_build_request", "_process_response_data", "_request", "_async_request")
    points = [patch for patch in instrumentor()._patch_points() if not patch.module.startswith(OF_1_AND_2)]
    found = [patch for patch in points if patch.attribute.rpartition(".")[2] in boundary]
    assert len(found) == (2 if instrumentor is GeminiInstrumentor else 4)
    for patch in found:
        *_, original = wrapt.resolve_path(importlib.import_module(patch.module), patch.attribute)
        assert callable(original)


@pytest.mark.filterwarnings("ignore")
def test_interactions_have_one_client_or_the_other():
    points = [patch for patch in GeminiInstrumentor()._patch_points() if patch.module.startswith(OF_1_AND_2)]
    assert len(points) == 8
    found = [missing(patch.module, patch.attribute) for patch in points]
    assert found == [None] * 8 or set(found) == {"module"}


def test_a_row_for_older_versions_stays_out_where_the_better_place_is():
    runner = pytest.importorskip("anthropic.lib.tools._beta_runner", reason="anthropic before 0.68")
    from anthropic.lib.tools._beta_functions import BetaFunctionTool

    newer = _has(runner, "tool_use_span")
    AnthropicInstrumentor().instrument()
    try:
        assert hasattr(BetaFunctionTool.call, "__wrapped__") is not newer
        assert newer or hasattr(runner.BaseSyncToolRunner._generate_tool_call_response, "__wrapped__")
    finally:
        AnthropicInstrumentor().uninstrument()
    assert all(isinstance(patch, Patch) and patch.unless for patch in BEFORE_SPANS)
