"""Turn an estimator's warnings into lines of text, and its errors into a ModelError."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from contract.errors import ModelError
from contract.models import ESTIMATOR
from contract.spec.model_toml import ModelSpec
from train.fit import model_package


@contextmanager
def listening(spec: ModelSpec) -> Iterator[list[str]]:
    """Yield a list, and put the different warnings in it at the end.

    Raises ModelError for any exception of the estimator.
    """
    heard: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield heard
        except ModelError:
            raise
        except Exception as error:
            got = f"{type(error).__name__}: {str(error).strip()}"
            cure = 'Mend build() or [inputs]; a missing number is NaN, a missing text is "".'
            if spec.several:
                kind = "Regressor" if spec.task == "regression" else "Classifier"
                cure += f" If it takes one target alone, return MultiOutput{kind}(…) of it."
            cure = model_package.cure(spec, error) or cure
            where = f"{spec.folder / ESTIMATOR}: what build() returns"
            raise ModelError(where, "able to fit and predict", got, cure) from error
        finally:
            texts = (" ".join(str(warning.message).split()) for warning in caught)
            heard.extend(dict.fromkeys(texts))
