"""The floor around one chat completion: it reads what the program passed and what the SDK returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.floor import Json, Read, Stream, dumps, end_attributes, text_part, write_genai, write_mlflow

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion, ChatCompletionChunk


def read(forms: frozenset[str], request: Json, response: ChatCompletion) -> Read:
    choice = response.choices[0]
    return _read(forms, request, response, choice.finish_reason, choice.message.content)


class Chunks(Stream):
    def see(self, chunk: ChatCompletionChunk) -> None:
        self._last = chunk
        if chunk.choices:
            choice = chunk.choices[0]
            self._reason = choice.finish_reason
            if self.forms and choice.delta.content:
                self.texts.append(choice.delta.content)

    def read(self) -> Read:
        return _read(self.forms, self.request, self._last, self._reason, "".join(self.texts))


def _read(forms: frozenset[str], request: Json, response: Any, reason: str, text: str) -> Read:
    parameters = {name: request[name] for name in ("temperature", "max_tokens")}
    usage = response.usage
    tokens_in, tokens_out = usage.prompt_tokens, usage.completion_tokens
    attributes = end_attributes(response.id, response.model, reason, tokens_in, tokens_out, parameters)
    inputs, outputs = usage.prompt_tokens_details, usage.completion_tokens_details
    attributes["mlflow.chat.tokenUsage"] = (
        f'{attributes["mlflow.chat.tokenUsage"][:-1]}, "cache_read_input_tokens": {inputs.cached_tokens}}}'
    )
    attributes["openai.api.type"] = "chat_completions"
    attributes["openai.response.service_tier"] = response.service_tier
    attributes["openai.response.system_fingerprint"] = response.system_fingerprint
    attributes["gen_ai.usage.cache_read.input_tokens"] = inputs.cached_tokens
    attributes["gen_ai.usage.reasoning.output_tokens"] = outputs.reasoning_tokens
    attributes["gen_ai.usage.audio.input_tokens"] = inputs.audio_tokens
    attributes["gen_ai.usage.audio.output_tokens"] = outputs.audio_tokens
    tools = [tool["function"] for tool in request.get("tools", ())] if forms else []
    if "mlflow" in forms:
        messages = [_mlflow_message(message) for message in request["messages"]]
        write_mlflow(attributes, messages, request["model"], parameters, tools, text)
    if "genai" in forms:
        write_genai(attributes, [_message(message) for message in request["messages"]], None, tools, text)
    return attributes, response.model, tokens_in, tokens_out


def _message(message: Json) -> Json:
    content = message["content"]
    if message["role"] == "tool":
        parts = [{"type": "tool_call_response", "response": content, "id": message["tool_call_id"]}]
    elif isinstance(content, str):
        parts = [text_part(content)]
    elif content is None:
        parts = [_call(call) for call in message["tool_calls"]]
    else:
        parts = [
            text_part(part["text"]) if part["type"] == "text" else _image(part["image_url"]["url"]) for part in content
        ]
    return {"role": message["role"], "parts": parts}


def _call(call: Json) -> Json:
    function = call["function"]
    arguments = orjson.loads(function["arguments"])
    return {"type": "tool_call", "name": function["name"], "arguments": arguments, "id": call["id"]}


def _image(url: str) -> Json:
    comma = url.index(",", 0, 256)
    mime = url[5:comma].partition(";")[0]
    return {"type": "blob", "modality": "image", "mime_type": mime, "content": url[comma + 1 :]}


def _mlflow_message(message: Json) -> Json:
    if "tool_calls" not in message:
        return message
    calls = [
        {
            "id": call["id"],
            "type": "function",
            "function": {
                "name": call["function"]["name"],
                "arguments": dumps(orjson.loads(call["function"]["arguments"])),
            },
        }
        for call in message["tool_calls"]
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}
