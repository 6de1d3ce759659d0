"""`check`: from a load to verdicts.

In call order: `check` runs it, `tally` adds up, `expected` says what is right, `report` judges and prints as
JSON. `steady` is the load that runs while something else happens. The statistics are in `core.verdict`.
"""

from proxyctl.verify.check import DEFAULT_REQUESTS, run
from proxyctl.verify.expected import Expected
from proxyctl.verify.report import Report
from proxyctl.verify.steady import SteadyLoad

__all__ = ["DEFAULT_REQUESTS", "Expected", "Report", "SteadyLoad", "run"]
