"""The variables that hold the credentials of a model's data; this module needs no package."""

from __future__ import annotations

DATABASE = "DATABASE_URL"  # the variable that holds a database's address, which is a secret
GOOGLE = "GOOGLE_APPLICATION_CREDENTIALS"  # the path of a key file, or its content, a secret
# The variables that reach the step which reads the rows, and nothing else.
SECRETS = (
    DATABASE, GOOGLE, "STORAGE_EMULATOR_HOST", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)  # fmt: skip
