"""HTTP: the ASGI front that answers predictions, and the Flask application that answers all."""
