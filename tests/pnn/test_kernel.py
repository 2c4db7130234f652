"""The native kernels against the pure-PyTorch forms."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nonideal.files import compiled
from nonideal.pnn import (
    DSTD,
    BadParameter,
    Discharger,
    Exact,
    RCSpikeLinear,
    Reversal,
    membrane_dstd,
    membrane_exact,
)
from nonideal.pnn.dstd import grid
from nonideal.pnn.fused_operator import synapse
from nonideal.pnn.native import build, kernel, kernel_name
from nonideal.pnn.wiring import Wiring

pytestmark = pytest.mark.skipif(kernel() is None, reason="no C++ compiler: the native kernel is not built")

PAPER = Reversal.constant(2.80, -1.53)
CURVED = Reversal((0.36, 0.01), (-0.68, 0.05), (0.0, 3.0), (0.0, 3.0))
REVERSALS = {
    "paper": PAPER,
    "curved": CURVED,
    "ideal": Reversal.ideal(math.inf),
    "strong": Reversal.ideal(0.05),
}
PATTERNS = ("random", "silent", "at once", "early", "positive", "negative")


def draw(seed: int, shape: tuple[int, int, int], pattern: str) -> tuple[Tensor, Tensor, Tensor]:
    """Spike times, weights and an output gradient, float64."""
    batch, n_in, n_out = shape
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(batch, n_in, generator=generator, dtype=torch.float64) * 1.4 - 0.1
    w = torch.randn(n_out, n_in, generator=generator, dtype=torch.float64) / math.sqrt(n_in)
    grad = torch.randn(batch, n_out, generator=generator, dtype=torch.float64)
    if pattern == "silent":
        t = t + 2.0
    elif pattern == "at once":
        t = torch.full_like(t, 0.37)
    elif pattern == "early":
        t = -t.abs()
    elif pattern in ("positive", "negative"):
        w = w.abs() * (1.0 if pattern == "positive" else -1.0)
    return t, w, grad


def evaluate(
    function: Callable[[Tensor, Tensor], Tensor], t: Tensor, w: Tensor, grad: Tensor
) -> list[Tensor]:
    """v and the gradients of t and w."""
    t, w = t.clone().requires_grad_(), w.clone().requires_grad_()
    v = function(t, w)
    return [v.detach(), *torch.autograd.grad(v, (t, w), grad)]


def assert_same(native: list[Tensor], plain: list[Tensor], tolerance: float) -> None:
    for a, b, name in zip(native, plain, ("v", "dt", "dw"), strict=True):
        scale = max(1.0, b.abs().max().item())
        assert (a.double() - b).abs().max().item() <= tolerance * scale, name


SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 60), st.integers(1, 90))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    shape=SHAPES,
    steps=st.integers(1, 12),
    offset=st.floats(0.0, 0.99),
    order=st.sampled_from([2, 3]),
    reversal=st.sampled_from(sorted(REVERSALS)),
    pattern=st.sampled_from(PATTERNS),
)
def test_dstd_is_the_pytorch_form(
    seed: int, shape: tuple[int, int, int], steps: int, offset: float, order: int, reversal: str, pattern: str
) -> None:
    t, w, grad = draw(seed, shape, pattern)
    edges, physics = grid(steps, offset / steps), REVERSALS[reversal]

    class Fixed(DSTD):
        def edges(self, generator: torch.Generator | None = None) -> tuple[float, ...]:
            return edges

    method = Fixed(steps, order=order)  # type: ignore[arg-type]
    plain = evaluate(lambda t, w: membrane_dstd(t, w, physics.conductance(w), edges, order == 3), t, w, grad)
    assert_same(evaluate(lambda t, w: method.membrane(t, w, physics), t, w, grad), plain, 1e-11)
    assert_same(
        evaluate(lambda t, w: method.membrane(t, w, physics.conductance(w)), t, w, grad), plain, 1e-11
    )
    single = evaluate(lambda t, w: method.membrane(t, w, physics), t.float(), w.float(), grad.float())
    if (
        pattern != "at once" and reversal != "strong"
    ):  # float32 may put a spike on the other side of a grid point
        assert (single[0].double() - plain[0]).abs().max().item() < 2e-6
    assert all(bool(torch.isfinite(x).all()) for x in single)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    shape=SHAPES,
    reversal=st.sampled_from(sorted(REVERSALS)),
    pattern=st.sampled_from(PATTERNS),
)
def test_exact_is_the_pytorch_form(
    seed: int, shape: tuple[int, int, int], reversal: str, pattern: str
) -> None:
    t, w, grad = draw(seed, shape, pattern)
    physics, method = REVERSALS[reversal], Exact()
    plain = evaluate(lambda t, w: membrane_exact(t, w, physics.conductance(w)), t, w, grad)
    native = evaluate(lambda t, w: method.membrane(t, w, physics), t, w, grad)
    given = evaluate(lambda t, w: method.membrane(t, w, physics.conductance(w)), t, w, grad)
    if pattern in (
        "at once",
        "early",
    ):  # the order of simultaneous spikes is free: their gradients are one-sided
        native[1], given[1] = plain[1], plain[1]
    assert_same(native, plain, 1e-9 if reversal == "strong" else 1e-11)
    assert_same(given, plain, 1e-9 if reversal == "strong" else 1e-11)
    single = evaluate(lambda t, w: method.membrane(t, w, physics), t.float(), w.float(), grad.float())
    assert (single[0].double() - plain[0]).abs().max().item() < (5e-5 if reversal == "strong" else 2e-6)


@pytest.mark.parametrize("method", [DSTD(4), DSTD(5, order=3), Exact()])
@pytest.mark.parametrize("reversal", [PAPER, CURVED])
def test_gradcheck(method: DSTD | Exact, reversal: Reversal) -> None:
    t, w, _ = draw(3, (2, 7, 19), "random")
    t = t.clamp(0.01, 1.2).requires_grad_()
    assert torch.autograd.gradcheck(lambda t, w: method.membrane(t, w, reversal), (t, w.requires_grad_()))


@pytest.mark.parametrize("method", [DSTD(6), DSTD(6, order=3), Exact()])
def test_single_precision_at_the_size_of_mnist(method: DSTD | Exact) -> None:
    t, w, grad = draw(4, (8, 784, 100), "random")
    t[(t * 6 % 1 - 0.5).abs() > 0.499] = 0.05  # none within float32 rounding of a grid point
    double = evaluate(lambda t, w: method.membrane(t, w, PAPER), t, w, grad)
    single = evaluate(lambda t, w: method.membrane(t, w, PAPER), t.float(), w.float(), grad.float())
    for a, b in zip(single, double, strict=True):
        assert (a.double() - b).norm() / b.norm() < 1e-6


@pytest.mark.parametrize("method", [DSTD(4), Exact()])
def test_nan_spike_spoils_its_own_sample_only(method: DSTD | Exact) -> None:
    t, w, _ = draw(5, (3, 6, 20), "random")
    t[1, 2] = math.nan
    v = method.membrane(t, w, PAPER)
    assert torch.isnan(v).any(dim=1).tolist() == [False, True, False]


@pytest.mark.parametrize("method", [DSTD(4), Exact()])
def test_large_decay_does_not_overflow(method: DSTD | Exact) -> None:
    t, w, _ = draw(6, (3, 50, 20), "random")
    for dtype in (torch.float32, torch.float64):
        weight = (w.to(dtype) * 1e4).requires_grad_()
        v = method.membrane(t.to(dtype), weight, PAPER)
        v.sum().backward()
        assert bool(torch.isfinite(v).all())
        assert bool(torch.isfinite(weight.grad).all())  # type: ignore[arg-type]


@pytest.mark.parametrize("method", [DSTD(4), Exact()])
def test_one_operator_for_compile_and_autocast(method: DSTD | Exact) -> None:
    layer = RCSpikeLinear(12, 30, PAPER, method=method)
    t = torch.rand(4, 12, generator=torch.Generator().manual_seed(0)).requires_grad_()
    eager = layer(t).membrane
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)(t).membrane
    torch.testing.assert_close(compiled, eager)
    for a, b in zip(
        torch.autograd.grad(compiled.sum(), (t, layer.weight)),
        torch.autograd.grad(eager.sum(), (t, layer.weight)),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = layer.method.membrane(t.to(torch.bfloat16).float(), layer.weight, PAPER)
    assert low.dtype == torch.float32


def test_operator_check() -> None:
    t, _, _ = draw(7, (2, 1, 4), "random")
    arguments = (t.unsqueeze(1), torch.rand(1, 4, dtype=torch.float64, requires_grad=True), None)
    taps = torch.zeros(1, 1, dtype=torch.int32)
    _, numbers = synapse(CURVED, Wiring(charge_positive=1e-3))
    torch.library.opcheck(
        torch.ops.nonideal.membrane_dstd.default,
        (*arguments, taps, numbers, grid(3), (1e-3, 0.155, 1e-3, 1.0), False, True),
        test_utils=("test_schema", "test_faketensor"),
    )
    torch.library.opcheck(
        torch.ops.nonideal.membrane_exact.default,
        (*arguments, taps, numbers, (1e-3, 0.155, 1e-3, 1.0)),
        test_utils=("test_schema", "test_faketensor"),
    )


def test_without_a_compiler_the_pytorch_form_runs_and_says_so(tmp_path: Path) -> None:
    code = (
        "import logging; logging.basicConfig(level=logging.INFO)\n"
        "import torch; from pnn import DSTD, Reversal; from nonideal.pnn.native import kernel_name\n"
        "torch.manual_seed(0); t, w = torch.rand(3, 5), torch.randn(4, 5)\n"
        "print(kernel_name(), DSTD(4).membrane(t, w, Reversal.ideal(4.0)).double().sum().item())"
    )

    def run(**changes: str) -> tuple[str, str]:
        environment = {**os.environ, "NONIDEAL_CACHE": str(tmp_path), **changes}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout, done.stderr

    broken, said = run(CXX=str(tmp_path / "no-such-compiler"))
    plain, _ = run(NONIDEAL_KERNEL="pytorch")
    assert broken == plain
    assert plain.startswith("pytorch ")
    assert "no-such-compiler" in said
    assert kernel_name() == "native"
    torch.manual_seed(0)
    t, w = torch.rand(3, 5), torch.randn(4, 5)
    native = DSTD(4).membrane(t, w, Reversal.ideal(4.0)).double().sum().item()
    assert float(plain.split()[1]) == pytest.approx(native, abs=1e-5)


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_a_damaged_library_is_never_loaded_and_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # What is compiled does not matter here, only whether it is kept and found whole.
    (tmp_path / "tiny.cpp").write_text("int one() { return 1; }\n")
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "__file__", str(tmp_path / "build.py"))
    monkeypatch.setattr(build, "SOURCES", ("tiny.cpp",))
    monkeypatch.setattr(compiled, "NATIVE", ("",))
    monkeypatch.setattr(build, "_SIGNATURES", {})
    load = build.kernel.__wrapped__  # type: ignore[attr-defined]

    def said() -> str:
        caplog.clear()
        assert load() is not None
        return " ".join(one.getMessage() for one in caplog.records if one.levelname == "WARNING")

    assert said().startswith("compiling the training kernel with"), "announced though nobody reads a log"
    (kept,) = (tmp_path / "cache").iterdir()
    content = kept.read_bytes()
    assert said() == "", "the second time it is there"
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    for damaged in (content[:middle], flipped, b"x" * len(content), b"", content[:-88]):
        kept.unlink()  # the loaded one stays as it is
        kept.write_bytes(damaged)
        assert said().startswith("the kept training kernel is damaged, compiling it anew")
        assert compiled.is_whole(kept)


@pytest.mark.parametrize("method", [DSTD(4), Exact()])
def test_mixed_precision_and_wrong_shapes_are_refused_not_misread(method: DSTD | Exact) -> None:
    t, w, _ = draw(8, (2, 5, 4), "random")
    with pytest.raises(BadParameter, match=r"float32.*float64"):
        method.membrane(t.float(), w, PAPER)
    with pytest.raises(BadParameter, match=r"\(2, 5\).*\(4, 3\)"):
        method.membrane(t, w[:, :3], PAPER)
    with pytest.raises(BadParameter, match="contiguous"):
        method.membrane(t, w, PAPER.conductance(w).float())


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    shape=SHAPES,
    b=st.sampled_from([0.0, 1e-9, 1e-3, 0.155, 0.9, -0.3, -10.0]),
    scale=st.sampled_from([1.0, 20.0]),
    outputs=st.sampled_from(["both", "v", "time"]),
)
def test_firing_in_one_pass_is_membrane_and_ramp(
    seed: int, shape: tuple[int, int, int], b: float, scale: float, outputs: str
) -> None:
    t, w, grad = draw(seed, shape, "random")
    w, discharger, method = w * scale, Discharger(b), DSTD(5)

    def weighed(v: Tensor, time: Tensor) -> Tensor:
        return {"both": v * v + 0.3 * time, "v": v, "time": time}[outputs]

    def plain(t: Tensor, w: Tensor) -> Tensor:
        v = membrane_dstd(t, w, PAPER.conductance(w), grid(5))
        return weighed(v, discharger.unclipped(v))

    def native(t: Tensor, w: Tensor) -> Tensor:
        return weighed(*method.firing(t, w, PAPER, discharger))

    assert_same(evaluate(native, t, w, grad), evaluate(plain, t, w, grad), 1e-11)
    v, time = method.firing(t.float(), w.float(), PAPER, discharger)
    same = discharger.unclipped(v.double())
    assert bool(((time.double() - same).abs() <= 1e-6 * same.abs().clamp(min=1.0)).all())


@pytest.mark.parametrize("b", [0.0, 0.155, -0.3])
def test_gradcheck_of_firing(b: float) -> None:
    t, w, _ = draw(9, (2, 7, 19), "random")
    t = t.clamp(0.01, 1.2).requires_grad_()
    method, discharger = DSTD(4), Discharger(b)
    assert torch.autograd.gradcheck(
        lambda t, w: method.firing(t, w, PAPER, discharger), (t, w.requires_grad_())
    )


def test_spike_time_of_a_membrane_that_is_no_number() -> None:
    t, w, _ = draw(5, (3, 6, 20), "random")
    t[1, 2] = math.nan
    for dtype in (torch.float32, torch.float64):
        _, time = DSTD(4).firing(t.to(dtype), w.to(dtype), PAPER, Discharger(0.155))
        assert torch.isnan(time).any(dim=1).tolist() == [False, True, False]
