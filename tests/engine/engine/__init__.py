"""The local engine: ministack, pinned, with this project's mends. See ../README.md."""
