"""The forms in which requests and answers travel over HTTP."""
