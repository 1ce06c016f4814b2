"""Alert conditions go in; the states of the world that prove them come out, without a Prometheus.

`state` says what a state is, `series` which series the conditions need, `steady` what an
expression's value is in a state, and `solve` searches for a healthy state and for failing ones;
`neutral` lets services that are alike share it.
"""

from opsgen.proofs.conditions import Condition, Unprovable
from opsgen.proofs.solve import Proofs, Scenario, prove
from opsgen.proofs.state import Series, SeriesLevel, State, Unsupported
from opsgen.proofs.steady import evaluate

__all__ = [
    "Condition",
    "Proofs",
    "Scenario",
    "Series",
    "SeriesLevel",
    "State",
    "Unprovable",
    "Unsupported",
    "evaluate",
    "prove",
]
