using Ortho.Tensors;
using NonZeroKernel = Ortho.Kernels.Indexing.NonZero;
using PositionsKernel = Ortho.Kernels.Indexing.Positions;

namespace Ortho.Autograd;

/// <summary>NumPy's x[...] as a method, for reading and for writing.</summary>
/// <remarks>Numbers, ranges, <see cref="TensorIndex.Ellipsis"/> and <see cref="TensorIndex.NewAxis"/> make a view. Tensors of positions
/// broadcast with each other, and their joint dimensions stand where the first of them was - or first of all when a range, an ellipsis or
/// a new dimension separates them (numbers count among them, as in NumPy). A Bool mask stands for the positions where it is true, for whose
/// number its device is waited for; nothing else is. What happens to positions outside is said at <see cref="IndexingOps"/>.</remarks>
[OpFamily("indexing")]
public static class IndexExpressionOps
{
    extension(Tensor x)
    {
        /// <summary>x[index]: a view where the index has no tensor, else a copy.</summary>
        /// <param name="index">For each dimension a number, range, tensor of positions or mask; see <see cref="TensorIndex"/>. Dimensions
        /// that are left stay whole.</param>
        /// <exception cref="TensorArgumentException">The index does not fit; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All, Waits = true)]
        public Tensor Index(params TensorIndex[] index)
        {
            var plan = Plan.Of("Index", x, index);
            var part = plan.View(x);
            return plan.At is null ? part : plan.Spread(IndexingOps.At("Index", plan.Merge(part), plan.Place, plan.At));
        }

        /// <summary>A copy of x with x[index] replaced. Where an index tensor names an element several times, the last value
        /// stays.</summary>
        /// <param name="index">As for <c>Index</c>.</param>
        /// <param name="value">Of x's dtype; it broadcasts to the shape of x[index].</param>
        /// <param name="accumulate">Whether values are added instead, all of them where an element is named several times.</param>
        /// <exception cref="TensorArgumentException">The index or the value does not fit; on the CPU also: the index points
        /// outside.</exception>
        [Op(Takes = Numbers.All, Waits = true)]
        public Tensor IndexPut(TensorIndex[] index, Tensor value, bool accumulate = false)
        {
            ArgumentNullException.ThrowIfNull(value);
            var plan = Plan.Of("IndexPut", x, index);
            var part = plan.View(x);
            if (value.DType != x.DType || value.Device != x.Device)
            {
                throw new TensorArgumentException("IndexPut", nameof(value), $"{value.DType} on {value.Device}",
                    $"{x.DType} on {x.Device}");
            }
            var target = plan.At is null ? part.Shape : plan.Result(part);
            if (value.Rank > target.Rank || Shape.Broadcast(value.Shape, target, "IndexPut") != target)
                throw new TensorArgumentException("IndexPut", nameof(value), $"{value.Shape}", $"a shape that broadcasts to {target}");
            if (plan.At is null)
                return SliceOps.Overwrite("IndexPut", x, plan.View, accumulate ? part + value : value);
            var (merged, written) = (plan.Merge(part), plan.Gathered(value.Expand([.. target])));
            var changed = accumulate
                ? ScatteringOps.Sum("IndexPut", merged, plan.Place, plan.At, written)
                : ScatteringOps.Put("IndexPut", merged, plan.Place, plan.At, written);
            return SliceOps.Overwrite("IndexPut", x, plan.View, plan.Unmerge(changed, part.Shape));
        }

        /// <summary>A copy of x with every element of x[index] replaced by a number.</summary>
        /// <exception cref="TensorArgumentException">The index does not fit; on the CPU also: it points outside.</exception>
        [Op(Takes = Numbers.All)]
        public Tensor IndexPut(TensorIndex[] index, double value) => x.IndexPut(index, Tensor.Full([], value, x.DType, x.Device));
    }

    // An index taken apart: first a view by the entries that are no tensors; then the dimensions that tensors index, brought together and
    // merged into one at Place, are read at the vector At, which stands for the shape Joint.
    sealed class Plan
    {
        readonly List<Func<Tensor, Tensor>> views = [];
        readonly List<(int Axis, Tensor Positions)> tensors = [];

        public Tensor? At { get; private set; }

        public int Place { get; private set; }

        Shape Joint { get; set; }

