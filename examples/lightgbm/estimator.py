"""Trees boosted by LightGBM, which splits the words of categories into sets by itself."""

from typing import Any

from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

WORDS = ["island", "sex"]


class CategoricalLGBMClassifier(LGBMClassifier):
    """LightGBM is told which columns are categories when it fits: the first ones, as numbers."""

    def fit(self, X: Any, y: Any, **more: Any) -> "CategoricalLGBMClassifier":
        """Fit to rows whose first columns are the numbers of words."""
        return super().fit(X, y, categorical_feature=list(range(len(WORDS))), **more)


def build() -> Pipeline:
    """Return the unfitted estimator."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_transformer(
        (codes, WORDS), remainder="passthrough", verbose_feature_names_out=False
    )
    trees = CategoricalLGBMClassifier(
        n_estimators=60, num_leaves=8, min_child_samples=5, random_state=0, verbose=-1
    )
    return make_pipeline(columns, trees)
