"""The tables of pretrained/README.md, each by a protocol fixed beforehand:
`python -m tests.findings` with the name of one, or `all`."""
