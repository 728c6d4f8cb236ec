"""The steps of a training, each a stage of the Dockerfile, from rows to judge."""
