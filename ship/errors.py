"""The failures of the pipeline, each with its exit code."""


class ShipError(Exception):
    """A failure whose message is printed without a traceback."""

    exit_code = 1


class UsageError(ShipError):
    """A command or setting that is not what it must be; exit code 2, as usual for command lines."""

    exit_code = 2


class StageError(ShipError):
    """A stage in which a model failed."""

    exit_code = 3
