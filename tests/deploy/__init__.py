"""The chart, the manifests made of it, and the example for KServe."""
