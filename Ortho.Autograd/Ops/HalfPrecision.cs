using Ortho.Tensors;

namespace Ortho.Autograd;

/// <summary>How ops that have no arithmetic in 16 bits take such tensors: in float32, rounded once at the end.</summary>
static class HalfPrecision
{
    extension(Tensor x)
    {
        /// <summary>Whether the elements are BFloat16 or Half.</summary>
        public bool IsHalf => x.DType.IsHalfPrecision;

        /// <summary>The same values in a dtype that is computed in.</summary>
        public Tensor Wide => x.IsHalf ? x.To(DType.Float32) : x;
    }
}
