"""What the runner gives a job to prove which one it is: an address that answers with a token."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-of-the-request"  # noqa: S105 - of no other server
# The claims of a job of a called workflow, as GitHub documents them:
# https://docs.github.com/en/actions/reference/security/oidc
CLAIMS = {
    "iss": "https://token.actions.githubusercontent.com",
    "ref": "refs/heads/main",
    "sha": "1f" * 20,
    "repository": "octo/models",
    "event_name": "push",
    "job_workflow_ref": "octo/tool/.github/workflows/publish.yml@refs/tags/v1.0.0",
    "workflow_ref": "octo/models/.github/workflows/models.yml@refs/heads/main",
    "repository_id": "74",
    "repository_owner_id": "65",
    "runner_environment": "github-hosted",
    "run_id": "7",
    "run_attempt": "2",
}


@contextmanager
def identities(claims: dict[str, str]) -> Iterator[dict[str, str]]:
    """Serve identity tokens; yield the variables that a job with `id-token: write` has."""

    class Issuer(BaseHTTPRequestHandler):
        """Answers whoever shows the request's token, with a JWT for the audience that is asked."""

        def do_GET(self) -> None:
            """Send a token, without a signature that anybody could check."""
            known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            audience = parse_qs(urlsplit(self.path).query)["audience"][0]
            parts = [{"alg": "RS256"}, {**claims, "aud": audience}]
            encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
            token = b".".join([*(part.rstrip(b"=") for part in encoded), b"c2lnbmVk"])
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"value": token.decode()}).encode() if known else b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{server.server_port}/token?v=1",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN,
        }
        server.shutdown()
        thread.join()
