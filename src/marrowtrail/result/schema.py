"""The published JSON Schema of ``result.json``.

``python -m marrowtrail.result.schema`` prints it; ``docs/schemas/result.schema.json`` holds it.
"""

from __future__ import annotations

import json
import sys

from marrowtrail.result.model import ResultDocument


def result_schema_text() -> str:
    """The schema as it is published."""
    schema = ResultDocument.model_json_schema(mode="serialization", by_alias=True)
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(result_schema_text())
