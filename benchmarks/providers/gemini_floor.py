"""The floor around one google-genai call: it reads what the program passed and what the SDK returned."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from benchmarks.floor import Attributes, Floor, Read, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google import genai
    from google.genai import types

Json = dict[str, Any]


def floor_call(
    floor: Floor, client: genai.Client, model: str, contents: Any, config: types.GenerateContentConfig
) -> types.GenerateContentResponse:
    def request() -> types.GenerateContentResponse:
        return client.models.generate_content(model=model, contents=contents, config=config)

    def read(response: types.GenerateContentResponse) -> Read:
        candidate = response.candidates[0]
        return _read(floor.forms, model, contents, config, response, candidate, candidate.content.parts[0].text)

    return floor.call(f"generate_content {model}", _start(model), request, read)


def floor_stream(
    floor: Floor, client: genai.Client, model: str, contents: Any, config: types.GenerateContentConfig
) -> Iterable[types.GenerateContentResponse]:
    texts: list[str] = []
    last: types.GenerateContentResponse | None = None

    def see(chunk: types.GenerateContentResponse) -> None:
        nonlocal last
        last = chunk
        if floor.forms:
            texts.append(chunk.candidates[0].content.parts[0].text)

    def read(first: float) -> Read:
        found = _read(floor.forms, model, contents, config, last, last.candidates[0], "".join(texts))
        found[0]["gen_ai.response.time_to_first_chunk"] = first
        return found

    start = {**_start(model), "gen_ai.request.stream": True}
    chunks = client.models.generate_content_stream(model=model, contents=contents, config=config)
    return floor.stream(f"generate_content {model}", start, chunks, see, read)


def _start(model: str) -> Attributes:
    return {
        "mlflow.traceTag.mlflow.traceName": f"generate_content {model}",
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": model,
        "server.address": "generativelanguage.googleapis.com",
        "server.port": 443,
        "mlflow.spanType": "CHAT_MODEL",
        "mlflow.llm.provider": "gemini",
    }


def _read(
    forms: frozenset[str], model: str, contents: Any, config: Any, response: Any, candidate: Any, text: str
) -> Read:
    usage = response.usage_metadata
    tokens_in, tokens_out = usage.prompt_token_count, usage.candidates_token_count
    attributes: Attributes = {
        "mlflow.chat.tokenUsage": f'{{"input_tokens": {tokens_in}, "output_tokens": {tokens_out}, '
        f'"total_tokens": {tokens_in + tokens_out}}}',
        "gen_ai.usage.input_tokens": tokens_in,
        "gen_ai.usage.output_tokens": tokens_out,
        "gen_ai.usage.text.input_tokens": usage.prompt_tokens_details[0].token_count,
        "gen_ai.usage.text.output_tokens": usage.candidates_tokens_details[0].token_count,
        "mlflow.llm.model": response.model_version,
        "gen_ai.response.model": response.model_version,
        "gen_ai.response.finish_reasons": [candidate.finish_reason.value],
        "gen_ai.response.id": response.response_id,
    }
    parameters: Attributes = {}
    if config.temperature is not None:
        parameters["temperature"] = config.temperature
    if config.max_output_tokens is not None:
        parameters["max_tokens"] = config.max_output_tokens
    for name, value in parameters.items():
        attributes[f"gen_ai.request.{name}"] = value
    if "mlflow" in forms:
        _write_mlflow(attributes, model, contents, config, parameters, text)
    if "genai" in forms:
        _write_genai(attributes, contents, config, text)
    return attributes, response.model_version, tokens_in, tokens_out


def _write_genai(attributes: Attributes, contents: Any, config: Any, text: str) -> None:
    answer = {"role": "assistant", "parts": [{"type": "text", "content": text}], "finish_reason": "stop"}
    attributes["gen_ai.output.messages"] = dumps([answer])
    if isinstance(contents, str):
        messages = [{"role": "user", "parts": [{"type": "text", "content": contents}]}]
    else:
        messages = [_message(content) for content in contents]
    attributes["gen_ai.input.messages"] = dumps(messages)
    if config.system_instruction is not None:
        attributes["gen_ai.system_instructions"] = dumps([{"type": "text", "content": config.system_instruction}])
    if config.tools is not None:
        attributes["gen_ai.tool.definitions"] = dumps(
            [{"type": "function", **_function(each)} for tool in config.tools for each in tool.function_declarations]
        )


def _message(content: types.Content) -> Json:
    parts: list[Json] = []
    role = "assistant" if content.role == "model" else "user"
    for part in content.parts:
        if part.text is not None:
            parts.append({"type": "text", "content": part.text})
        elif part.function_call is not None:
            call = part.function_call
            parts.append({"type": "tool_call", "name": call.name, "arguments": call.args})
        elif part.function_response is not None:
            result, role = part.function_response, "tool"
            parts.append({"type": "tool_call_response", "response": result.response, "name": result.name})
        else:
            blob = part.inline_data
            data = b64encode(blob.data).decode()
            parts.append({"type": "blob", "modality": "image", "content": data, "mime_type": blob.mime_type})
    return {"role": role, "parts": parts}


def _function(declaration: types.FunctionDeclaration) -> Json:
    return {
        "name": declaration.name,
        "description": declaration.description,
        "parameters": declaration.parameters_json_schema,
    }


def _write_mlflow(
    attributes: Attributes, model: str, contents: Any, config: Any, parameters: Attributes, text: str
) -> None:
    answer = {"role": "assistant", "content": text}
    attributes["mlflow.spanOutputs"] = dumps({"choices": [{"index": 0, "message": answer, "finish_reason": "stop"}]})
    messages: list[Json] = []
    if config.system_instruction is not None:
        messages.append({"role": "system", "content": config.system_instruction})
    if isinstance(contents, str):
        messages.append({"role": "user", "content": contents})
    else:
        messages += [_mlflow_message(content) for content in contents]
    inputs: Json = {"messages": messages, "model": model, **parameters}
    if config.tools is not None:
        functions = [_function(each) for tool in config.tools for each in tool.function_declarations]
        inputs["tools"] = [{"type": "function", "function": function} for function in functions]
    attributes["mlflow.spanInputs"] = dumps(inputs)


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
