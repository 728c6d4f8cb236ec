"""Holdout rows with truth and answers: the metrics, their scores and intervals, segments."""
