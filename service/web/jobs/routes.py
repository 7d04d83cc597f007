"""All routes of jobs, put together."""

from flask import Flask

from service.web.jobs import data_routes, evaluations, ordering, watching
from service.web.process import WebProcess


def add_routes(app: Flask, process: WebProcess) -> None:
    """Add them to the application."""
    watching.add_routes(app, process)
    ordering.add_routes(app, process)
    data_routes.add_routes(app, process)
    evaluations.add_routes(app, process)
