"""Trace a solver's right-hand side: an ODE system that stays one of whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from symnum.backends import interned
from symnum.pde.array_parameters import ArrayParameters
from symnum.pde.comparison import compare
from symnum.pde.graph import Graph, Node
from symnum.pde.jacobian import CompiledJacobian, JacobianStructure
from symnum.pde.jacobian_products import JacobianProducts
from symnum.pde.program import ArrayProgram
from symnum.pde.scalars import entry_symbols, scalar_terms
from symnum.pde.system import Functions, OdeSystem
from symnum.pde.tracing import RightHandSide, initial_state, traced_program

if TYPE_CHECKING:
    from symnum.pde.adjoint import ObjectiveGradient
    from symnum.pde.classification import Classification
    from symnum.pde.colouring import Colouring
    from symnum.pde.equation import Equation
    from symnum.pde.loops import LoopFunction
    from symnum.pde.sensitivity import Sensitivities
    from symnum.pde.stepping.traced import TracedKernels

MAX_SCALARS = 20_000
"""States of the largest system that is written out entry by entry."""


def trace(
    f: RightHandSide,
    u0: Any,
    t0: float = 0.0,
    *,
    parameters: Mapping[Any, Any] | None = None,
    scalars: bool | None = None,
    check: bool = True,
) -> TracedSystem:
    """Turn a solver's right-hand side ``f(t, u)`` into a :class:`TracedSystem`, by calling it once with symbolic arrays.

    ``u0``: the initial state, of any shape; it fixes the shape and the type: float32 stays float32, all other real types become
    float64.  ``f`` is written in NumPy and returns the time derivative in the shape of ``u``.  ``parameters`` {name: number or array}
    are passed to f by keyword, ``f(t, u, D=...)``, and may be changed later without tracing again.  A solver that goes through the
    entries of its arrays in loops of Python is traced entry by entry, and its loops are found again (``scalars=True`` does so at once,
    ``scalars=False`` never); this warns, and ``system.why`` tells how f was traced.  Afterwards f is called with
    numbers, at ``u0`` and at two states near it (at one only for more than 262,144 entries), and compared with what was traced
    (``check=False`` leaves this out).

    Raises TraceError (a TypeError) with the line of ``f`` that cannot be traced and the cure; TypeError for a state or parameters of
    other types; ValueError when f returns another shape, or other numbers than the traced program, as a function with hidden state
    does.

    >>> import numpy as np
    >>> system = trace(lambda t, u: np.roll(u, 1) * u, np.linspace(0.0, 1.0, 4))
    >>> system.jacobian()
    SparseMatrix(4 x 4, 8 entries)
    >>> system.rhs[0]
    u0*u3
    >>> decay = trace(lambda t, u, k: -k * u, np.ones(2), parameters={"k": 3.0})
    >>> decay.compile().rhs(0.0, np.ones(2), p={"k": 4.0})
    array([-4., -4.])
    """
    start = initial_state(u0)
    known = ArrayParameters(parameters, start.dtype)
    found = traced_program(f, start, known, scalars)
    system = TracedSystem(found.graph, found.state, found.output, start, float(t0), known, found.why)
    if check:
        compare(f, system)
    return system


class TracedSystem(OdeSystem):
    """The system du/dt = rhs(t, u) as a graph of array operations; made by :func:`trace`.

    ``sparsity()``, ``compile()`` and ``solve()`` work on arrays, at any size.  ``states``, ``rhs`` and ``jacobian()`` write the
    system out entry by entry, in the order of the flattened state, for up to 20,000 states.
    """

    def __init__(
        self,
        graph: Graph,
        state: Node,
        output: Node,
        u0: Any,
        t0: float = 0.0,
        parameters: ArrayParameters | None = None,
        why: str = "traced as whole arrays",
    ) -> None:
        self.graph, self.output, self.why = graph, output, why
        self.array_parameters = ArrayParameters() if parameters is None else parameters
        self.t0 = t0
        self._state, self._initial = state, u0
        self._structure: JacobianStructure | None = None
        self.observables = {}
        self._begin()

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the state."""
        return self._state.shape

    @property
    def dtype(self) -> Any:
        """Return the type of the state and of its derivative, float64 or float32."""
        return self.graph.dtype

    @property
    def parameters(self) -> Mapping[Any, Any]:
        """Return the parameters that were named when tracing: {symbol: number or array}; other constants are part of the formulas."""
        return {interned.symbol(name): value for name, value in self.array_parameters.values.items()}

    @property
    def states(self) -> list[Any]:  # type: ignore[override]  # made when they are asked for
        """Return one symbol for each entry of the state: u0, u1, ... or, for several axes, u0_0, u0_1, ..."""
        self._check_small("states")
        return entry_symbols("u", self.shape)

    @property
    def rhs(self) -> list[Any]:
        """Return one term in :attr:`states`, the symbol t and the parameters for each entry of the right-hand side.

        The entries of an array k of parameters are the symbols k0, k1, ..., as those of the state are u0, u1, ...
        """
        self._check_small("rhs")
        return scalar_terms(self.graph, self.output)

    def jacobian(self) -> Any:
        """Return d(rhs)/d(states) as a :class:`symnum.calculus.sparse.SparseMatrix` of terms."""
        self._check_small("jacobian()")
        return super().jacobian()

    def _check_small(self, what: str) -> None:
        if self._state.size > MAX_SCALARS:
            raise ValueError(
                f"{what} would write {self._state.size:,} entries out one by one, more than {MAX_SCALARS:,}; "
                f"system.compile() gives the right-hand side and the Jacobian as arrays, system.sparsity() the pattern"
            )

    def structure(self) -> JacobianStructure:
        """Return what is known about the Jacobian without numbers, found at the first call."""
        with self._lock:
            if self._structure is None:
                self._structure = JacobianStructure(self.graph, self.output, self._state)
            return self._structure

    def sparsity(self) -> Any:
        """Return where the Jacobian of the flattened system may be non-zero: a boolean scipy.sparse.csc_matrix."""
        return self.structure().pattern()

    def colouring(self) -> Colouring:
        """Return columns of the Jacobian that may share a product with it, so that few products give all of its entries.

        >>> trace(lambda t, u: np.roll(u, 1) - u, np.zeros(6)).colouring().count
        2
        """
        from symnum.pde.colouring import colouring

        return colouring(self.sparsity())

    def linear_part(self, parameters: Mapping[Any, Any] | None = None) -> Any:
        """Return the matrix L of what is linear in the flattened state with constant coefficients: a scipy.sparse.csc_matrix.

        du/dt = L u + the rest, where L holds those terms of the Jacobian that depend neither on the state nor on time.
        ``parameters`` {name or symbol: value} change some for this matrix.

        >>> import numpy as np
        >>> trace(lambda t, u: u * (1 - u) - 3 * u[::-1], np.ones(2)).linear_part().toarray().tolist()
        [[1.0, -3.0], [-3.0, 1.0]]
        """
        return self.compile("numpy").linear_part(parameters)

    def stiff_part(self, parameters: Mapping[Any, Any] | None, t: float, y: Any) -> Any:
        """Return the sparse matrix that methods with a linear part take by default: the constant part of the Jacobian."""
        return self.linear_part(parameters)

    def hessian_sparsity(self, objective: Callable[[Any], Any] | None = None) -> Any:
        """Return which second derivatives may be non-zero: a boolean scipy.sparse.csc_matrix over pairs of entries of the state.

        Without an ``objective`` these are the second derivatives of any entry of the right-hand side; ``objective(u)``, in NumPy, is
        a number computed from the state, and then they are its own.  Raises ValueError for an objective that is no number.

        >>> trace(lambda t, u: np.roll(u, 1) * u, np.ones(4)).hessian_sparsity().nnz
        8
        """
        from symnum.pde.hessian import objective_pattern, system_pattern

        with self._lock:
            return system_pattern(self) if objective is None else objective_pattern(self, objective)

    def optimized(self, cost: Any = "cycles") -> TracedSystem:
        """Return the system with its formulas in the cheapest proved form; ``cost`` is that of :func:`symnum.optimize`.

        >>> cheap = trace(lambda t, u, a, b: a * u**2 + b * u**2, np.ones(3), parameters={"a": 1.0, "b": 2.0}).optimized("ops")
        >>> cheap.output.term
        u^2*(a + b)
        """
        from symnum.pde.optimized import optimized_system

        return optimized_system(self, cost)

    def equation(
        self,
        spacing: Any = None,
        *,
        names: Sequence[str] | None = None,
        shape: Sequence[int] | None = None,
        space: Sequence[int] | None = None,
    ) -> Equation:
        """Return the PDE that the solver solves, as far as its differences can be read as derivatives.

        ``spacing``: the distance of grid points, a number, one for each axis, or a name such as "h"; by default 1.  ``names`` are those
        of the fields.  ``shape`` and ``space`` say how a flat state lies on a grid, and which axes of it are space; by default that is
        seen from the views that the solver makes, and axes of at most 4 entries number the fields.  Axes are called x, y, z in their order.

        Raises ValueError for what does not fit the state.

        >>> def f(t, u):
        ...     return 3 * (np.roll(u, 1) - 2 * u + np.roll(u, -1)) - u * (np.roll(u, -1) - np.roll(u, 1)) / 2
        >>> print(trace(f, np.zeros(32)).equation(spacing=1.0))
        ∂u/∂t = -u*u_x + 3*u_xx
          ∂x: central
          ∂xx: central
          grid 32, spacing 1
          u at x low, x high: periodic
        """
        from symnum.pde.equation import equation_of

        return equation_of(self, spacing, names, shape, space)

    def classify(self) -> Classification:
        """Return what kind of system this is: linear, semilinear, quasilinear, polynomial of a degree, or general.

        >>> print(trace(lambda t, u: np.roll(u, 1) - 2 * u + np.roll(u, -1) + u * (1 - u), np.zeros(8)).classify())
        semilinear: the highest derivatives stand alone, with coefficients that do not depend on the state
          autonomous, degree 2, order 2 in space
          Jacobian: 16 constant entries, 8 that vary, within cells only
        """
        from symnum.pde.classification import classification_of

        return classification_of(self)

    def sensitivities(
        self,
        t_span: tuple[float, float],
        by: Sequence[Any] | None = None,
        *,
        directions: Any = None,
        u0: Any = None,
        **options: Any,
    ) -> Sensitivities:
        """Solve together with the derivatives of the solution by parameters and along changes of the initial state.

        ``by``: names of parameters, by default all; ``directions``: (k, *shape), changes of the initial state; ``options`` are those
        of :meth:`solve`, whose tolerances hold for the derivatives, too.  Raises ValueError for unknown names and other shapes.

        >>> decay = trace(lambda t, u, k: -k * u, np.ones(1), parameters={"k": 2.0})
        >>> found = decay.sensitivities((0.0, 1.0), rtol=1e-8)
        >>> round(float(found.by_parameter["k"][-1, 0]), 4)  # of exp(-k*t), that is -t*exp(-k*t)
        -0.1353
        """
        from symnum.pde.sensitivity import solve_sensitivities

        return solve_sensitivities(self, t_span, by, directions, u0, options)

    def gradient(
        self,
        objective: Callable[[Any], Any] | None,
        t_span: tuple[float, float],
        by: Sequence[Any] | None = None,
        *,
        running: Callable[[float, Any], Any] | None = None,
        u0: Any = None,
        method: str = "BDF",
        rtol: float = 1e-8,
        atol: float = 1e-10,
        parameters: Mapping[Any, Any] | None = None,
    ) -> ObjectiveGradient:
        """Return the gradient of objective(u(T)) + the integral of running(t, u), by the adjoint equation.

        ``objective(u)`` and ``running(t, u)`` give a number, in NumPy; either may be None.  ``by``: names of parameters, by default
        all; the derivative by the initial state comes with it.  The cost is that of two solves for any number of parameters.
        Raises ValueError for objectives that are no number, unknown names and methods; RuntimeError where a solve fails.

        >>> decay = trace(lambda t, u, k: -k * u, np.ones(3), parameters={"k": 2.0})
        >>> found = decay.gradient(lambda u: np.sum(u), (0.0, 1.0))
        >>> round(found.by_parameter["k"], 4), found.by_initial_state.round(4).tolist()
        (-0.406, [0.1353, 0.1353, 0.1353])
        """
        from symnum.pde.adjoint import objective_gradient
        from symnum.pde.sensitivity import parameter_names

        return objective_gradient(
            self, objective, running, t_span, parameter_names(self, by), u0=u0, method=method, rtol=rtol, atol=atol,
            parameters=parameters,
        )  # fmt: skip

    def initial_state(self, parameters: Mapping[Any, Any] | None = None) -> Any:
        """Return the state that the system was traced with."""
        self.array_parameters.changed(parameters)  # names what is no parameter
        return self._initial

    def _compile(self, target: str) -> CompiledTrace:
        return CompiledTrace(self, target)

    def _said_shape(self) -> str:
        return f"the system was traced with shape {self.shape}; trace it again for another grid"

    def _labels(self) -> Sequence[str]:
        return ()

    def observe(self, t: Any, u: Any, parameters: Mapping[Any, Any] | None = None) -> dict[str, Any]:
        """Return {}: nothing is observed of a traced system but its state."""
        return {}

    def __repr__(self) -> str:
        return (
            f"TracedSystem(shape={self.shape}, {len(self.graph.reachable([self.output]))} array operations)"
        )


