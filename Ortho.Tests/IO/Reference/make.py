"""Writes the reference files beside this script: what NumPy and the safetensors package write, for tests that run without Python.

    python3 make.py [FOLDER]

Needs numpy 2 and safetensors. Every array is counted up by `values`, so that the tests know what to expect.
"""
import json
import sys
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy


def values(shape, dtype):
    """Element k is k - 2, and (k - 2) + (k - 1) i; of unsigned types k, of bool whether k is odd."""
    k = np.arange(int(np.prod(shape)))
    if np.dtype(dtype).kind in "ub":
        return (k % 2 if np.dtype(dtype).kind == "b" else k).astype(dtype).reshape(shape)
    x = (k - 2).astype(dtype)
    return (x + 1j * (k - 1) if np.dtype(dtype).kind == "c" else x).astype(dtype).reshape(shape)


def save_npy(folder):
    for dtype in ["b1", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16",
                  ">i2", ">i4", ">i8", ">f2", ">f4", ">f8", ">c8", ">c16"]:
        name = dtype.replace("<", "").replace(">", "be-")
        np.save(folder / f"{name}.npy", values((2, 3), dtype))
    np.save(folder / "fortran.npy", np.asfortranarray(values((2, 3, 4), "<f4")))
    np.save(folder / "scalar.npy", np.float64(2.5))
    np.save(folder / "vector.npy", values((5,), "<i8"))
    np.save(folder / "empty.npy", np.zeros((3, 0, 2), "<f4"))
    for version in [(2, 0), (3, 0)]:
        with open(folder / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, values((2, 3), "<f4"), version=version)


def save_npz(folder):
    arrays = {"weight": values((3, 4), "<f4"), "labels": values((5,), "<i8"), "grün": values((2,), "b1")}
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "deflated.npz", **arrays)


def save_safetensors(folder):
    tensors = {f"{dtype}": values((2, 3), dtype) for dtype in
               ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]}
    safetensors.numpy.save_file(tensors, folder / "all.safetensors", metadata={"format": "np", "grün": "ja"})
    # NumPy has no bfloat16: the upper halves of float32 numbers.
    upper = (values((2, 3), "<f4").view("<u4") >> 16).astype("<u2")
    ortho = {"b.weight": ("float32", values((2, 3), "<f4")), "a.weight": ("float32", values((3,), "<f4")),
             "half": ("float16", values((2, 3), "<f2")), "brain": ("bfloat16", upper), "scalar": ("float64", np.float64(2.5)),
             "mask": ("bool", values((3,), "b1")), "none": ("int64", np.zeros((0, 2), "<i8"))}
    data = {name: {"dtype": dtype, "shape": list(np.shape(x)), "data": np.asarray(x).tobytes()} for name, (dtype, x) in ortho.items()}
    (folder / "ordered.safetensors").write_bytes(safetensors.serialize(data, {"epoch": "3"}))


def printed():
    random = np.random.default_rng(1)
    normal = lambda *shape, dtype="f8": random.standard_normal(shape).astype(dtype)
    yield "matrix", np.array([[1, 2.5], [-3.25, 100]], "f4")
    yield "whole", np.arange(12, dtype="f8").reshape(3, 4)
    yield "thirds", np.array([1, 2, 3], "f8") / 3
    yield "thirds32", np.array([1, 2, 3], "f4") / np.float32(3)
    yield "half", np.array([0.1, 1000, 65504], "f2")
    yield "half exponents", np.array([487.5, -0.1, 704.5, 1752], "f2")
    yield "half integers", np.array([16944, -9456], "f2")
    yield "wide", np.array([1e-3, 1, 12345.678], "f8")
    yield "large", np.array([1e8, 1, -2], "f4")
    yield "tiny", np.array([0.0001, 1e-5], "f4")
    yield "huge", np.array([1e-300, 1e300, 5e-324], "f8")
    yield "border", np.array([0.0001, 0.1], "f4")
    yield "ties", np.array([2.0 ** -9, 3 * 2.0 ** -9, -0.0, 0.5])
    yield "special", np.array([np.nan, np.inf, -np.inf, 0.5], "f4")
    yield "nan", np.array([np.nan, 1, 100])
    yield "infinite", np.array([np.inf, np.nan])
    yield "zeros", np.zeros((2, 2), "f4")
    yield "bools", np.array([[True, False], [False, True]])
    yield "integers", np.array([[1, -200], [30000, 4]], "i8")
    yield "small integers", np.array([7, -8], "i4")
    yield "complex", np.array([1 + 2j, -0.5 - 1e-3j, 3], "c8")
    yield "complex special", np.array([complex(np.nan, 1), complex(0, -np.inf), 1e9 + 1e-9j])
    yield "cube", np.arange(24, dtype="i4").reshape(2, 3, 4)
    yield "four", np.arange(16, dtype="f4").reshape(2, 2, 2, 2) / 4
    yield "wrapped", normal(3, 20)
    yield "wrapped integers", np.arange(40, dtype="i8")
    yield "long", np.arange(1001, dtype="f8")
    yield "long32", normal(1001, dtype="f4")
    yield "summary", normal(26, 40)
    yield "narrow summary", normal(260, 4, dtype="f4")
    yield "cube summary", np.arange(8 * 9 * 20, dtype="i8").reshape(8, 9, 20)
    yield "empty", np.zeros((0, 3), "f4")
    for name, scalar in [("one", np.float64(1)), ("tenth32", np.float32(0.1)), ("large scalar", np.float64(1e20)), ("tiny scalar", np.float64(1.5e-7)),
                         ("minus", np.float64(-2.5)), ("whole scalar", np.int64(-3)), ("true", np.bool_(True)), ("complex scalar", np.complex128(1 - 2.5j)),
                         ("imaginary", np.complex64(2j)), ("half scalar", np.float16(0.1)), ("nan scalar", np.float64(np.nan))]:
        yield name, np.array(scalar)


def save_printed(folder):
    cases = dict(printed())
    np.savez_compressed(folder / "printed.npz", **cases)
    (folder / "printed.json").write_text(json.dumps({name: str(x) for name, x in cases.items()}, indent=1) + "\n")


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    save_npy(folder)
    save_npz(folder)
    save_safetensors(folder)
    save_printed(folder)