        public static Plan Of(string operation, Tensor x, TensorIndex[] index)
        {
            ArgumentNullException.ThrowIfNull(index);
            if (index.Count(entry => entry.What == TensorIndex.Kind.Ellipsis) > 1)
                throw new TensorArgumentException(operation, nameof(index), "one with several ellipses", "at most one");
            var taken = index.Sum(entry => entry.What switch
            {
                TensorIndex.Kind.Ellipsis or TensorIndex.Kind.NewAxis => 0,
                TensorIndex.Kind.Tensor when entry.Positions!.DType == DType.Bool => entry.Positions.Rank,
                _ => 1,
            });
            if (taken > x.Rank)
            {
                throw new TensorArgumentException(operation, nameof(index), $"one of {taken} dimensions",
                    $"at most {x.Rank}, those of {x.Shape}");
            }

            var plan = new Plan();
            var (part, d, runs, inRun) = (x.Detach(), 0, 0, false);
            var hasTensors = index.Any(entry => entry.What == TensorIndex.Kind.Tensor);
            foreach (var entry in index)
            {
                var joins = entry.What is TensorIndex.Kind.Tensor || (hasTensors && entry.What is TensorIndex.Kind.Number);
                runs += joins && !inRun ? 1 : 0;
                inRun = joins;
                var at = d;
                switch (entry.What)
                {
                    case TensorIndex.Kind.Ellipsis: d += x.Rank - taken; break;
                    case TensorIndex.Kind.NewAxis: View(t => t.Unsqueeze(at)); d++; break;
                    case TensorIndex.Kind.Number: View(t => entry.Take(t, at)); break;
                    case TensorIndex.Kind.Slice: View(t => entry.Take(t, at)); d++; break;
                    default: d += plan.Add(operation, entry.IsArray ? entry.Positions!.To(x.Device) : entry.Positions!, part, d); break;
                }
            }
            if (plan.tensors.Count > 0)
                plan.Join(operation, part, runs == 1);
            return plan;

            void View(Func<Tensor, Tensor> view)
            {
                part = view(part);
                plan.views.Add(view);
            }
        }

        // A tensor that indexes dimension d of a part of x, and further ones if it is a mask; the number of dimensions.
        int Add(string operation, Tensor positions, Tensor part, int d)
        {
            if (positions.Device != part.Device)
                throw new TensorArgumentException(operation, "index", $"on {positions.Device}", $"on {part.Device}");
            if (positions.DType != DType.Bool)
            {
                tensors.Add((d, IndexingOps.Wide(positions, operation)));
                return 1;
            }
            if (positions.Rank == 0 || positions.Shape != part.Shape[d..(d + positions.Rank)])
            {
                throw new TensorArgumentException(operation, "index", $"a mask of shape {positions.Shape}",
                    $"one that covers dimensions of {part.Shape} from {d} on");
            }
            var coordinates = NonZeroKernel.Coordinates(NonZeroKernel.Run(operation, positions), positions.Shape);
            for (var k = 0; k < positions.Rank; k++)
                tensors.Add((d + k, coordinates.Select(0, k)));
            return positions.Rank;
        }

        void Join(string operation, Tensor part, bool isOneRun)
        {
            Joint = tensors.Aggregate((Shape)[], (shape, tensor) => Shape.Broadcast(shape, tensor.Positions.Shape, operation));
            Place = isOneRun ? tensors[0].Axis : 0;
            var extent = 1;
            foreach (var (axis, positions) in tensors)
            {
                var spread = positions.Expand([.. Joint]);
                At = At is null ? spread : PositionsKernel.Join(operation, At, extent, spread, part.Shape[axis]);
                extent = checked(extent * part.Shape[axis]);
            }
            At = At!.Reshape(-1);
        }

        public Tensor View(Tensor x) => views.Aggregate(x, (part, view) => view(part));

        int[] Order(int rank)
        {
            int[] indexed = [.. tensors.Select(tensor => tensor.Axis)];
            int[] others = [.. Enumerable.Range(0, rank).Except(indexed)];
            return [.. others[..Place], .. indexed, .. others[Place..]];
        }

        public Tensor Merge(Tensor part) => part.Permute(Order(part.Rank)).Flatten(Place, Place + tensors.Count - 1);

        public Tensor Unmerge(Tensor merged, Shape part)
        {
            var order = Order(part.Rank);
            var inverse = new int[order.Length];
            foreach (var (d, axis) in order.Index())
                inverse[axis] = d;
            return merged.Reshape([.. order.Select(axis => part[axis])]).Permute(inverse);
        }

        public Tensor Spread(Tensor read) => read.Reshape([.. read.Shape[..Place], .. Joint, .. read.Shape[(Place + 1)..]]);

        public Tensor Gathered(Tensor value)
            => value.Reshape([.. value.Shape[..Place], (int)Joint.ElementCount, .. value.Shape[(Place + Joint.Rank)..]]);

        public Shape Result(Tensor part)
        {
            int[] others = [.. Enumerable.Range(0, part.Rank).Except(tensors.Select(tensor => tensor.Axis)).Select(d => part.Shape[d])];
            return [.. others[..Place], .. Joint, .. others[Place..]];
        }
    }
}
