"""TARGET=compose: replicas behind nginx on this host, watched by Prometheus."""
