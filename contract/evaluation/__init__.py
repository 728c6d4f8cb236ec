"""How well a model answered the holdout rows: truth, answers, scores and segments."""
