"""What a model answered to the holdout rows: truth, answers, scores and segments."""
