"""What the four dashboards share: variables, links to each other, marks for swaps."""

from collections.abc import Iterable
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as frame
from grafana_foundation_sdk.builders import prometheus, text
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import text as texts

from dashboards.panels import SOURCE, Panel
from dashboards.queries import Query

TAG = "kerasd"
EVERYTHING = ".+"
SCHEMA = 39
MARK = Query("max by (model, reason) (changes(kerasd_model_swaps_total{<model>}[rate])) > 0")


@dataclass(frozen=True, slots=True)
class Row:
    """Panels below one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard before it is built; `windows` are those that its gauges can be asked for."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    one_model: bool = False
    of_versions: bool = True
    windows: tuple[str, ...] = ()
    span: str = "now-6h"


def build(page: Page) -> models.Dashboard:
    """The dashboard as Grafana has it."""
    board = frame.Dashboard(page.title).uid(page.uid).description(page.description)
    board = board.tags([TAG]).readonly().tooltip(models.DashboardCursorSync.CROSSHAIR)
    board = board.time(page.span, "now").refresh("30s").timezone("browser").version(1)
    for variable in _variables(page):
        board = board.with_variable(variable)
    board = board.annotation(_swaps()).link(_links())
    for row in page.rows:
        board = board.with_row(frame.Row(row.title))
        for panel in row.panels:
            board = board.with_panel(panel)
    built = board.build()
    built.schema_version = SCHEMA
    for number, shown in enumerate(built.panels or [], start=1):
        shown.id_val = number
    return built


def note(title: str, content: str, span: int = 24, height: int = 3) -> Panel:
    """Words that belong beside the panels."""
    panel = text.Panel().title(title).description(content).span(span).height(height)
    return panel.mode(texts.TextMode.MARKDOWN).content(content)


def _variables(
    page: Page,
) -> Iterable[frame.QueryVariable | frame.CustomVariable | frame.DatasourceVariable]:
    yield frame.DatasourceVariable("datasource").label("Data source").type("prometheus")
    yield _asked("job", "Job", "label_values(kerasd_build_info, job)")
    yield _asked("instance", "Instance", 'label_values(kerasd_build_info{job=~"$job"}, instance)')
    model = 'label_values(kerasd_model_info{job=~"$job", instance=~"$instance"}, model)'
    yield _asked("model", "Model", model, many=not page.one_model)
    version = 'label_values(kerasd_model_info{job=~"$job", model=~"$model"}, version)'
    if page.of_versions:
        yield _asked("version", "Version", version, sort=models.VariableSort.NUMERICAL_DESC)
    if page.windows:
        first = models.VariableOption(selected=True, text=page.windows[0], value=page.windows[0])
        window = frame.CustomVariable("window").label("Window").values(",".join(page.windows))
        yield window.current(first)


def _asked(
    name: str,
    label: str,
    query: str,
    many: bool = True,
    sort: models.VariableSort = models.VariableSort.ALPHABETICAL_ASC,
) -> frame.QueryVariable:
    variable = frame.QueryVariable(name).label(label).query(query).datasource(SOURCE).sort(sort)
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    if not many:
        return variable
    return (
        variable.multi(True)
        .include_all(True)
        .all_value(EVERYTHING)
        .current(models.VariableOption(selected=True, text="All", value="$__all"))
    )


def _swaps() -> frame.AnnotationQuery:
    target = prometheus.Dataquery().expr(MARK.expression).ref_id("Swaps").range()
    mark = (
        frame.AnnotationQuery().name("Swaps").datasource(SOURCE).enable(True).icon_color("purple")
    )
    return mark.expr(MARK.expression).title_format("{{model}}: another version").target(target)


def _links() -> frame.DashboardLink:
    link = frame.DashboardLink("kerasd").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(False).include_vars(True).keep_time(True).placement("")
