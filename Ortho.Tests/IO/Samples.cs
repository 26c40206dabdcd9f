using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Tests.IO;

/// <summary>Tensors of every dtype and their bytes.</summary>
static class Samples
{
    /// <summary>Different elements, as far as the dtype has that many.</summary>
    public static Tensor Of(Shape shape, DType dtype, Device? device = null)
    {
        var bytes = new byte[shape.ElementCount * dtype.Size];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(dtype == DType.Bool ? i * 7 % 3 % 2 : i * 37 % 127);
        var tensor = Tensor.Empty(shape, dtype, device);
        if (bytes.Length > 0)
            tensor.Device.Upload(bytes, tensor.Storage.Block, 0);
        return tensor;
    }

    /// <summary>The elements in row-major order.</summary>
    public static byte[] Bytes(Tensor x)
    {
        var dense = x.Detach().To(Device.Cpu).Contiguous();
        var bytes = new byte[dense.ElementCount * dense.DType.Size];
        if (bytes.Length > 0)
            dense.Device.Download(dense.Storage.Block, dense.Layout.Offset * dense.DType.Size, bytes);
        GC.KeepAlive(dense);
        return bytes;
    }
}
