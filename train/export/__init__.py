"""A fitted estimator as ONNX, proven equal, or as a pickle with the reason."""
