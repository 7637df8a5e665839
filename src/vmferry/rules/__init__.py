"""Rules: facts in, findings out. One file per subject, one small function per rule.

A rule says what it saw also where it passes (severity `info`), so that a report shows what was looked at. It never
stops at the first thing it finds, and what could not be seen is `unknown`, never a pass.
"""

from vmferry.rules.registry import Rule, all_rules, judge

__all__ = ["Rule", "all_rules", "judge"]
