"""A stranger that takes every order and every notice: the warehouse system and the shop of the browser tests."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SUCCESS = (
    b"<response><flag>success</flag><code>0</code><message>ok</message><deliveryOrderId>W1</deliveryOrderId></response>"
)


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.send_response(200)
        xml = "xml" in self.headers.get("Content-Type", "")
        self.send_header("Content-Type", "text/xml" if xml else "application/json")
        self.end_headers()
        self.wfile.write(SUCCESS if xml else b'{"accepted": true}')

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Stranger:
    """Listens on a free port of this machine."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
