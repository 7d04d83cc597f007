"""New versions over HTTP: received, inspected, published."""
