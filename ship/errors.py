"""The failures of the pipeline: what happened, and the next command to try."""


class ShipError(Exception):
    """A failure that is told in its own words, without a traceback."""

    exit_code = 1


class UsageError(ShipError):
    """A command that cannot be understood: exit code 2, as command lines use."""

    exit_code = 2


class StageError(ShipError):
    """A stage that found its model wanting."""

    exit_code = 3
