"""A ridge regression on scaled measurements."""

from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

PENALTIES = (0.1, 1, 10, 100)  # the best is chosen by leave-one-out; 442 rows make that cheap


def build() -> Pipeline:
    return make_pipeline(StandardScaler(), RidgeCV(alphas=PENALTIES))
