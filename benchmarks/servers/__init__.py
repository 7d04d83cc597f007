"""The Flask applications that the service is compared with."""
