"""A mapping with a filter pattern that is no JSON object is refused, as on AWS.

Stock: it is accepted, and everything passes the filter.
"""

import json

from engine.mapping_checks import refuse_when


def apply() -> None:
    refuse_when(_wrong_pattern)


def _wrong_pattern(mapping) -> str | None:
    for entry in (mapping.get("FilterCriteria") or {}).get("Filters") or []:
        try:
            if isinstance(json.loads(entry["Pattern"]), dict):
                continue
        except (KeyError, TypeError, ValueError):
            pass
        return f"Invalid filter pattern definition: {entry}"
    return None
