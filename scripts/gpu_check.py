"""Checks tcalc on a machine with a GPU: everything that CuPy computes beside what NumPy computes, and its speed beside PyTorch's.

    python scripts/gpu_check.py [--json FILE] [--quick] [--simulate]

Needs the repository, CuPy, NumPy and SciPy; PyTorch built for CUDA is used where it is there. Compared are the calls recorded from
PyTorch (tests/conformance/recorded), the gradient cases, the examples of all ops, random numbers (Philox's published answers, and
PyTorch's own on the same GPU), several devices where there are some, and the snippets. `--quick` takes two calls of each op.
`--simulate` runs all but the timings on the CPU's stand-in. Status: 0 when all agrees, 1 when something differs, 2 without a GPU.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
sys.path[:0] = [str(ROOT), *(str(TESTS / folder) for folder in ("devices", "conformance", "engine"))]

SHOWN = 12  # differences told one by one; all are in the JSON file
KNOWN = (  # Random123's answers for Philox 4x32-10: counter, key, words
    ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0x299F31D0A4093822, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
)
TIES = {"kthvalue"}  # which of several equal elements is named is nobody's promise
LARGE = 4_000_007  # more elements than a GPU has threads, so that their layout shows


class Check(NamedTuple):
    """One thing that was compared: how many cases, and what differs."""

    what: str
    cases: int
    wrong: list[str]
    note: str = ""


def main() -> int:
    """Run it all; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything found here")
    parser.add_argument("--quick", action="store_true", help="two recorded calls of each op, and no large timings")
    parser.add_argument("--simulate", action="store_true", help="the CPU stands in for two GPUs; nothing is timed")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    from tcalc.engine import backend, notices

    notices.collect()
    if options.simulate:
        backend.simulate(2)
    problem = backend.cuda_problem()
    if problem is not None:
        print(f"gpu_check: nothing was checked: {problem}", file=sys.stderr)
        return 2
    machine = facts(options.simulate)
    for name, value in machine.items():
        print(f"{name:10} {value}")
    checks = []
    for section in SECTIONS:
        start = time.perf_counter()
        check = attempted(section, options)
        checks.append(check)
        state = "differs" if check.wrong else "agrees" if check.cases else "not run"
        print(
            f"{check.what:44} {check.cases:6} cases  {state}{f' ({check.note})' if check.note else ''}  {time.perf_counter() - start:.1f} s"
        )
        for text in check.wrong[:SHOWN]:
            print(f"    {text[:300]}")
        if len(check.wrong) > SHOWN:
            print(f"    and {len(check.wrong) - SHOWN} more")
    timings = []
    if not options.simulate:
        from gpu_timings import timed

        timings = list(timed(options.quick, torch_on_gpu(False)))
    agrees = not any(check.wrong for check in checks)
    if options.json:
        found = {"date": time.strftime("%Y-%m-%d"), "machine": machine, "agrees": agrees}
        found |= {"checks": [check._asdict() for check in checks], "timings": [timing._asdict() for timing in timings]}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    wrong = sum(len(check.wrong) for check in checks)
    print(f"gpu_check: {'all agrees' if agrees else f'{wrong} differences'} on {machine['device']}, {sum(c.cases for c in checks)} cases")
    return 0 if agrees else 1


def facts(simulated: bool) -> dict[str, str]:
    """What the check ran on."""
    from tcalc.engine import backend, cuda

    def of(package: str) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            return "none"

    cupy = next((found for name in ("cupy", "cupy-cuda13x", "cupy-cuda12x") if (found := of(name)) != "none"), "none")
    names = [cuda.get_device_name(i) for i in range(backend.cuda_count())]
    return {
        "device": f"{len(names)} x {names[0]}" + (" (the CPU stands in)" if simulated and names[0] != "simulated" else ""),
        "driver": str(backend.gpu().cuda.runtime.driverGetVersion()),
        "cupy": cupy,
        "numpy": of("numpy"),
        "scipy": of("scipy"),
        "torch": of("torch"),
        "python": platform.python_version(),
    }


def attempted(section: Callable[[argparse.Namespace], Check], options: argparse.Namespace) -> Check:
    """A section's findings; one that breaks off is a difference, too."""
    try:
        return section(options)
    except Exception:
        return Check(section.__name__.replace("_", " "), 0, [traceback.format_exc(limit=-4)])


# --- random numbers -----------------------------------------------------------------------------------------------------


