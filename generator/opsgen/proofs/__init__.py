"""Alert conditions go in; the states of the world that prove them come out, without a Prometheus.

`state` says what a state is, `series` which series the conditions need, `steady` what an
expression's value is in a state, and `solve` searches for a healthy state and for failing ones;
`neutral` lets services that are alike share it.
"""

from opsgen.proofs.conditions import Condition, Unprovable
from opsgen.proofs.solve import Proofs, Scenario, prove
from opsgen.proofs.state import Level, Series, State, Unsupported
from opsgen.proofs.steady import evaluate

__all__ = [
    "Condition",
    "Level",
    "Proofs",
    "Scenario",
    "Series",
    "State",
    "Unprovable",
    "Unsupported",
    "evaluate",
    "prove",
]
