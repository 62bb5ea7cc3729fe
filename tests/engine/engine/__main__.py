"""Starts the engine: `python -m engine` in its parent folder, or `python path/to/this/folder` from anywhere."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import environment  # noqa: E402
from engine.patching import ShapeError  # noqa: E402


def main() -> int:
    try:
        settings = environment.prepare()
        # Only now: ministack reads the environment while it is imported.
        from engine import mends, serve

        mends.apply_all(settings.without)
        serve.run(settings)
    except (environment.SettingsError, ShapeError) as error:
        print(f"engine: {error}", file=sys.stderr)
        return 2
    return 0


sys.exit(main())
