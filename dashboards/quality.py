"""Model quality: how often is it right, for which classes, and can that be told already?"""

from dashboards.frame import Page, Row, note
from dashboards.panels import GREEN, RED, YELLOW, About, Panel, graph, number
from dashboards.quality_classes import classes, mix
from dashboards.quality_labels import estimate, labels, regression
from dashboards.quality_scores import evaluated, score
from dashboards.queries import Query

WINDOWS = ("1d", "1h", "7d", "all")
ROWS = 'kerasd_quality_rows{<version>, window="$window"}'
ACCURACY = "job_model_version:kerasd_accuracy:ratio_increase1d{<rule version>}"
F1 = "job_model_version:kerasd_f1_macro:ratio_increase1d{<rule version>}"
CAVEAT = (
    "**By prediction time**: figures with a *window* come from the database and count a label at "
    "the time of its prediction. **By arrival**: the confusion matrix and the rows that arrive are "
    "Prometheus counters, which count a label when it comes. A batch of late labels moves the "
    "second at once and the first not at all if its predictions are older than the window."
)


def quality() -> Page:
    """The page for those who answer for a model."""
    return Page(
        uid="kerasd-quality",
        title="kerasd / Model quality",
        description="Accuracy, precision, recall, confusion, class mix, confidence, labels.",
        rows=(
            Row("Now", _now()),
            Row("Over time", _course()),
            Row("Classes", classes()),
            Row("Class mix and confidence", mix()),
            Row("Before the labels", estimate()),
            Row("Labels", labels()),
            Row("Regression", regression()),
        ),
        one_model=True,
        windows=WINDOWS,
        span="now-7d",
    )


def _now() -> tuple[Panel, ...]:
    good = ((None, RED), (0.5, YELLOW), (0.8, GREEN))
    lift = ((None, RED), (0.0001, GREEN))
    about = "Of the versions chosen, the lowest, over the window."
    return (
        note("What the figures count", CAVEAT),
        number(
            About("Accuracy", f"How often it is right. {about}", "percentunit", 4, 4),
            Query(f'min({score("accuracy")})'), good,
        ),
        number(
            About(
                "Lift",
                "Accuracy minus the share of the largest class: at 0 and below, always answering "
                f"that class is as good. {about}",
                "percentunit", 4, 4,
            ),
            Query(f'min({score("lift")})'), lift,
        ),
        number(
            About("Macro F1", f"Mean over the classes, however rare. {about}", "percentunit", 4, 4),
            Query(f'min({score("f1", "macro")})'), good,
        ),
        number(
            About("Balanced accuracy", f"Mean recall of the classes. {about}", "percentunit", 4, 4),
            Query(f'min({score("balanced_accuracy")})'), good,
        ),
        number(
            About(
                "MCC",
                f"Correlation of truth and answer; guessing gets 0. {about}",
                "short", 4, 4,
            ),
            Query(f'min({score("mcc")})'), ((None, RED), (0.2, YELLOW), (0.5, GREEN)),
        ),
        number(
            About("Labelled rows", "What all of this rests on, over the window.", "none", 4, 4),
            Query(f"sum(max by (store, model, version) ({ROWS}))"),
            ((None, RED), (20, YELLOW), (100, GREEN)),
        ),
    )  # fmt: skip


def _course() -> tuple[Panel, ...]:
    return (
        graph(
            About(
                "Accuracy over time",
                "By version over the window, beside its validation score and the no-information "
                "rate, which is what always answering the largest class gets.",
                "percentunit",
            ),
            Query(score("accuracy"), "{{version}}"),
            evaluated("accuracy"),
            Query(score("no_information_rate"), "{{version}} no information"),
            top=1,
        ),
        graph(
            About(
                "Macro F1 over time",
                "By version over the window, beside its validation score.",
                "percentunit",
            ),
            Query(score("f1", "macro"), "{{version}}"),
            evaluated("f1_macro"),
            top=1,
        ),
        graph(
            About("MCC and kappa", "Agreement beyond chance, over the window.", "short"),
            Query(score("mcc"), "{{version}} MCC"),
            Query(score("kappa"), "{{version}} kappa"),
        ),
        graph(
            About(
                "By arrival",
                "Accuracy and macro F1 of the labels that came within a day, by the rules.",
                "percentunit",
            ),
            Query(f"max by (version) ({ACCURACY})", "{{version}} accuracy"),
            Query(f"max by (version) ({F1})", "{{version}} macro F1"),
            top=1,
        ),
    )
