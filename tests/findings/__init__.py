"""The tables of what was found on the shipped presets, by protocols fixed beforehand."""
