"""The binomial distribution: the chance of so many successes or more, for any number of rows."""

from math import erfc, exp, lgamma, log, log1p, pi, sqrt

import numpy as np

EXACT_VARIANCE = 1e8  # up to here the tail is summed, at most some 100,000 terms


def tail(successes: int, rows: int, probability: float) -> float:
    """P(X >= successes), to about nine digits; to four where the variance is above 1e8."""
    if successes <= 0:
        return 1.0
    if successes > rows or probability <= 0:
        return 0.0
    if probability >= 1:
        return 1.0
    failure = 1 - probability
    if rows * probability * failure > EXACT_VARIANCE:
        return _normal_tail(successes - 0.5, rows, probability)
    if successes > rows * probability:
        return min(1.0, _sum_from(successes, rows, probability, failure))
    return max(0.0, 1 - _sum_from(rows - successes + 1, rows, failure, probability))


def point(successes: int, rows: int, probability: float) -> float:
    """P(X = successes), for a probability between 0 and 1, both left out."""
    return exp(_log_point(successes, rows, probability, 1 - probability))


def _sum_from(first: int, rows: int, probability: float, failure: float) -> float:
    """The tail above the mean: each term is the one before times a ratio that falls."""
    # By Bernstein's inequality what lies further out is below 1e-30 of the first term.
    reach = int(12 * sqrt(rows * probability * failure)) + 60
    step = np.arange(min(rows - first, reach), dtype=np.float64)
    ratios = (rows - first - step) / (first + 1 + step) * (probability / failure)
    series = 1 + float(np.cumprod(ratios).sum())
    return exp(_log_point(first, rows, probability, failure)) * series


def _log_point(successes: int, rows: int, probability: float, failure: float) -> float:
    """Loader's form (2000), which loses no digits where the binomial coefficient is huge."""
    if successes == 0:
        return rows * log1p(-probability)
    if successes == rows:
        return rows * log1p(-failure)
    others = rows - successes
    return (
        _stirling_rest(rows)
        - _stirling_rest(successes)
        - _stirling_rest(others)
        - _deviance(successes, rows * probability)
        - _deviance(others, rows * failure)
        + 0.5 * (log(rows) - log(2 * pi) - log(successes) - log(others))
    )


def _normal_tail(successes: float, rows: int, probability: float) -> float:
    """By the signed root of the deviance; Zubkov and Serov (2013) prove the error below a point."""
    mean = rows * probability
    deviance = _deviance(successes, mean)
    if successes < rows:
        deviance += _deviance(rows - successes, rows * (1 - probability))
    root = sqrt(max(0.0, deviance))  # in units of sqrt(2) standard deviations, as erfc has it
    return 0.5 * erfc(root if successes > mean else -root)


def _deviance(seen: float, expected: float) -> float:
    """seen·ln(seen / expected) + expected - seen, without the loss of digits near 0."""
    excess = (seen - expected) / expected
    return expected * ((1 + excess) * log1p(excess) - excess)


def _stirling_rest(number: int) -> float:
    """What Stirling's formula lacks of ln(number!)."""
    if number < 16:
        return lgamma(number + 1) - (number + 0.5) * log(number) + number - 0.5 * log(2 * pi)
    square = 1 / (number * number)
    return (1 / 12 - square * (1 / 360 - square / 1260)) / number
