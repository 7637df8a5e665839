"""Rules: facts in, findings out. One file per subject, one small function per rule.

A rule says what it saw also where it passes (severity `info`), so that a report shows what was looked at. It never
stops at the first thing it finds, and what could not be seen is `unknown`, never a pass.
"""

from vmferry.rules.judge import findings_of, judge, judge_host
from vmferry.rules.registry import Rule, Scope, all_rules

__all__ = ["Rule", "Scope", "all_rules", "findings_of", "judge", "judge_host"]
