"""Trees boosted by CatBoost, which takes the words of categories as they are."""

from catboost import CatBoostClassifier


def build() -> CatBoostClassifier:
    """Return the unfitted estimator."""
    return CatBoostClassifier(
        iterations=150,
        depth=4,
        cat_features=["island", "sex"],
        random_seed=0,
        allow_writing_files=False,
        verbose=False,
    )
