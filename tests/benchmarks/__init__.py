"""The parts of the benchmark that only compute, and its client against a small server."""
