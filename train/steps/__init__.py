"""The steps of a training, each a stage of the Dockerfile: rows, fit, ask, judge."""
