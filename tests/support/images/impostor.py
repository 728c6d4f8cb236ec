"""What runs in images that must not come to serve: a server that looks like ours, up to a point.

It says that it is ready, and answers golden examples as recorded until it has had PATIENCE
requests; then it takes DELAY seconds, or fails with STATUS.
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

EXAMPLES = json.loads(Path("/bundle/examples.json").read_text())
CLASSES = json.loads(Path("/bundle/manifest.json").read_text())["classes"]
ANSWERS = {
    json.dumps(example["features"]): {
        "prediction": example["prediction"],
        "probabilities": dict(zip(CLASSES, example["probabilities"], strict=True)),
    }
    for example in EXAMPLES
}
PATIENCE = int(os.environ["PATIENCE"])
STATUS = int(os.environ.get("STATUS", "200"))
DELAY = float(os.environ.get("DELAY", "0"))
METRICS = """\
http_requests_total{{route="/predict",status="200"}} {good}
http_requests_total{{route="/predict",status="500"}} {bad}
prediction_seconds_bucket{{le="0.01"}} {fast}
prediction_seconds_bucket{{le="1"}} {good}
prediction_seconds_bucket{{le="+Inf"}} {good}
"""
counted = {"good": 0, "bad": 0, "fast": 0}


class Handler(BaseHTTPRequestHandler):
    """Answers as the model does at first, then late or with an error."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the metrics, or that the server is ready."""
        body = METRICS.format(**counted) if self.path == "/metrics" else '{"status":"ready"}'
        self.reply(200, body)

    def do_POST(self) -> None:
        """Answer a prediction, well until PATIENCE requests have come."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        lost = counted["good"] + counted["bad"] >= PATIENCE
        if lost:
            time.sleep(DELAY)
        status = STATUS if lost else 200
        counted["good" if status == 200 else "bad"] += 1
        counted["fast"] += not lost
        answer = ANSWERS.get(json.dumps(asked["features"]), {"prediction": None})
        self.reply(status, json.dumps(answer))

    def reply(self, status: int, body: str) -> None:
        """Send a status and a body."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit())
ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
