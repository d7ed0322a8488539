"""ConvMixer Viz: see what is inside a ConvMixer. What people import is listed in __init__.pyi."""

import lazy_loader as lazy

__version__ = "0.5.0"

# each name is loaded on use: importing the package never waits for torch
__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
