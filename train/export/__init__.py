"""Write a fitted estimator as an ONNX graph proven equal to it, or as a pickle with the reason."""
