"""Times in PyTorch of the works that `Ortho.Bench -- gpu` sends: torch_times.py DEVICE SECONDS < works.json > times.json

A work is {"name", "setup", "run"}: statements, and the expression that is timed. float32 products are float32's (no TensorFloat32).
SECONDS is the least length of a round; the time of a work is that of the median round. Works after the first failure still run.
"""
import json
import statistics
import sys
import time

import torch


def newton_schulz(x):
    """Five quintic steps on the normalised matrices: Ortho's NewtonSchulz()."""
    x = x / torch.linalg.matrix_norm(x, keepdim=True)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def seconds(code, names, device, runs):
    start = time.perf_counter()
    for _ in range(runs):
        eval(code, names)
    synchronize(device)
    return (time.perf_counter() - start) / runs


def measure(work, device, least):
    names = {"torch": torch, "device": device, "newton_schulz": newton_schulz, "rand": lambda *shape: 2 * torch.rand(*shape, device=device) - 1}
    exec(work["setup"], names)
    code = compile(work["run"], work["name"], "eval")
    for _ in range(2):
        one = seconds(code, names, device, 1)
    runs = int(min(10000, max(1, least / one)))
    rounds = int(min(7, max(1, 4 / (one * runs))))
    return statistics.median(seconds(code, names, device, runs) for _ in range(rounds))


def main():
    device, least = sys.argv[1], float(sys.argv[2])
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit(f"PyTorch {torch.__version__} finds no CUDA device")
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    times = []
    for work in json.load(sys.stdin):
        try:
            times.append({"name": work["name"], "seconds": measure(work, device, least)})
        except Exception as error:
            times.append({"name": work["name"], "error": f"{type(error).__name__}: {error}"})
    name = torch.cuda.get_device_name() if device == "cuda" else device
    json.dump({"version": torch.__version__, "device": name, "times": times}, sys.stdout)


main()
