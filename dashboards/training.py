"""Training: what runs, how it goes, and whether it came to anything."""

from dashboards.frame import Page, Row
from dashboards.panels import BLUE, GREEN, RED, YELLOW, About, Panel, graph, number, states
from dashboards.queries import Query, arrived

RUNS = "kerasd_training_runs_total"
PROGRESS = "kerasd_training_last_progress_timestamp_seconds{<model>}"


def training() -> Page:
    """The page for those who train."""
    return Page(
        uid="kerasd-training",
        title="kerasd / Training",
        description="Runs, their losses, learning rates and durations, schedules and promotions.",
        rows=(
            Row("Now", _now()),
            Row("Progress", _progress()),
            Row("Outcomes", _outcomes()),
        ),
        of_versions=False,
        span="now-24h",
    )


def _now() -> tuple[Panel, ...]:
    success = "max by (model) (kerasd_training_last_success_timestamp_seconds{<model>})"
    interval = "max by (model) (kerasd_training_schedule_interval_seconds{<model>})"
    failed = arrived(f'{RUNS}{{<model>, outcome="failed"}}', "model, trigger")
    return (
        number(
            About("In progress", "Runs that train now.", "none", 6, 4),
            Query("sum(max by (model) (kerasd_training_in_progress{<model>}))"),
        ),
        number(
            About("Since the last success", "Of the model that waits longest.", "s", 6, 4),
            Query(f"max(time() - ({success} > 0))"),
        ),
        number(
            About(
                "Overdue",
                "Time since the last success over the scheduled interval, of the model that is "
                "worst off; above 2 an alert fires.",
                "short", 6, 4,
            ),
            Query(f"max((time() - {success}) / ({interval} > 0))"),
            ((None, GREEN), (1.2, YELLOW), (2, RED)),
        ),
        number(
            About("Failed", "Runs that failed in the time shown.", "none", 6, 4),
            Query(f"sum({failed})"),
            ((None, GREEN), (1, RED)),
        ),
    )  # fmt: skip


def _progress() -> tuple[Panel, ...]:
    planned = "max by (model) (kerasd_training_epochs_planned{<model>})"
    return (
        states(
            About("Runs", "When a model was trained.", "none", 24, 6),
            Query("max by (model) (kerasd_training_in_progress{<model>})", "{{model}}"),
            words={"0": ("idle", "transparent"), "1": ("training", BLUE)},
        ),
        graph(
            About("Loss", "By data: training, validation. They part where it overfits.", "short"),
            Query("max by (model, split) (kerasd_training_loss{<model>})", "{{model}} {{split}}"),
        ),
        graph(
            About("Learning rate", "Of the run in progress, or of the last one.", "sci"),
            Query("max by (model) (kerasd_training_learning_rate{<model>})", "{{model}}"),
        ),
        graph(
            About("Epochs", "Done, of those planned.", "percentunit"),
            Query(
                f"max by (model) (kerasd_training_epoch{{<model>}}) / ({planned} > 0)", "{{model}}"
            ),
            top=1,
        ),
        graph(
            About(
                "Since the last progress", "Rises while a run hangs; an alert at 15 minutes.", "s"
            ),
            Query(
                f"(time() - max by (model) ({PROGRESS}))"
                " * max by (model) (kerasd_training_in_progress{<model>})",
                "{{model}}",
            ),
        ),
    )


def _outcomes() -> tuple[Panel, ...]:
    took = "kerasd_training_duration_seconds"
    return (
        graph(
            About(
                "Runs by outcome",
                "succeeded, failed, cancelled; not_promoted: trained, but no better than before.",
                "none",
            ),
            Query(f"max by (model, outcome) ({RUNS}{{<model>}})", "{{model}} {{outcome}}"),
        ),
        graph(
            About("Runs by trigger", "api, schedule, cli.", "none"),
            Query(
                f"sum by (model, trigger) (max by (model, trigger, outcome) ({RUNS}{{<model>}}))",
                "{{model}} {{trigger}}",
            ),
        ),
        graph(
            About("Duration", "Mean of all runs.", "s"),
            Query(
                f"max by (model) ({took}_sum{{<model>}})"
                f" / (max by (model) ({took}_count{{<model>}}) > 0)",
                "{{model}}",
            ),
        ),
        graph(
            About(
                "Since the last success, by model", "By model, beside the scheduled interval.", "s"
            ),
            Query(
                "time() - max by (model) (kerasd_training_last_success_timestamp_seconds{<model>})",
                "{{model}}",
            ),
            Query(
                "max by (model) (kerasd_training_schedule_interval_seconds{<model>}) > 0",
                "{{model}} interval",
            ),
        ),
    )
