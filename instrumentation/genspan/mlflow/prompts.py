"""The prompts of MLflow's registry that traces used, for the links between the two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from genspan._core.routes.seen_ids import Recent
from genspan_semconv import attributes as names
from genspan_semconv.encode import dumps
from genspan_semconv.model import obj, seq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    Prompt = dict[str, str]

LINKED: Final = names.MLFLOW_LINKED_PROMPTS
"""The name of the tag of a trace, and of the attribute of a span."""


class PromptLinks:
    """What each trace is linked to. Its spans may come in several requests."""

    def __init__(self) -> None:
        self._known = Recent[str, "list[Prompt]"]()

    def changed(self, spans: Sequence[ReadableSpan]) -> dict[str, list[Prompt]]:
        """The prompts of the traces whose links are to be written, by the traces' ids in MLflow.

        Also where the first span comes, whose own tag takes the place of the earlier one.
        """
        changed: dict[str, list[Prompt]] = {}
        for span in spans:
            trace_id = f"tr-{span.context.trace_id:032x}" if span.context else ""
            known = self._known.get(trace_id, [])
            new = [prompt for prompt in _prompts(span) if prompt not in known]
            if new or (known and span.parent is None):
                changed[trace_id] = [*known, *new]
                self._known.put(trace_id, changed[trace_id])
        return changed


def as_json(prompts: Sequence[Prompt]) -> str:
    """As MLflow keeps them in a tag."""
    return dumps(prompts)


def _prompts(span: ReadableSpan) -> list[Prompt]:
    noted = (span.attributes or {}).get(LINKED)
    if not isinstance(noted, str):
        return []
    found = [obj(prompt) for prompt in seq(json.loads(noted))]
    return [{"name": str(one.get("name")), "version": str(one.get("version"))} for one in found]
