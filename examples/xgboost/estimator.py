"""Trees boosted by XGBoost."""

from xgboost import XGBClassifier


def build() -> XGBClassifier:
    """Return the unfitted estimator."""
    return XGBClassifier(n_estimators=200, max_depth=3, learning_rate=0.1, random_state=0)
