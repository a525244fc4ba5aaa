"""A service for models that follows a script: the interface of OpenAI's chat completions, streamed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable

from openai.types.chat import ChatCompletionChunk, CompletionCreateParams
from pydantic import TypeAdapter

from world import World

Answer = Callable[[dict], "str | list[tuple[str, dict]]"]
"""The answer of the model to a request: a text, or calls of tools, each a name and arguments."""

_REQUEST = TypeAdapter(CompletionCreateParams)


class Model:
    """Every request is checked with the types of the package `openai`; so is every chunk that is sent."""

    def __init__(self, world: World, answer: Answer) -> None:
        self.requests: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[str] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def send(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.send("application/json", json.dumps({"object": "list", "data": [{"id": "scripted", "object": "model"}]}).encode())

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append(asked)
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                try:
                    _REQUEST.validate_python(asked)
                    said = answer(asked)
                except Exception as error:  # noqa: BLE001: the test reports it
                    outer.faults.append(str(error))
                    said = "fault"
                if asked.get("stream"):
                    self.send("text/event-stream", "".join(outer.chunks(asked, said)).encode())
                else:
                    self.send("application/json", json.dumps(outer.whole(asked, said)).encode())

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        world.closers.append(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    @staticmethod
    def calls(said: list[tuple[str, dict]]) -> list[dict]:
        return [
            {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for index, (name, arguments) in enumerate(said)
        ]

    def chunks(self, asked: dict, said: str | list[tuple[str, dict]]):
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}

        def chunk(delta: dict, reason: str | None = None, **more: object) -> str:
            made = {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}
            ChatCompletionChunk.model_validate(made)
            return f"data: {json.dumps(made)}\n\n"

        yield chunk({"role": "assistant", "content": ""})
        if isinstance(said, str):
            for word in said.split(" "):
                yield chunk({"content": word + " "})
            yield chunk({}, "stop")
        else:
            for call in self.calls(said):
                yield chunk({"tool_calls": [call]})
            yield chunk({}, "tool_calls")
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        yield f"data: {json.dumps({**base, 'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"

    def whole(self, asked: dict, said: str | list[tuple[str, dict]]) -> dict:
        message: dict = {"role": "assistant", "content": said if isinstance(said, str) else None}
        if not isinstance(said, str):
            message["tool_calls"] = self.calls(said)
        reason = "stop" if isinstance(said, str) else "tool_calls"
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
        }
