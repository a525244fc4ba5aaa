"""Types that the contracts in `docs` define; `scripts/generate_types.py` makes all modules of this package."""