def random_numbers(_: argparse.Namespace) -> Check:
    """Philox's published answers on the GPU, and the same draws by NumPy."""
    from tcalc.engine import backend, philox

    np, xp = backend.np, backend.xp_of(backend.device("cuda", 0))
    wrong = []
    for counter, key, answer in KNOWN:
        words: Any = tuple(xp.full((1,), word, np.uint64) for word in counter)
        found = tuple(int(word.item()) for word in philox.philox4x32(words, key))
        if found != answer:
            wrong.append(f"Philox of {counter}: {found}, not {answer}")
    kinds = {"words32": 4, "words64": 2, "uniform32": 4, "uniform64": 2, "normal32": 4, "normal64": 2}
    for name, per_call in kinds.items():
        here, there = (philox.spread(module, 7, 12, 100_003, 2048, getattr(philox, name), per_call) for module in (np, xp))
        exact = name.startswith("words")
        if not np.allclose(backend.to_host(there), here, rtol=0 if exact else 1e-5, atol=0 if exact else 1e-5):
            wrong.append(f"{name}: the GPU's numbers are not NumPy's")
    return Check("random numbers: Philox", len(KNOWN) + len(kinds), wrong)


DRAWS: dict[str, Callable[[Any, int], Any]] = {
    "rand": lambda t, n: t.rand(n, device="cuda"),
    "rand float64": lambda t, n: t.rand(n, device="cuda", dtype=t.float64),
    "rand float16": lambda t, n: t.rand(n, device="cuda", dtype=t.float16),
    "uniform_(2, 5)": lambda t, n: t.empty(n, device="cuda").uniform_(2, 5),
    "randn": lambda t, n: t.randn(n, device="cuda"),
    "randn float64": lambda t, n: t.randn(n, device="cuda", dtype=t.float64),
    "randint(10)": lambda t, n: t.randint(10, (n,), device="cuda"),
    "randint(2**40)": lambda t, n: t.randint(2**40, (n,), device="cuda"),
    "random_": lambda t, n: t.empty(n, device="cuda").random_(),
    "bernoulli_(0.3)": lambda t, n: t.empty(n, device="cuda").bernoulli_(0.3),
    "bernoulli(p)": lambda t, n: t.bernoulli(t.full((n,), 0.3, device="cuda")),
    "exponential_": lambda t, n: t.empty(n, device="cuda").exponential_(2.0),
    "geometric_": lambda t, n: t.empty(n, device="cuda").geometric_(0.3),
    "cauchy_": lambda t, n: t.empty(n, device="cuda").cauchy_(),
    "log_normal_": lambda t, n: t.empty(n, device="cuda").log_normal_(),
}


def torch_numbers(options: argparse.Namespace) -> Check:
    """PyTorch's random numbers on the same GPU, seed by seed, for few elements and for more than it has threads."""
    what = "random numbers: beside PyTorch on this GPU"
    torch = torch_on_gpu(options.simulate)
    if torch is None:
        return Check(what, 0, [], "no PyTorch for CUDA here")
    import tcalc
    from tcalc.engine import backend

    np, wrong, cases = backend.np, [], 0
    for name, draw in DRAWS.items():
        for n in (10, LARGE):
            torch.manual_seed(3)
            tcalc.manual_seed(3)
            for turn in ("first", "second"):  # the second begins where the first left the generator
                theirs, ours = draw(torch, n).double().cpu().numpy(), draw(tcalc, n).double().cpu().numpy()
                same = np.isclose(ours, theirs, rtol=2e-3, atol=1e-5)  # fast sines and logarithms differ in the last places
                cases += 1
                if same.mean() < 0.9999:
                    wrong.append(f"{name}, {n} elements, {turn} draw: {same.mean():.2%} are PyTorch's")
    return Check(what, cases, wrong)


def torch_on_gpu(simulated: bool) -> Any:
    """PyTorch where it can use the GPU, else None."""
    if simulated:
        return None
    try:
        torch = import_module("torch")
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


# --- ops ----------------------------------------------------------------------------------------------------------------


def uses_chance(call: Callable[[], Any]) -> bool:
    """Whether a call on the CPU draws random numbers, of which a GPU has its own."""
    from tcalc.engine.random import default_generator

    before = default_generator.state()
    import_module("both").attempt(call)
    return default_generator.state() != before


def recorded_calls(options: argparse.Namespace) -> Check:
    """The calls recorded from PyTorch, on both devices: values, geometry, aliasing, gradients, second gradients, errors."""
    both, recorded = import_module("both"), import_module("recorded")
    from tcalc.engine import backend

    where, seen = backend.device("cuda", 0), defaultdict[str, int](int)
    wrong, cases = [], 0
    for call in recorded.load("calls"):
        name, function = call["name"], recorded.function(call)
        seen[name] += 1
        if name in TIES or (options.quick and seen[name] > 2):
            continue

        def given(call: Any = call) -> tuple[list[Any], dict[str, Any]]:
            return [recorded.decode(a) for a in call["args"]], {key: recorded.decode(value) for key, value in call["kwargs"].items()}

        args, kwargs = given()
        try:
            found = both.differences(function, args, kwargs, where, exact=False)
        except Exception as error:  # what the GPU raised where the CPU did not
            found = [f"{type(error).__name__}: {error}"]
        if found:
            args, kwargs = given()
            if uses_chance(lambda function=function, args=args, kwargs=kwargs: function(*args, **kwargs)):  # type: ignore[misc]  # bound in the loop
                continue
        cases += 1
        wrong += [f"{name}: {text}" for text in found]
    return Check("ops: calls recorded from PyTorch", cases, wrong)


