"""The Grafana dashboards as programs; `python -m dashboards.write` makes the JSON of them."""
