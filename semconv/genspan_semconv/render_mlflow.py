"""The model as the attributes that an MLflow tracking server reads (MLflow 3.17 and 3.18).

Content takes the shape of OpenAI's chat API, the only one that MLflow's chat view, previews and tool list show whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genspan_semconv import attributes as names
from genspan_semconv.encode import dumps
from genspan_semconv.model import add, obj, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from genspan_semconv.model import AttributeValue, Message, Params, Part, Prompt, Response, ToolDefinition, Usage

_SPAN_TYPES: Final = {
    "chat": "CHAT_MODEL",
    "generate_content": "CHAT_MODEL",
    "embeddings": "EMBEDDING",
    "execute_tool": "TOOL",
    "invoke_agent": "AGENT",
    "invoke_workflow": "CHAIN",
    "retrieval": "RETRIEVER",
}

# MLflow prices a call by provider and model; these are its catalogue's names for the conventions' providers.
_PROVIDERS: Final = {
    "gcp.gemini": "gemini",
    "gcp.vertex_ai": "vertex_ai",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure_ai",
    "aws.bedrock": "bedrock",
    "x_ai": "xai",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshot",
    "ibm.watsonx.ai": "watsonx",
}


_LONG: Final = ("1h", "12h")
"""Lifetimes of a cache that MLflow prices as "above one hour"."""


_MAX_WORDS: Final = 80
"""Characters of a question in the name of a trace."""


def start(operation: str, provider: str | None) -> dict[str, AttributeValue]:
    """What is known when a span starts."""
    attributes: dict[str, AttributeValue] = {names.MLFLOW_SPAN_TYPE: _SPAN_TYPES.get(operation, "LLM")}
    if provider:
        attributes[names.MLFLOW_LLM_PROVIDER] = _PROVIDERS.get(provider, provider)
    return attributes


def root(name: str) -> dict[str, AttributeValue]:
    """What the first span of a trace tells MLflow of the trace: its name."""
    return {names.MLFLOW_TRACE_TAG_MLFLOW_TRACE_NAME: name}


def trace_name(operation: str, model: str | None, prompt: str) -> str:
    """What tells traces apart in a list whose first span has a name that many share: the model, and what was asked."""
    words = " ".join(prompt.split())
    shown = words if len(words) <= _MAX_WORDS else f"{words[: _MAX_WORDS - 1]}…"
    return f"{operation} {model}".removesuffix(" None") + (f": {shown}" if shown else "")


def last_question(prompt: Prompt) -> str:
    """The text of the last message of the user's, or nothing."""
    for message in reversed(prompt.messages):
        texts = [str(part.get("content") or "") for part in message.get("parts", ()) if part["type"] == "text"]
        if message.get("role") == "user" and texts:
            return " ".join(texts)
    return ""


def tags(tags: Mapping[str, str]) -> dict[str, AttributeValue]:
    """Tags of a trace, for its first span."""
    return {f"mlflow.traceTag.{key}": value for key, value in tags.items()}


def linked_prompt(name: str | None, version: object) -> dict[str, AttributeValue]:
    """The prompt of MLflow's registry that a call uses."""
    if name is None or version is None:
        return {}
    return {names.MLFLOW_LINKED_PROMPTS: dumps([{"name": str(name), "version": str(version)}])}


def usage(operation: str, usage: Usage, into: dict[str, AttributeValue]) -> None:
    """``mlflow.chat.tokenUsage``. MLflow sums it over spans, and needs the total to be there.

    What the provider did not report is left out, but that embeddings have no output is known.
    """
    tokens_in, tokens_out = usage.input, usage.output
    if tokens_in is None and tokens_out is None:
        return
    if operation == "embeddings":
        tokens_out = tokens_out or 0
    members = f'"total_tokens": {(tokens_in or 0) + (tokens_out or 0)}'
    if tokens_out is not None:
        members = f'"output_tokens": {tokens_out}, {members}'
    if tokens_in is not None:
        members = f'"input_tokens": {tokens_in}, {members}'
    if usage.cache_read is not None:
        members += f', "cache_read_input_tokens": {usage.cache_read}'
    if usage.cache_write is not None:
        members += f', "cache_creation_input_tokens": {usage.cache_write}'
    by_ttl = usage.cache_write_by_ttl
    long = add(*(by_ttl.get(ttl) for ttl in _LONG)) if by_ttl else None
    if long is not None:
        members += f', "cache_creation_input_tokens_above_1hr": {long}'
    into[names.MLFLOW_CHAT_TOKEN_USAGE] = f"{{{members}}}"


def model(requested: str | None, response: Response, into: dict[str, AttributeValue]) -> None:
    """The model that MLflow prices by: the one that answered, else the one that was asked for."""
    name = response.model or requested
    if name:
        into[names.MLFLOW_LLM_MODEL] = name


def inputs(operation: str, requested: str | None, params: Params, prompt: Prompt) -> dict[str, object]:
    """``mlflow.spanInputs``, not yet serialised."""
    inputs: dict[str, object] = {}
    if operation == "embeddings":
        inputs["input"] = [_as_text(part) for message in prompt.messages for part in message.get("parts", ())]
    else:
        system = [_as_text(part) for part in prompt.system]
        messages: list[dict[str, object]] = [{"role": "system", "content": "\n\n".join(system)}] if system else []
        for message in prompt.messages:
            messages.extend(_messages(message))
        inputs["messages"] = messages
    if requested:
        inputs["model"] = requested
    for name, value in params.items():
        prefix, _, own = name.rpartition(".")
        if name != "response_id" and (not prefix or prefix.endswith(".request")):  # others the program did not pass
            inputs[own] = value
    if prompt.tools:
        inputs["tools"] = [_tool(tool) for tool in prompt.tools]
    return inputs