def gradient_cases(options: argparse.Namespace) -> Check:
    """First and second gradients of every differentiable op, inputs not row-major."""
    both, table = import_module("both"), import_module("gradient_cases")
    from tcalc.engine import backend
    from tcalc.engine.namespace import manual_seed

    where: Any = backend.device("cuda", 0)
    with where:
        moved = list(table.cases())
    wrong, cases = [], 0
    for (name, here, inputs), (_, there, away) in list(zip(table.ALL, moved, strict=True))[:: 5 if options.quick else 1]:
        results = []
        for call, given, place in ((here, inputs, backend.CPU), (there, away, where)):
            manual_seed(both.SEED)
            with place:
                results.append(both.attempt(lambda call=call, given=given: call(*given)))  # type: ignore[misc]  # bound in the loop
        own, gone = both.tensors_in(inputs), both.tensors_in(away)
        if isinstance(results[1], both.Failed):
            found = [repr(results[1])]
        else:
            found = both.compared(*results, own, gone, where, exact=False) or both.gradients(*results, own, gone, where, exact=False)
        if found and uses_chance(lambda here=here, inputs=inputs: here(*inputs)):  # type: ignore[misc]  # bound in the loop
            continue
        cases += 1
        wrong += [f"{name}: {text}" for text in found]
    return Check("ops: gradients", cases, wrong)


def examples(_: argparse.Namespace) -> Check:
    """The example of every op, with the GPU as the default device: what it prints, devices aside."""
    both = import_module("both")
    from tcalc.engine import backend
    from tcalc.engine.namespace import manual_seed
    from tcalc.engine.registry import OPS

    where: Any = backend.device("cuda", 0)
    wrong, cases = [], 0
    for op in OPS.values():
        if not (op.function or op.method):
            continue
        manual_seed(0)
        try:
            with where:
                found = [(both.plain(shown, where), both.plain(wanted, where)) for shown, wanted in both.printed(op.doc)]
        except Exception as error:  # the example raises where it should not
            found = [(f"{type(error).__name__}: {error}", "no error")]
        differing = [f"{op.name}: {shown!r} instead of {wanted!r}" for shown, wanted in found if shown != wanted]
        if differing and uses_chance(lambda op=op: list(both.printed(op.doc))):  # type: ignore[misc]  # bound in the loop
            continue
        cases += 1
        wrong += differing
    return Check("ops: examples", cases, wrong)


# --- programs -----------------------------------------------------------------------------------------------------------


def several_devices(_: argparse.Namespace) -> Check:
    """nn.DataParallel over all GPUs, and a model cut over the first two: the gradients of one device."""
    import tcalc
    from tcalc.engine import backend

    what = "several devices"
    if backend.cuda_count() < 2:
        return Check(what, 0, [], "there is one GPU")
    nn, found = tcalc.nn, []
    for way in ("one", "copies", "cut"):
        tcalc.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        x = tcalc.randn(10, 6).to("cuda:0")
        model.to("cuda:0")
        if way == "cut":
            model[2].to("cuda:1")
            y = model[2](model[1](model[0](x)).to("cuda:1")).to("cuda:0")
        else:
            y = (model if way == "one" else nn.DataParallel(model))(x)
        y.pow(2).sum().backward()
        found.append([p.grad.cpu() for p in model.parameters()])
    wrong = [
        f"{way}: other gradients than on one device"
        for way, grads in zip(("DataParallel", "a model cut in two"), found[1:], strict=True)
        if not all(a.allclose(b, rtol=1e-4, atol=1e-5) for a, b in zip(found[0], grads, strict=True))
    ]
    return Check(what, 2, wrong)


def snippets(options: argparse.Namespace) -> Check:
    """The scripts of tests/snippets, in processes of their own: what PyTorch printed for them."""
    from tcalc.engine import backend

    wrong, cases, left = [], 0, ""
    for script in sorted((TESTS / "snippets").glob("*.py")):
        text = script.read_text()
        if "cuda:1" in text and backend.cuda_count() < 2:
            left = f"{script.name} needs two GPUs"
            continue
        words = ["-m", "tcalc", *(["--simulate-cuda", "2"] if options.simulate and "cuda" in text else []), "-f", str(script), "-F", "repr"]
        done = subprocess.run(
            [sys.executable, *words], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", cwd=ROOT, timeout=300, check=False
        )
        cases += 1
        if re.sub(r"0x[0-9a-f]+", "0x...", done.stdout) != script.with_suffix(".expected").read_text(encoding="utf-8"):
            wrong.append(f"{script.name}: status {done.returncode}, printed {done.stdout[-200:]!r}, {done.stderr[-200:]!r}")
    return Check("snippets", cases, wrong, left)


SECTIONS = (random_numbers, torch_numbers, recorded_calls, gradient_cases, examples, several_devices, snippets)

if __name__ == "__main__":
    sys.exit(main())
