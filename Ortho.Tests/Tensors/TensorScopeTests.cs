using NUnit.Framework;
using Ortho.Autograd;
using Ortho.Tensors;

namespace Ortho.Tests.Tensors;

[TestFixture]
public class TensorScopeTests
{
    [Test]
    public void A_scope_frees_what_was_made_in_it_and_nothing_else()
    {
        var outside = Tensor.Ones([3]);
        var live = Device.Cpu.Pool.LiveBytes;
        Tensor inside, view;
        using (new TensorScope())
        {
            inside = outside + 1;
            view = outside.Slice(0, 1, 2);
        }
        Assert.That(inside.Storage.IsDisposed);
        Assert.That(view.Storage.IsDisposed, Is.False, "a view made inside does not own the storage made outside");
        Assert.That(outside.ToArray<float>(), Is.All.EqualTo(1f));
        // Garbage of other tests may be returned meanwhile.
        Assert.That(Device.Cpu.Pool.LiveBytes, Is.LessThanOrEqualTo(live));
    }

    [Test]
    public void What_is_kept_belongs_to_the_scope_around()
    {
        Tensor kept, keptTwice, released;
        using (var outer = new TensorScope())
        {
            using (var inner = new TensorScope())
            {
                kept = inner.Keep(Tensor.Ones([2]));
                keptTwice = outer.Keep(inner.Keep(Tensor.Ones([2])));
                released = TensorScope.Release(Tensor.Ones([2]).Reshape(1, 2));
                Assert.That(inner.Keep(kept), Is.SameAs(kept), "keeping twice is keeping");
            }
            Assert.That((kept.Storage.IsDisposed, keptTwice.Storage.IsDisposed, released.Storage.IsDisposed), Is.EqualTo((false, false, false)));
        }
        Assert.That((kept.Storage.IsDisposed, keptTwice.Storage.IsDisposed, released.Storage.IsDisposed), Is.EqualTo((true, false, false)));
    }

    [Test]
    public void Release_reaches_through_all_scopes()
    {
        Tensor x;
        using (new TensorScope())
        {
            x = Tensor.Ones([2]);
            using (new TensorScope())
                TensorScope.Release(x);
        }
        Assert.That(x.Storage.IsDisposed, Is.False);
        Assert.That(TensorScope.Release(x), Is.SameAs(x), "outside every scope there is nothing to do");
    }

    [Test]
    public void An_outer_scope_is_not_closed_before_an_inner_one()
    {
        var outer = new TensorScope();
        var inner = new TensorScope();
        Assert.That(outer.Dispose, Throws.InvalidOperationException.With.Message.Contains("innermost first"));
        inner.Dispose();
        inner.Dispose();
        outer.Dispose();
        // And the thread is outside every scope again.
        var x = Tensor.Ones([2]);
        Assert.That(TensorScope.Release(x).Storage.IsDisposed, Is.False);
    }

    [Test]
    public void A_scope_is_of_its_thread()
    {
        using var scope = new TensorScope();
        Tensor? elsewhere = null;
        Exception? refused = null;
        var thread = new Thread(() =>
        {
            elsewhere = Tensor.Ones([2]);
            try
            {
                scope.Dispose();
            }
            catch (InvalidOperationException error)
            {
                refused = error;
            }
        });
        thread.Start();
        thread.Join();
        Assert.That(refused?.Message, Does.Contain("on the thread that opened them"));
        scope.Dispose();
        Assert.That(elsewhere!.Storage.IsDisposed, Is.False, "tensors of other threads are not the scope's");
    }

    [Test]
    public void A_scope_left_by_an_exception_is_closed()
    {
        Tensor? x = null;
        Assert.That(() =>
        {
            using var scope = new TensorScope();
            x = Tensor.Ones([2]);
            x.Reshape(3);
        }, Throws.TypeOf<TensorArgumentException>());
        Assert.That(x!.Storage.IsDisposed);
    }

    [Test]
    public void Gradients_of_a_scope_end_with_it_and_the_next_pass_starts_anew_after_ZeroGrad()
    {
        var x = Tensor.Full([2], 3).RequiresGrad();
        for (var pass = 0; pass < 3; pass++)
        {
            using (new TensorScope())
            {
                x.ZeroGrad();
                x.Square().Sum().Backward();
                Assert.That(x.Grad!.ToArray<float>(), Is.All.EqualTo(6f));
            }
            Assert.That(x.Grad!.Storage.IsDisposed);
        }
    }
}
