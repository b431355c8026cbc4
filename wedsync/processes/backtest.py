"""`wedsync backtest`: how often alerts and predictions are right, played against series whose end is known."""

import sys

import msgspec

from wedsync.operations.slo import backtest, played
from wedsync.operations.slo.rules import BY_NAME


def run(*, seed: int, is_json: bool) -> int:
    """Needs no database and changes nothing; always 0."""
    alerts, predictions = played.run(seed), backtest.run(seed)
    if is_json:
        told = {"seed": seed, "alerts": alerts, "predictions": predictions}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
        return 0
    for line in lines(alerts, predictions):
        sys.stdout.write(line + "\n")
    return 0


def lines(alerts: played.Played, predictions: backtest.Backtest) -> list[str]:
    """As they are printed."""
    head = f"Alerts, played against {alerts.stretches} stretches whose incidents are known:"
    rows = [f"  {'rule':<21} {'precision':>9} {'recall':>7} {'after':>8} {'alerts':>7} {'incidents':>9}"]
    rows += [
        f"  {BY_NAME[one.rule].title:<21} {one.precision:>9.1%} {one.recall:>7.1%} {one.delay:>4.0f} min "
        f"{one.alerts:>7} {one.incidents:>9}"
        for one in alerts.scores
    ]
    wrong = ", ".join(f"{number} {name}" for name, number in alerts.false_alarms.items()) or "none"
    told = predictions
    return [
        head,
        *rows,
        f"  False alarms by what it was: {wrong}.",
        f"Predictions, played against {told.hours} hours whose end is known:",
        f"  precision {told.precision:.1%}, recall {told.recall:.1%}, {told.lead:.0f} min ahead, "
        f"{told.alerts} alerts, {told.incidents} incidents.",
    ]
