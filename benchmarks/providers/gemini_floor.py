"""The floor around one google-genai call: it reads what the program passed and what the SDK returned."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from benchmarks.floor import Attributes, Json, Read, Stream, dumps, end_attributes, text_part, write_genai, write_mlflow

if TYPE_CHECKING:
    from google.genai import types


def read(forms: frozenset[str], request: Json, response: types.GenerateContentResponse) -> Read:
    text = response.candidates[0].content.parts[0].text
    return _read(forms, request, response, text)


class Chunks(Stream):
    def see(self, chunk: types.GenerateContentResponse) -> None:
        self._last = chunk
        if self.forms:
            self.texts.append(chunk.candidates[0].content.parts[0].text)

    def read(self) -> Read:
        return _read(self.forms, self.request, self._last, "".join(self.texts))


def _read(forms: frozenset[str], request: Json, response: types.GenerateContentResponse, text: str) -> Read:
    parameters: Attributes = {}
    config = request["config"]
    if config.temperature is not None:
        parameters["temperature"] = config.temperature
    if config.max_output_tokens is not None:
        parameters["max_tokens"] = config.max_output_tokens
    usage, model, reason = response.usage_metadata, response.model_version, response.candidates[0].finish_reason.value
    tokens_in, tokens_out = usage.prompt_token_count, usage.candidates_token_count
    attributes = end_attributes(response.response_id, model, reason, tokens_in, tokens_out, parameters)
    attributes["gen_ai.usage.text.input_tokens"] = usage.prompt_tokens_details[0].token_count
    attributes["gen_ai.usage.text.output_tokens"] = usage.candidates_tokens_details[0].token_count
    if forms:
        _write(forms, attributes, request, parameters, text)
    return attributes, model, tokens_in, tokens_out


def _write(forms: frozenset[str], attributes: Attributes, request: Json, parameters: Attributes, text: str) -> None:
    contents, config = request["contents"], request["config"]
    system, tools = config.system_instruction, []
    if config.tools is not None:
        tools = [_function(each) for tool in config.tools for each in tool.function_declarations]
    if "mlflow" in forms:
        messages = [{"role": "system", "content": system}] if system is not None else []
        if isinstance(contents, str):
            messages.append({"role": "user", "content": contents})
        else:
            messages += [_mlflow_message(content) for content in contents]
        write_mlflow(attributes, messages, request["model"], parameters, tools, text)
    if "genai" in forms:
        if isinstance(contents, str):
            messages = [{"role": "user", "parts": [text_part(contents)]}]
        else:
            messages = [_message(content) for content in contents]
        write_genai(attributes, messages, system, tools, text)


def _message(content: types.Content) -> Json:
    parts: list[Json] = []
    role = "assistant" if content.role == "model" else "user"
    for part in content.parts:
        if part.text is not None:
            parts.append(text_part(part.text))
        elif part.function_call is not None:
            call = part.function_call
            parts.append({"type": "tool_call", "name": call.name, "arguments": call.args})
        elif part.function_response is not None:
            result, role = part.function_response, "tool"
            parts.append({"type": "tool_call_response", "response": result.response, "name": result.name})
        else:
            blob = part.inline_data
            data = b64encode(blob.data).decode()
            parts.append({"type": "blob", "modality": "image", "mime_type": blob.mime_type, "content": data})
    return {"role": role, "parts": parts}


def _function(declaration: types.FunctionDeclaration) -> Json:
    return {
        "name": declaration.name,
        "description": declaration.description,
        "parameters": declaration.parameters_json_schema,
    }


def _mlflow_message(content: types.Content) -> Json:
    role = "assistant" if content.role == "model" else "user"
    first = content.parts[0]
    if len(content.parts) > 1:
        return {"role": role, "content": [_mlflow_part(part) for part in content.parts]}
    if first.text is not None:
        return {"role": role, "content": first.text}
    if first.function_response is not None:
        result = first.function_response
        return {"role": "tool", "tool_call_id": result.name, "content": dumps(result.response)}
    function = {"name": first.function_call.name, "arguments": dumps(first.function_call.args)}
    return {"role": role, "content": None, "tool_calls": [{"id": "call_0", "type": "function", "function": function}]}


def _mlflow_part(part: types.Part) -> Json:
    if part.text is not None:
        return {"type": "text", "text": part.text}
    data = b64encode(part.inline_data.data).decode()
    return {"type": "image_url", "image_url": {"url": f"data:{part.inline_data.mime_type};base64,{data}"}}
