"""Leak probes: does anything but the features' meaning tell the answers? Is the metric sound?

Like the checks of `verifying.verify`, which lists and runs them: the docstring says what holds,
each line that is yielded is a way in which it does not. A `Note` is worth a look and fails nothing.
What is meant to be so, a competition says in its facts: `accepted={"the check": "why"}`.
"""
