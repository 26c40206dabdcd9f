"""Reads what Ortho wrote, in FOLDER, and compares it with the values that make.py counts up.

    python3 check.py FOLDER
"""
import sys
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from make import values

folder = Path(sys.argv[1])
DTYPES = {"Bool": "b1", "Int32": "i4", "Int64": "i8", "Half": "f2", "Float32": "f4", "Float64": "f8", "Complex64": "c8", "Complex128": "c16"}


def same(x, expected, what):
    assert x.dtype == expected.dtype, f"{what}: {x.dtype}"
    assert x.shape == expected.shape, f"{what}: {x.shape}"
    np.testing.assert_array_equal(x, expected, what)


def check_npz(name):
    with np.load(folder / name) as arrays:
        assert set(arrays) == {*DTYPES, "grün"}, list(arrays)
        for dtype, code in DTYPES.items():
            same(arrays[dtype], values((2, 3), code), f"{name} {dtype}")


for dtype, code in DTYPES.items():
    same(np.load(folder / f"{dtype}.npy"), values((2, 3), code), dtype)
    same(np.load(folder / f"{dtype}-transposed.npy"), values((2, 3), code).T, dtype)
check_npz("stored.npz")
check_npz("deflated.npz")

tensors = safetensors.numpy.load_file(folder / "plain.safetensors")
assert set(tensors) == set(DTYPES) - {"Complex64", "Complex128"}, list(tensors)
for dtype, x in tensors.items():
    same(x, values((2, 3), DTYPES[dtype]), f"safetensors {dtype}")
with safetensors.safe_open(folder / "plain.safetensors", "np") as file:
    assert file.metadata() == {"written by": "Ortho ü"}, file.metadata()
(name, brain), = safetensors.deserialize((folder / "brain.safetensors").read_bytes())
assert (name, brain["dtype"], brain["shape"]) == ("w", "BF16", [2, 3]), brain
upper = np.frombuffer(bytes(brain["data"]), "<u2").astype("<u4") << 16
same(upper.view("<f4").reshape(2, 3), values((2, 3), "<f4"), "BF16")
print("all as expected")