def conversation(messages: Sequence[Message]) -> list[dict[str, object]]:
    """Messages as those of OpenAI's chat API."""
    return [one for message in messages for one in _messages(message)]


def outputs(answer: list[Message], response: Response) -> dict[str, object] | None:
    """``mlflow.spanOutputs``, not yet serialised; ``None`` where there is nothing to show."""
    if not answer:
        return response.summary
    choices: list[dict[str, object]] = []
    for index, message in enumerate(answer):
        merged = _assistant(message)
        choice: dict[str, object] = {"index": index, "message": merged}
        if "finish_reason" in message:
            choice["finish_reason"] = message["finish_reason"]
        choices.append(choice)
    return {"choices": choices}


def _messages(message: Message) -> list[dict[str, object]]:
    """One message per tool result, since MLflow shows only the last of several in one, and one for the rest."""
    role, parts = message.get("role", "user"), message.get("parts", [])
    if len(parts) == 1 and parts[0]["type"] == "text":  # nearly all
        return [{"role": _ROLES.get(role, "user"), "content": str(parts[0].get("content") or "")}]
    results = [part for part in parts if part["type"] == "tool_call_response"]
    messages: list[dict[str, object]] = [
        {
            "role": "tool",
            "tool_call_id": str(part.get("id") or part.get("name") or ""),
            "content": _plain(part.get("response")),
        }
        for part in results
    ]
    if messages and len(messages) == len(parts):
        return messages
    rest = [part for part in parts if part["type"] != "tool_call_response"]
    if role == "assistant":
        return [*messages, _assistant({"role": role, "parts": rest})] if rest else messages
    if rest or not results:
        messages.append({"role": _ROLES.get(role, "user"), "content": _parts(rest)})
    return messages


# MLflow's chat view knows these and shows nothing of a conversation in which there is another.
_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


def _assistant(message: Message) -> dict[str, object]:
    """An assistant's message: text and media as content, tool calls and reasoning under keys of their own."""
    shown: list[Part] = []
    calls: list[dict[str, object]] = []
    thoughts: list[str] = []
    for part in message.get("parts", ()):
        if part["type"] == "tool_call":
            function = {"name": str(part.get("name") or ""), "arguments": _plain(part.get("arguments"), "{}")}
            calls.append({"id": str(part.get("id") or f"call_{len(calls)}"), "type": "function", "function": function})
        elif part["type"] == "reasoning":
            thoughts.append(str(part.get("content") or ""))
        else:
            shown.append(part)
    merged: dict[str, object] = {"role": _ROLES.get(message.get("role", ""), "assistant")}
    merged["content"] = _parts(shown) if shown else None
    if calls:
        merged["tool_calls"] = calls
    if thoughts:
        merged["reasoning"] = "".join(thoughts)
    if "finish_message" in message:
        merged["refusal"] = message["finish_message"]
    return merged


def _parts(parts: list[Part]) -> str | list[dict[str, object]]:
    """Content as a string where it is text alone (previews want that), else as a list of content parts."""
    if all(part["type"] == "text" for part in parts):
        return "".join(str(part.get("content") or "") for part in parts)
    return [_MEDIA.get(str(part["type"]), _note)(part) for part in parts]


def _text(part: Part) -> dict[str, object]:
    return {"type": "text", "text": str(part.get("content") or "")}


def _note(part: Part) -> dict[str, object]:
    return {"type": "text", "text": _as_text(part)}


def _blob(part: Part) -> dict[str, object]:
    mime, data = str(part.get("mime_type") or ""), part.get("content")
    if part.get("modality") == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{mime or 'image/png'};base64,{data}"}}
    if mime in _AUDIO_FORMATS:
        return {"type": "input_audio", "input_audio": {"data": data, "format": _AUDIO_FORMATS[mime]}}
    return {"type": "text", "text": f"[{mime or part.get('modality')}: {len(str(data)) * 3 // 4} bytes]"}


def _uri(part: Part) -> dict[str, object]:
    if part.get("modality") == "image" and str(part.get("uri")).startswith(("http://", "https://")):
        return {"type": "image_url", "image_url": {"url": part["uri"]}}
    return _note(part)


_AUDIO_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mp3": "mp3",
    "audio/mpeg": "mp3",
}
_MEDIA: Final[dict[str, Callable[[Part], dict[str, object]]]] = {"text": _text, "blob": _blob, "uri": _uri}


def _as_text(part: Part) -> str:
    """Any part in words, for the places where MLflow takes text alone."""
    kind = part["type"]
    if kind == "text":
        return str(part.get("content") or "")
    if kind in ("uri", "file"):
        return f"[{part.get('mime_type') or part.get('modality')}: {part.get('uri') or part.get('file_id')}]"
    if kind == "blob_omitted":
        return f"[{part.get('mime_type') or part.get('modality')}: {part.get('size')} bytes, not kept]"
    body = obj(part.get("server_tool_call") or part.get("server_tool_call_response")) or part
    shown = text(body.get("code")) or text(body.get("output")) or _plain({k: v for k, v in body.items() if k != "type"})
    return f"[{body.get('type') or kind}] {shown}"


def _tool(tool: ToolDefinition) -> dict[str, object]:
    function: dict[str, object] = {"name": tool.get("name", "")}
    if "description" in tool:
        function["description"] = tool["description"]
    if "parameters" in tool:
        function["parameters"] = tool["parameters"]
    return {"type": "function", "function": function}


def _plain(value: object, absent: str = "") -> str:
    """Tool arguments and results as the string that MLflow's chat view wants."""
    if value is None:
        return absent
    return value if isinstance(value, str) else dumps(value)
