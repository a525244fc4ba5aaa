"""Runs the tests: every `test_*` of every module, all at the same time, each with a bound.

    RUNBUS_DROPIN='{...}' python tests/dropin [NAME ...]
"""

import asyncio
import importlib
import pathlib
import sys
import time
import traceback

BOUND_S = 180


async def run(name, test):
    begun = time.monotonic()
    try:
        await asyncio.wait_for(test(), BOUND_S)
        print(f"ok      {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        return True
    except Exception:
        print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
        return False


async def main(wanted):
    here = pathlib.Path(__file__).parent
    tests = []
    for path in sorted(here.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, test in vars(module).items():
            if name.startswith("test_") and (not wanted or any(part in f"{path.stem}.{name}" for part in wanted)):
                tests.append((f"{path.stem}.{name}", test))
    done = await asyncio.gather(*(run(name, test) for name, test in tests))
    print(f"{sum(done)} of {len(done)} passed", flush=True)
    return 0 if done and all(done) else 1


sys.exit(asyncio.run(main(sys.argv[1:])))
