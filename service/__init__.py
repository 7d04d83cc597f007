"""kerasd: a model serving microservice for Keras."""

__version__ = "0.1.0"
