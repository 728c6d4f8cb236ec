"""TARGET=kubernetes: manifests by kustomize, and a rollout by kubectl."""
