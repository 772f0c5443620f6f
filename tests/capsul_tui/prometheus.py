"""Something that answers like Prometheus, with figures that a test chooses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs


@dataclass
class Measured:
    """What was measured, and what was asked for."""

    url: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    """By a part of the name of the metric; what is not here was not measured."""
    is_away: bool = False
    """Then it refuses every question."""
    asked: list[int] = field(default_factory=list)
    """How many seconds each question went back."""

    def answer(self, query: str, start: int, end: int, step: int) -> list[object]:
        """One series at most: the same value all the time."""
        value = next((value for name, value in self.figures.items() if name in query), None)
        if value is None:
            return []
        return [{"metric": {}, "values": [[at, str(value)] for at in range(start, end + 1, step)]}]


@contextmanager
def measuring() -> Iterator[Measured]:
    """Answers at `url` while the block lasts."""
    measured = Measured()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            start, end, step = (int(form[name][0]) for name in ("start", "end", "step"))
            measured.asked.append(end - start)
            self.send_response(503 if measured.is_away else 200)
            self.end_headers()
            result = measured.answer(form["query"][0], start, end, step)
            answer = {"status": "error" if measured.is_away else "success", "data": {"result": result}}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    measured.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield measured
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
