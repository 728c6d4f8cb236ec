"""A headless Chromium, told what to do through a pair of pipes (the DevTools protocol)."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.waiting import wait_until

NAMES = ("chromium", "google-chrome", "chromium-browser")
KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}


class Browser:
    """Owns the life of a browser with one page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0

    def __enter__(self) -> Self:
        program = next(filter(None, map(shutil.which, NAMES)))
        commands, self.commands = os.pipe()
        self.events, events = os.pipe()
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{commands} 4>&{events}', program,
             "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             f"--user-data-dir={self.folder}"],
            pass_fds=(commands, events), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(events)
        self.buffer = b""
        self.session = ""
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(10)
        os.close(self.commands)
        os.close(self.events)

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self.message())
            if answer.get("id") == self.number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])

    def message(self) -> bytes:
        """Return the next message of the browser."""
        while b"\0" not in self.buffer:
            some = os.read(self.events, 1 << 20)
            assert some, "the browser has ended"
            self.buffer += some
        message, _, self.buffer = self.buffer.partition(b"\0")
        return message

    def open(self, url: str, loaded: str, width: int = 900, height: int = 1100) -> None:
        """Show a page and wait until an expression is true in it."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=height,
                deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        self.do("Page.navigate", url=url)
        self.wait(loaded)

    def run(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        reply = self.do("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        wait_until(lambda: self.run(expression), expression)

    def press(self, key: str) -> None:
        """Press and release a key."""
        code, text = KEYS[key]
        for kind in ("keyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                    windowsVirtualKeyCode=code, text=text if kind == "keyDown" else "")  # fmt: skip

    def write(self, text: str) -> None:
        """Type over what is selected."""
        self.do("Input.insertText", text=text)

    def screenshot(self, file: Path) -> None:
        """Take a picture of the whole page."""
        shot = self.do("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))
