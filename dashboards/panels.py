"""The kinds of panels: each takes title, description, unit and queries, and looks alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import bargauge, common, heatmap, prometheus, stat
from grafana_foundation_sdk.builders import dashboard as frame
from grafana_foundation_sdk.builders import statetimeline as timeline
from grafana_foundation_sdk.builders import table as grid
from grafana_foundation_sdk.builders import timeseries as series
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.queries import Query

SOURCE = shapes.DataSourceRef(type_val="prometheus", uid="$datasource")
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"
Panel = Builder[models.Panel]
Steps = Sequence[tuple[float | None, str]]


@dataclass(frozen=True, slots=True)
class About:
    """What every panel says of itself."""

    title: str
    description: str
    unit: str = "short"
    span: int = 12
    height: int = 8


def graph(about: About, *queries: Query, stacked: bool = False, top: float | None = None) -> Panel:
    """Lines over time; `top` fixes the axis from 0 on."""
    panel = series.Panel().title(about.title).description(about.description).unit(about.unit)
    panel = panel.datasource(SOURCE).span(about.span).height(about.height)
    panel = panel.fill_opacity(30 if stacked else 5).line_width(1).axis_soft_min(0)
    legend = common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM)
    panel = panel.legend(legend.display_mode(shapes.LegendDisplayMode.LIST).calcs([]))
    tooltip = common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI)
    panel = panel.tooltip(tooltip.sort(shapes.SortOrder.DESCENDING))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    if top is not None:
        panel = panel.min(0).max(top)
    for target in _targets(queries):
        panel = panel.with_target(target)
    return panel


def number(about: About, query: Query, steps: Steps = ((None, BLUE),)) -> Panel:
    """One figure, coloured by the steps."""
    panel = stat.Panel().title(about.title).description(about.description).unit(about.unit)
    panel = panel.datasource(SOURCE).span(about.span).height(about.height)
    panel = panel.color_mode(shapes.BigValueColorMode.VALUE)
    panel = panel.graph_mode(shapes.BigValueGraphMode.AREA).thresholds(_thresholds(steps))
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    return panel.with_target(_targets([query])[0])


def bars(about: About, *queries: Query, top: float = 1, steps: Steps = ((None, BLUE),)) -> Panel:
    """One bar a series, by the newest values."""
    panel = bargauge.Panel().title(about.title).description(about.description).unit(about.unit)
    panel = panel.datasource(SOURCE).span(about.span).height(about.height)
    panel = panel.orientation(shapes.VizOrientation.HORIZONTAL).min(0).max(top)
    panel = panel.thresholds(_thresholds(steps))
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    for target in _targets(queries):
        panel = panel.with_target(target)
    return panel


def heat(about: About, query: Query) -> Panel:
    """The buckets of a histogram over time; the unit is that of the bounds."""
    panel = heatmap.Panel().title(about.title).description(about.description).unit(about.unit)
    panel = panel.datasource(SOURCE).span(about.span).height(about.height).calculate(False)
    colour = heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME)
    panel = panel.color(colour.scheme("Blues").steps(64))
    panel = panel.y_axis(heatmap.YAxisConfig().unit(about.unit)).show_legend()
    return panel.with_target(_targets([query])[0])


def states(about: About, *queries: Query, words: Mapping[str, tuple[str, str]]) -> Panel:
    """What was when; `words` says what a value means, and its colour."""
    results = {
        value: models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    panel = timeline.Panel().title(about.title).description(about.description).unit(about.unit)
    panel = panel.datasource(SOURCE).span(about.span).height(about.height)
    panel = panel.mappings([models.ValueMap(options=results)]).merge_values(True)
    panel = panel.show_value(shapes.VisibilityMode.AUTO).row_height(0.8)
    for target in _targets(queries):
        panel = panel.with_target(target)
    return panel


def rows(about: About, *queries: Query, names: Mapping[str, str]) -> Panel:
    """A table of the newest values, the queries side by side; `names` are the columns, in order."""
    order = {column: place for place, column in enumerate(names)}
    hidden = {"Time": True, "Value": True} if not any("Value" in name for name in names) else {}
    panel = _table(about, queries).with_transformation(
        models.DataTransformerConfig(id_val="merge", options={})
    )
    return panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": hidden or {"Time": True},
                "indexByName": order,
                "renameByName": dict(names),
            },
        )
    )


def matrix(about: About, query: Query, down: str, across: str) -> Panel:
    """A table of one label against another, its cells coloured by value."""
    grouping = {
        "rowField": down,
        "columnField": across,
        "valueField": "Value",
        "emptyValue": "null",
    }
    cells = shapes.TableColoredBackgroundCellOptions(
        mode=shapes.TableCellBackgroundDisplayMode.GRADIENT
    )
    panel = _table(about, [query]).min(0).cell_options(cells)
    scheme = frame.FieldColor().mode(models.FieldColorModeId.CONTINUOUS_BLUES)
    return panel.color_scheme(scheme).with_transformation(
        models.DataTransformerConfig(id_val="groupingToMatrix", options=grouping)
    )


def _table(about: About, queries: Sequence[Query]) -> grid.Panel:
    panel = grid.Panel().title(about.title).description(about.description).unit(about.unit)
    panel = panel.datasource(SOURCE).span(about.span).height(about.height).show_header(True)
    for target in _targets(queries):
        panel = panel.with_target(target.format(PromQueryFormat.TABLE))
    return panel


def _thresholds(steps: Steps) -> frame.ThresholdsConfig:
    levels = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return frame.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(levels)


def _targets(queries: Sequence[Query]) -> list[prometheus.Dataquery]:
    targets = []
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().expr(query.expression).ref_id(letter).datasource(SOURCE)
        target = target.legend_format(query.legend) if query.legend else target
        target = target.instant() if query.instant else target.range()
        target = target.format(PromQueryFormat.HEATMAP) if query.heatmap else target
        targets.append(target)
    return targets
