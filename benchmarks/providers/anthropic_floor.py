"""The floor around one message: it reads what the program passed and what the SDK returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.floor import Attributes, Json, Read, Stream, dumps, end_attributes, text_part, write_genai, write_mlflow

if TYPE_CHECKING:
    from anthropic.types import Message


def read(forms: frozenset[str], request: Json, response: Message) -> Read:
    tokens = response.usage.output_tokens
    return _read(forms, request, response, response.stop_reason, tokens, response.content[0].text)


class Chunks(Stream):
    def see(self, event: Any) -> None:
        kind = event.type
        if kind == "content_block_delta":
            if self.forms:
                self.texts.append(event.delta.text)
        elif kind == "message_start":
            self._first = event.message
        elif kind == "message_delta":
            self._last = event

    def read(self) -> Read:
        last, text = self._last, "".join(self.texts)
        return _read(self.forms, self.request, self._first, last.delta.stop_reason, last.usage.output_tokens, text)


def _read(forms: frozenset[str], request: Json, response: Message, reason: str, tokens_out: int, text: str) -> Read:
    parameters = {"max_tokens": request["max_tokens"]}
    usage = response.usage
    read, written, long = (
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_creation.ephemeral_1h_input_tokens,
    )
    tokens_in = usage.input_tokens + read + written
    attributes = end_attributes(response.id, response.model, reason, tokens_in, tokens_out, parameters)
    attributes["mlflow.chat.tokenUsage"] = (
        f'{attributes["mlflow.chat.tokenUsage"][:-1]}, "cache_read_input_tokens": {read}, '
        f'"cache_creation_input_tokens": {written}, "cache_creation_input_tokens_above_1hr": {long}}}'
    )
    attributes["gen_ai.usage.cache_read.input_tokens"] = read
    attributes["gen_ai.usage.cache_write.input_tokens"] = written
    attributes["anthropic.response.service_tier"] = usage.service_tier
    if forms:
        _write(forms, attributes, request, parameters, text)
    return attributes, response.model, tokens_in, tokens_out


def _write(forms: frozenset[str], attributes: Attributes, request: Json, parameters: Attributes, text: str) -> None:
    system, given = request.get("system"), request["messages"]
    tools = [
        {"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}
        for tool in request.get("tools", ())
    ]
    if "mlflow" in forms:
        messages = [{"role": "system", "content": system}] if system is not None else []
        messages += [_mlflow_message(message) for message in given]
        write_mlflow(attributes, messages, request["model"], parameters, tools, text)
    if "genai" in forms:
        write_genai(attributes, [_message(message) for message in given], system, tools, text)


def _message(message: Json) -> Json:
    content, role = message["content"], message["role"]
    if isinstance(content, str):
        return {"role": role, "parts": [text_part(content)]}
    kind = content[0]["type"]
    return {"role": "tool" if kind == "tool_result" else role, "parts": [_part(block) for block in content]}


def _part(block: Json) -> Json:
    match block["type"]:
        case "text":
            return text_part(block["text"])
        case "tool_use":
            call = {"name": block["name"], "arguments": block["input"], "id": block["id"]}
            return {"type": "tool_call", **call}
        case "tool_result":
            return {"type": "tool_call_response", "response": block["content"], "id": block["tool_use_id"]}
    source = block["source"]
    return {"type": "blob", "modality": "image", "mime_type": source["media_type"], "content": source["data"]}


def _mlflow_message(message: Json) -> Json:
    content = message["content"]
    if isinstance(content, str):
        return message
    first = content[0]
    if first["type"] == "tool_result":
        return {"role": "tool", "tool_call_id": first["tool_use_id"], "content": first["content"]}
    if first["type"] == "tool_use":
        function = {"name": first["name"], "arguments": dumps(first["input"])}
        calls = [{"id": first["id"], "type": "function", "function": function}]
        return {"role": "assistant", "content": None, "tool_calls": calls}
    return {"role": message["role"], "content": [_mlflow_part(block) for block in content]}


def _mlflow_part(block: Json) -> Json:
    if block["type"] == "text":
        return {"type": "text", "text": block["text"]}
    source = block["source"]
    return {"type": "image_url", "image_url": {"url": f"data:{source['media_type']};base64,{source['data']}"}}
