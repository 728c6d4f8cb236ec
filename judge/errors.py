"""The reason why two models cannot be compared."""


class Incomparable(Exception):  # noqa: N818 - a finding about two models, told in the report
    """No number can compare the two models; `curable` where a person should do something first."""

    def __init__(self, reason: str, *, curable: bool = False) -> None:
        super().__init__(reason)
        self.curable = curable
