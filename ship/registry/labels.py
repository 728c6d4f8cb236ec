"""The names of an image's labels: those of the OCI image spec 1.1 (annotations), and ours."""

OCI = "org.opencontainers.image."
VERSION = f"{OCI}version"
REVISION = f"{OCI}revision"
TITLE = f"{OCI}title"  # of a file in an artifact

OURS = "model-images."
MODEL = f"{OURS}model"
INPUTS = f"{OURS}inputs"  # the hash of all that the image follows from
EVALUATION = f"{OURS}evaluation"
DIGEST = f"{OURS}digest"  # of the image, at a container alone
EVALUATION_TYPE = f"application/vnd.{OURS}evaluation.v1+json"  # the media type of a kept evaluation
METRIC = f"{OURS}metric."  # and the name of a metric of the holdout
