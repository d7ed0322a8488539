"""What was found on the shipped presets, by protocols fixed beforehand; each can be repeated."""
