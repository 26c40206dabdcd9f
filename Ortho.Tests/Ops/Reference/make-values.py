#!/usr/bin/env python3
"""Makes values.json: what NumPy, SciPy and PyTorch say about ops of Ortho, for ReferenceValueTests.

    make-values.py > values.json        needs numpy, scipy and torch (Debian 13: python3-scipy python3-torch)

Every case has the operands, the result and, where PyTorch made it, the gradients of the sum of result * weight, whose element i (row by row)
is weighted by 0.5 + i mod 3. Complex numbers are written as two numbers each.
"""
import json
import sys

import numpy as np
import scipy.linalg
import scipy.special
import torch

torch.set_default_dtype(torch.float64)
random = np.random.RandomState(7)
cases = []


def real(*shape, low=-2.0, high=2.0):
    return random.uniform(low, high, shape)


def complex_(*shape):
    return real(*shape) + 1j * real(*shape)


def array(x):
    """Type, shape and elements of an array."""
    x = np.asarray(x)
    flat = x.ravel() + 0  # truth values become numbers
    data = np.stack([flat.real, flat.imag], -1).ravel() if np.iscomplexobj(x) else flat
    return {"type": str(x.dtype), "shape": list(x.shape), "data": data.tolist()}


def numpy_case(name, op, function, *operands):
    """A value made by NumPy or SciPy."""
    cases.append({"name": name, "op": op, "by": "numpy", "operands": [array(x) for x in operands], "result": array(function(*operands))})


def torch_case(name, op, function, *operands):
    """A value and gradients made by PyTorch."""
    tensors = [torch.tensor(x, requires_grad=x.dtype.kind in "fc") for x in operands]
    y = function(*tensors)
    weight = (0.5 + torch.arange(y.numel()) % 3).reshape(y.shape).to(y.dtype)
    y.backward(weight)
    cases.append({"name": name, "op": op, "by": "torch", "operands": [array(x) for x in operands], "result": array(y.detach().numpy()),
                  "gradients": [array(t.grad.resolve_conj().numpy()) for t in tensors if t.requires_grad]})


def definite(x):
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1])


