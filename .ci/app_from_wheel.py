"""Start the app from an installed wheel, in the current (empty) folder, and run its first page."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import convmixer_viz

LAUNCHER = Path("app/launch/streamlit_app.py")
SCRIPT = Path("app/router/start.py")
site = Path(sys.argv[1])
package = Path(convmixer_viz.__file__).parent
assert package.is_relative_to(site), f"{package} isn't the wheel's"
for part in (
    LAUNCHER,
    LAUNCHER.parent / ".streamlit/config.toml",
    SCRIPT,
    SCRIPT.parent / "look.css",
    Path("app/components/canvas.js"),
    Path("pretrained"),
):
    assert (package / part).exists(), f"the wheel lacks {part}"

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
command = [sys.executable, "-m", "convmixer_viz.cli", "app", "--device", "cpu", "--port", str(port)]
server = subprocess.Popen(command)
try:
    for _ in range(120):
        time.sleep(0.5)
        assert server.poll() is None, "the app ended"
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                assert answer.status == 200
            break
        except OSError:
            continue
    else:
        raise AssertionError("the app didn't answer within a minute")
finally:
    server.terminate()
    assert server.wait(30) == 0, "told to end, it ends well"

from streamlit.testing.v1 import AppTest  # noqa: E402

app = AppTest.from_file(str(package / SCRIPT), default_timeout=120).run()
assert not app.exception, app.exception
assert app.title, "the first page shows nothing"
print("the wheel's app runs:", app.title[0].value)
