"""ConvMixer Viz: see what is inside a ConvMixer."""
