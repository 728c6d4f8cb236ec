"""A random forest behind a column transformer: numbers filled in and scaled, texts one-hot."""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMERIC = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
CATEGORICAL = ["island", "sex"]
TREES = 100  # more trees changed no fold's accuracy; fewer make the probabilities coarse
LEAF = 2  # a leaf of one bird is a guess; two keep the probabilities honest
SEED = 0  # any fixed number: the same data must give the same forest


def build() -> Pipeline:
    numbers = make_pipeline(
        SimpleImputer(strategy="median"),  # two birds were never measured
        StandardScaler(),  # the forest needs no scale; a linear model put in its place would
    )
    texts = OneHotEncoder(handle_unknown="ignore")  # an unknown sex is a category of its own: ""
    columns = ColumnTransformer([("numbers", numbers, NUMERIC), ("texts", texts, CATEGORICAL)])
    forest = RandomForestClassifier(n_estimators=TREES, min_samples_leaf=LEAF, random_state=SEED)
    return Pipeline([("columns", columns), ("forest", forest)])