def main():
    # ---- pointwise
    torch_case("silu", "Silu", torch.nn.functional.silu, real(9))
    torch_case("gelu", "Gelu", torch.nn.functional.gelu, real(9))
    torch_case("gelu, tanh", "GeluTanh", lambda x: torch.nn.functional.gelu(x, approximate="tanh"), real(9))
    torch_case("softplus", "Softplus", torch.nn.functional.softplus, real(9))
    torch_case("pow", "Pow", torch.pow, real(2, 3, low=0.2), real(3))
    torch_case("complex quotient", "/", lambda a, b: a / b, complex_(2, 3), complex_(3))
    torch_case("complex square root", "Sqrt", torch.sqrt, complex_(7))
    numpy_case("erf", "Erf", scipy.special.erf, real(9, low=-4, high=4))
    numpy_case("expm1", "Expm1", np.expm1, real(9, low=-1e-3, high=1e-3))
    numpy_case("log1p", "Log1p", np.log1p, real(9, low=-1e-3, high=1e-3))

    # ---- reduction
    torch_case("softmax", "Softmax", lambda x: torch.softmax(x, 1), real(3, 5))
    torch_case("logsumexp", "LogSumExp", lambda x: torch.logsumexp(x, (0, 2)), real(2, 3, 4))
    torch_case("prod", "Prod", lambda x: x.prod(1), complex_(3, 4))
    torch_case("norm", "Norm", lambda x: torch.linalg.vector_norm(x, dim=(0, 1)), complex_(3, 2, 4))

    # ---- structure
    torch_case("permute", "Permute", lambda x: x.permute(2, 0, 1), real(2, 3, 4))
    torch_case("concat", "Concat", lambda a, b: torch.cat([a, b, a], 1), real(2, 3), real(2, 2))
    torch_case("diagonal", "Diagonal", lambda x: x.diagonal(dim1=-2, dim2=-1), complex_(2, 3, 5))
    torch_case("slice", "Slice", lambda x: x[:, 1:-1:2], real(2, 9))

    # ---- indexing
    torch_case("gather", "Gather", lambda x, i: x.gather(1, i), real(3, 5), random.randint(0, 5, (3, 4)))
    torch_case("scatter_add", "ScatterAdd", lambda x, i: torch.zeros(4, 3).scatter_add(0, i, x), real(6, 3), random.randint(0, 4, (6, 3)))
    numpy_case("argmax", "ArgMax", lambda x: x.argmax(1), real(3, 7))

    # ---- comparison, sorting
    numpy_case("less", "Less", np.less, real(3, 4), real(4))
    torch_case("sort", "Sort", lambda x: torch.sort(x, 1).values, real(3, 7))

    # ---- creation
    numpy_case("arange", "Arange", lambda: np.arange(5.0))
    numpy_case("eye", "Eye", lambda: np.eye(3, 4))

    # ---- matrix
    torch_case("matmul", "MatMul", torch.matmul, real(2, 1, 3, 4), real(5, 4, 2))
    torch_case("matmul of vectors", "MatMul", torch.matmul, complex_(4), complex_(3, 4, 2))
    numpy_case("matmul of integers", "MatMul", np.matmul, random.randint(-9, 9, (3, 4)), random.randint(-9, 9, (4, 2)))
    torch_case("multi_dot", "MultiDot", lambda *x: torch.linalg.multi_dot(x), real(3, 5), real(5, 2), real(2, 6))
    torch_case("matrix_power", "MatrixPower", lambda x: torch.linalg.matrix_power(x, -3), real(3, 3) + 4 * np.eye(3))

    # ---- linear algebra
    torch_case("solve", "Solve", torch.linalg.solve, complex_(2, 4, 4), complex_(4, 3))
    torch_case("solve_triangular", "TriangularSolve", lambda a, b: torch.linalg.solve_triangular(a, b, upper=False), real(3, 3) + 4 * np.eye(3), real(3, 2))
    torch_case("inverse", "Inverse", torch.linalg.inv, real(4, 4))
    torch_case("determinant", "Det", torch.linalg.det, complex_(2, 4, 4))
    torch_case("slogdet", "SlogDet", lambda x: torch.linalg.slogdet(x)[1], real(4, 4))
    torch_case("singular values", "SingularValues", torch.linalg.svdvals, complex_(5, 3))
    torch_case("nuclear norm", "MatrixNorm", lambda x: torch.linalg.matrix_norm(x, "nuc"), real(3, 4))
    torch_case("condition number", "Cond", torch.linalg.cond, real(4, 3))
    torch_case("pseudo-inverse", "PseudoInverse", torch.linalg.pinv, complex_(5, 3))
    torch_case("pseudo-inverse of rank 2", "PseudoInverse", lambda b, c: torch.linalg.pinv(b @ c, rtol=1e-8), real(5, 2), real(2, 4))
    torch_case("matrix exponential", "MatrixExp", torch.linalg.matrix_exp, real(2, 3, 3))
    torch_case("Hermitian eigenvalues", "EigValsh", lambda x: torch.linalg.eigvalsh((x + x.mH) / 2), complex_(4, 4))
    torch_case("sum of cubes of eigenvalues", "EigVals", lambda x: (torch.linalg.eigvals(x) ** 3).sum(), real(5, 5))
    numpy_case("cholesky", "Cholesky", lambda x: np.linalg.cholesky(definite(x)), complex_(4, 4))
    numpy_case("lu", "Lu", lambda x: np.concatenate(scipy.linalg.lu(x), 1), real(4, 4))
    numpy_case("least squares of rank 2", "LstSq", lambda b, c, y: np.linalg.lstsq(b @ c, y, rcond=1e-8)[0], real(5, 2), real(2, 4), real(5, 3))
    numpy_case("matrix rank", "MatrixRank", lambda b, c: np.linalg.matrix_rank(b @ c), real(5, 2), real(2, 4))
    numpy_case("matrix square root", "MatrixSqrt", lambda x: scipy.linalg.sqrtm(definite(x)), complex_(4, 4))
    numpy_case("eigenvalues", "EigVals", lambda x: np.sort_complex(np.linalg.eigvals(x)), complex_(6, 6))

    # ---- orthogonal
    torch_case("qr", "Qr", lambda x: torch.cat(torch.linalg.qr(x), 0), real(5, 3))
    numpy_case("qr, complex", "Qr", lambda x: np.concatenate(np.linalg.qr(x), 0), complex_(4, 4))
    numpy_case("polar", "PolarDecomposition", lambda x: np.concatenate(scipy.linalg.polar(x), 0), complex_(5, 3))
    torch_case("householder_product", "HouseholderFrame", householder, real(5, 3))

    # ---- fourier
    torch_case("fft", "Fft", torch.fft.fft, complex_(2, 15))
    torch_case("rfft", "Rfft", torch.fft.rfft, real(2, 12))
    torch_case("irfft", "Irfft", lambda x: torch.fft.irfft(x, 9), complex_(2, 5))
    torch_case("ifft2", "Ifft2", torch.fft.ifft2, complex_(2, 4, 6))
    torch_case("circular convolution", "CircularConv2d",
               lambda x, k: torch.nn.functional.conv2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="circular"), k), real(2, 3, 5, 6), real(4, 3, 3, 3))

    # ---- views, padding, index tensors, contractions
    first, second = random.randint(0, 4, (5, 1)), random.randint(-3, 3, 6)
    for mode, name in [("reflect", "reflect"), ("symmetric", "symmetric"), ("edge", "replicate"), ("wrap", "circular")]:
        numpy_case(f"pad, {name}", "Pad", lambda x, m=mode: np.pad(x, ((0, 0), (2, 1)), mode=m), real(2, 4))
    torch_case("unfold", "Unfold", lambda x: x.unfold(1, 3, 2), real(2, 8))
    torch_case("as_strided", "AsStrided", lambda x: x.as_strided((2, 3, 2), (6, 1, 2), 1), real(3, 4))
    torch_case("diag_embed", "DiagEmbed", lambda x: torch.diag_embed(x, -1, 0, 2), real(2, 3))
    torch_case("kron", "Kron", torch.kron, real(2, 3), real(3, 1, 2))
    torch_case("cross", "Cross", torch.linalg.cross, complex_(2, 3), complex_(2, 3))
    numpy_case("rot90", "Rot90", lambda x: np.rot90(x, 3, (0, 2)), real(2, 3, 4))
    numpy_case("take_along_axis", "TakeAlongDim", lambda x, i: np.take_along_axis(x, i, 1), real(3, 5), random.randint(-5, 5, (1, 4)))
    numpy_case("index, together", "Index", lambda x, i, j: x[:, i, j], real(2, 4, 3), first, second)
    numpy_case("index, apart", "Index", lambda x, i, j: x[i, :, j], real(4, 2, 3), first, second)
    numpy_case("index, a number apart", "Index", lambda x, j: x[1, :, j], real(4, 2, 3), second)
    numpy_case("index, a number beside", "Index", lambda x, j: x[..., 1, j, None], real(2, 4, 3), second)
    numpy_case("index, backwards", "Index", lambda x: x[3:0:-2, None, ..., ::-1], real(5, 2, 3))
    numpy_case("index, positive", "Index", lambda x: x[:, x[0] > 0], real(2, 3, 4))
    torch_case("index_put", "IndexPut", lambda x, v, j: x.index_put((torch.arange(2)[:, None], j), v, accumulate=True), real(2, 3), real(2, 6), second)
    for reduction in ["sum", "prod", "mean", "amax", "amin"]:
        for include in [True, False]:
            torch_case(f"scatter_reduce, {reduction}{', ' if include else ', not '}self", "ScatterReduce",
                       lambda x, v, i, r=reduction, s=include: x.scatter_reduce(0, i, v, r, include_self=s), real(4, 3), real(6, 3), random.randint(0, 4, (6, 3)))
    torch_case("masked_scatter", "MaskedScatter", lambda x, v: x.masked_scatter(x.detach() > 0, v), real(3, 4), real(12))
    torch_case("einsum of four", "Einsum", lambda a, b, c, d: torch.einsum("...ij,jk...,kl,l->i...", a, b, c, d), real(2, 3, 4), real(4, 2, 2), real(2, 3), real(3))
    torch_case("einsum of diagonals", "Einsum", lambda a, b: torch.einsum("iij,jk", a, b), complex_(3, 3, 2), complex_(2, 4))
    torch_case("tensordot", "TensorDot", lambda a, b: torch.tensordot(a, b, ([0, 2], [2, 0])), real(2, 3, 4), real(4, 5, 2))

    # ---- convolution
    conv = torch.nn.functional
    torch_case("conv1d", "Conv1d", lambda x, w, b: conv.conv1d(x, w, b, stride=2, padding=3, dilation=2), real(2, 3, 11), real(4, 3, 3), real(4))
    torch_case("conv2d", "Conv2d", lambda x, w, b: conv.conv2d(x, w, b, stride=(2, 3), padding=(1, 2), dilation=(2, 1), groups=2),
               real(2, 4, 7, 9), real(6, 2, 3, 2), real(6))
    torch_case("conv2d, same", "Conv2d", lambda x, w: conv.conv2d(x, w, padding="same"), real(1, 2, 4, 6), real(2, 2, 2, 4))
    torch_case("conv2d, complex", "Conv2d", lambda x, w, b: conv.conv2d(x, w, b, padding=1), complex_(1, 2, 4, 5), complex_(3, 2, 3, 3), complex_(3))
    torch_case("conv_transpose1d", "ConvTranspose1d", lambda x, w, b: conv.conv_transpose1d(x, w, b, stride=2, padding=1, output_padding=1),
               real(2, 3, 5), real(3, 2, 4), real(2))
    torch_case("conv_transpose2d", "ConvTranspose2d",
               lambda x, w, b: conv.conv_transpose2d(x, w, b, stride=(2, 3), padding=1, output_padding=(1, 0), dilation=(1, 2), groups=2),
               real(2, 4, 3, 4), real(4, 3, 3, 2), real(6))
    torch_case("conv_transpose2d, complex", "ConvTranspose2d", lambda x, w: conv.conv_transpose2d(x, w, stride=2), complex_(1, 2, 3, 2), complex_(2, 3, 3, 2))

    # ---- normalization
    torch_case("layer_norm", "LayerNorm", lambda x, w, b: torch.nn.functional.layer_norm(x, (5,), w, b), real(3, 5), real(5), real(5))

    libraries = f"NumPy {np.__version__}, SciPy {scipy.__version__}, PyTorch {torch.__version__}"
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    sys.stdout.write(f'{{"libraries":"{libraries}","cases":[\n{lines}\n]}}\n')


def householder(v):
    """H(v_1) H(v_2) ... from LAPACK's form, whose vectors have a 1 on the diagonal and zeros above."""
    unit = torch.tril(v, -1) + torch.eye(*v.shape)
    return torch.linalg.householder_product(torch.tril(v, -1), 2 / (unit * unit).sum(0))


main()