class CompiledTrace:
    """Compiled functions of a :class:`TracedSystem`; they may be called from several threads, and pickle."""

    def __init__(self, system: TracedSystem, target: str = "auto") -> None:
        self.system, self.target = system, target
        self._loops, self._why = _loops(system, target)
        # numbers of the same program without loops, for targets that have none
        self._program = (
            ArrayProgram(system.graph, [system.output], target, often=True) if self._loops is None else None
        )
        self._jacobian: CompiledJacobian | None = None
        self._products = JacobianProducts(system.graph, system.output, system._state, target)

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledTrace, (self.system, self.target)

    def rhs(self, t: float, u: Any, out: Any = None, p: Any = None) -> Any:
        """Return du/dt in the shape of ``u``, which is that of the system or flat; ``out`` is the array to fill.

        ``p``: {name or symbol: value} of the parameters that change for this call, or the values of all in one flat array.
        Raises ValueError for another shape, and for a name that is no parameter.
        """
        if out is not None and p is None and self._loops is not None and self._loops.quick(t, u, out):
            return out
        return self._rhs(t, u, out, self.system.array_parameters.changed(p))

    def _rhs(self, t: float, u: Any, out: Any, values: Mapping[str, Any]) -> Any:
        u = np.asarray(u, dtype=self.system.dtype)
        if u.shape != self.system.shape and u.shape != (self.system.output.size,):
            raise ValueError(
                f"u has shape {u.shape}; the system takes {self.system.shape}, or {(self.system.output.size,)} when flat"
            )
        if self._loops is not None and (
            out is None or (isinstance(out, np.ndarray) and out.shape == u.shape)
        ):
            return self._loops(t, u, np.empty(u.shape, self.system.dtype) if out is None else out, values)
        if out is not None and (not isinstance(out, np.ndarray) or out.shape != u.shape):
            raise ValueError(f"out must be an array of shape {u.shape}; write out=np.empty_like(u)")
        assert self._program is not None
        (result,) = self._program.run(t, u, values)
        if out is None:
            return (
                result.reshape(u.shape).copy()
                if result.flags.c_contiguous
                else np.array(result, order="C").reshape(u.shape)
            )
        out[...] = result.reshape(u.shape)
        return out

    @property
    def why(self) -> str:
        """Say what computes the right-hand side, and why."""
        return self._why if self._loops is None else self._loops.why

    def bound(self, parameters: Mapping[Any, Any] | None = None) -> Functions:
        """Return (f(t, u), jacobian(t, u)) with some parameters changed; raises ValueError for a name that is no parameter."""
        values = self.system.array_parameters.changed(parameters)
        direct = self.kernels.function(self.system.array_parameters.flat(parameters))
        rhs = direct or (lambda t, u: self._rhs(t, u, None, values))
        return rhs, lambda t, u: self._jacobian_at(t, u, values)

    @cached_property
    def kernels(self) -> TracedKernels:
        """Return the loop kernels for time stepping."""
        from symnum.pde.stepping.traced import TracedKernels

        return TracedKernels(
            self.system.graph, self.system.output, None if self._loops is None else self._loops.kernel
        )

    def entry(self, parameters: Mapping[Any, Any] | None = None, dtype: Any = np.float64) -> Any:
        """Return the right-hand side for kernels and states of a type: a :class:`symnum.pde.stepping.entry.Entry`."""
        values = self.system.array_parameters.flat(parameters)
        return self.kernels.entry(values, dtype, self.bound(parameters)[0], self.why)

    def fused(self, stages: Sequence[Any], parameters: Mapping[Any, Any] | None = None) -> list[Any] | None:
        """Return the kernels of stages of a time step (:mod:`symnum.pde.stepping.fused`), or None where there are no loops."""
        return self.kernels.stages(stages, self.system.array_parameters.flat(parameters))

    def jacobian(self, t: float, u: Any, p: Any = None) -> Any:
        """Return d(rhs)/d(u) of the flattened system as a scipy.sparse.csc_matrix; its structure is found at the first call.

        ``p`` is that of :meth:`rhs`.
        """
        return self._jacobian_at(t, u, self.system.array_parameters.changed(p))

    def linear_part(self, p: Any = None) -> Any:
        """Return the constant linear part of the right-hand side; see :meth:`TracedSystem.linear_part`."""
        return self._jacobian_code().linear_part(self.system.array_parameters.changed(p))

    def jvp(self, t: float, u: Any, v: Any, p: Any = None) -> Any:
        """Return the product of the Jacobian at (t, u) with a direction ``v``, in the shape of v, without forming the Jacobian.

        Raises ValueError for a direction that has neither the shape of the state nor its flat one.

        >>> trace(lambda t, u: u**2, np.ones(3)).compile("numpy").jvp(0.0, np.array([1.0, 2.0, 3.0]), np.ones(3))
        array([2., 4., 6.])
        """
        return self._products.forward(t, u, v, self.system.array_parameters.changed(p))

    def vjp(self, t: float, u: Any, w: Any, p: Any = None) -> Any:
        """Return the product of the transposed Jacobian at (t, u) with weights ``w``, in the shape of w, without forming the Jacobian.

        Raises ValueError for weights that have neither the shape of the state nor its flat one.
        """
        return self._products.backward(t, u, w, self.system.array_parameters.changed(p))

    def _jacobian_at(self, t: float, u: Any, values: Mapping[str, Any]) -> Any:
        return self._jacobian_code()(t, np.asarray(u, dtype=self.system.dtype), values)

    def _jacobian_code(self) -> CompiledJacobian:
        if self._jacobian is None:
            with self.system._lock:
                self._jacobian = self._jacobian or CompiledJacobian(
                    self.system.graph,
                    self.system.structure(),
                    "auto" if self.target == "loops" else self.target,
                )
        return self._jacobian


def _loops(system: TracedSystem, target: str) -> tuple[LoopFunction | None, str]:
    """Return the right-hand side as loops in machine code, or None and the reason for NumPy's buffers."""
    if target not in ("auto", "loops"):
        return None, f"formulas by target {target!r} on NumPy's buffers, as asked"
    from symnum.pde.loops import LoopFunction, LoopKernel, NotLowered

    try:
        return LoopFunction(LoopKernel(system.graph, system.output)), ""
    except NotLowered as problem:
        if target == "loops":
            raise
        return None, f"NumPy's buffers, because there are no loops: {problem}"
