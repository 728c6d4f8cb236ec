"""What every part of the tool agrees on: models, bundles, evaluations and cards."""
