"""A random forest on thirteen measurements."""

from sklearn.ensemble import RandomForestClassifier

SEED = 0  # any fixed number: the same data must give the same forest


def build() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=50, random_state=SEED)
