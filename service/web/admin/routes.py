"""All routes of operators."""

from flask import Flask

from service.web.admin import loading, reading, swaps
from service.web.process import WebProcess


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    for part in (swaps, loading, reading):
        part.add_routes(app, process)
