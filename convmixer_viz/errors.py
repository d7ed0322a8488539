"""One family of errors: each message is one sentence that says what is wrong and what to do."""


class VizError(Exception):
    """Anything the person can mend; doors show its message and nothing else."""


class PictureError(VizError):
    """A picture that can't be used: missing, broken, too large, of an unsupported kind."""


class WeightsError(VizError):
    """A weights file that can't be found, fetched, trusted or fitted."""


class ChoiceError(VizError):
    """An option, preset, class, block or resolution that doesn't exist or doesn't fit."""


class DeviceError(VizError):
    """A device that isn't there, or whose memory is full."""


class BusyError(VizError):
    """The queue is full: ask again later."""


class DataError(VizError):
    """A folder of pictures, a result file or an output folder that can't be read or written."""
