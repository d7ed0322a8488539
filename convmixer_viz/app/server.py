"""The server: which script it runs, and what stands around it."""

from pathlib import Path

SCRIPT = Path(__file__).parent / "router" / "main.py"
