"""The OpenAPI document: bodies as pydantic models, operations as plain data, one assembly."""
