"""What a forked process of the tests finds imported and read already; see `tests/forks.py`."""

import dashboard_api.__main__
import hub.app
import hub.commands.run
import tests.dashboard_api.serving
from hub.rule_files import rules_of_files
from hub.settings import Settings

__all__ = ["dashboard_api", "hub", "tests"]

rules_of_files(Settings())
