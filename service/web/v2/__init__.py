"""Open Inference Protocol version 2, as clients of Triton, KServe and MLServer speak it."""
