"""The training of `Ortho.Bench -- train` (orthogonal network) in PyTorch, for its memory and time: python3 mnist_training.py [DIR] [EPOCHS]

The same network, batch, optimizer and loss from the same kind of data; weights start at random. DIR holds MNIST's IDX test files, plain
or gzipped; without it, noise of the same size is trained on. Prints milliseconds per step, the last loss and the process's peak resident size.
"""
import gzip
import math
import os
import resource
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

BATCH, CHANNELS, FEATURES, MARGIN, TEMPERATURE = 64, 16, 128, 0.7, 8


def idx(folder, name, offset):
    path = os.path.join(folder, name)
    with (gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=offset)


def data(folder):
    if folder is None:
        return torch.rand(8000, 1, 28, 28), torch.randint(0, 10, (8000,))
    images = idx(folder, "t10k-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[:8000]
    labels = idx(folder, "t10k-labels-idx1-ubyte", 8)[:8000]
    return torch.from_numpy(images.astype(numpy.float32) / 255), torch.from_numpy(labels.astype(numpy.int64))


def cayley(free):
    """Orthonormal columns from a tall [..., rows, columns]."""
    columns = free.shape[-1]
    eye = torch.eye(columns, dtype=free.dtype)
    u, v = free[..., :columns, :], free[..., columns:, :]
    b = torch.linalg.inv(eye + u - u.mH + v.mH @ v)
    return torch.cat([2 * b - eye, -2 * v @ b], -2)


class OrthogonalConv(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(CHANNELS, 4, 3, 3) / 6)
        self.scale = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(CHANNELS))

    def forward(self, x):
        x = F.pixel_unshuffle(x, 2)
        height, width = x.shape[-2:]
        symbol = torch.fft.rfft2(self.kernel, s=(height, width)).conj().permute(2, 3, 0, 1)
        symbol = symbol * (self.scale / (torch.linalg.vector_norm(symbol) / math.sqrt(symbol.shape[0] * symbol.shape[1] * 4)))
        y = torch.einsum("hwoi,bihw->bohw", cayley(symbol), torch.fft.rfft2(x))
        return torch.fft.irfft2(y, s=(height, width)) + self.bias[:, None, None]


class OrthogonalLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.free = nn.Parameter(torch.randn(inputs, outputs) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ cayley(self.free) + self.bias


class MaxMin(nn.Module):
    def forward(self, x):
        a, b = x.unflatten(1, (-1, 2)).unbind(2)
        return torch.stack([torch.maximum(a, b), torch.minimum(a, b)], 2).flatten(1, 2)


def main():
    torch.set_num_threads(2)
    torch.manual_seed(1)
    images, labels = data(sys.argv[1] if len(sys.argv) > 1 else None)
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    network = nn.Sequential(OrthogonalConv(), MaxMin(), nn.Flatten(), OrthogonalLinear(CHANNELS * 14 * 14, FEATURES), MaxMin(), OrthogonalLinear(FEATURES, 10))
    optimizer = torch.optim.Adam(network.parameters(), 4e-3)
    times = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(BATCH):
            start = time.perf_counter()
            logits = network(images[batch])
            target = labels[batch]
            logits = logits - MARGIN * F.one_hot(target, 10)
            loss = F.cross_entropy(TEMPERATURE * logits, target) / TEMPERATURE
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            times.append(time.perf_counter() - start)
    times.sort()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{1000 * times[len(times) // 2]:.2f} ms/step, loss {loss.item():.4f}, peak resident {peak:.0f} MB, torch {torch.__version__}")


main()
