"""ODE systems: du/dt as terms in states, parameters and time; compiled with their exact sparse Jacobian, and integrated."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from symnum import term as interface
from symnum.algebra.substitute import substitute
from symnum.backends import interned
from symnum.codegen.target import Unsupported
from symnum.columns import ready
from symnum.pde.checkpoints import Checkpoint
from symnum.pde.integrate import Progress
from symnum.pde.parameters import formula_values, parameter_values
from symnum.pde.solution import Solution
from symnum.pde.term_code import NATIVE, JacobianCode, NativeFill, TermCode

Functions = tuple[Callable[[float, Any], Any], Callable[[float, Any], Any]]


class OdeSystem:
    """The system du/dt = rhs, given as terms; :func:`symnum.pde.trace` makes one from a NumPy solver.

    ``states``: symbols; ``rhs``: one term for each, in states, parameters and ``time`` (by default the symbol t); ``u0``: initial
    numbers, or formulas of parameters; ``parameters``: {symbol or name: number, or formula of other parameters}; ``observables``:
    {name: term}, reported with each solution; ``state_names``: for tables, by default the names of the symbols.

    Raises ValueError for lists of different lengths, repeated names and unknown symbols; TypeError for what is no symbol.

    >>> import symnum as sn
    >>> u, v, k = sn.symbols("u v k")
    >>> system = OdeSystem([u, v], [v, -k * u], [1.0, 0.0], {k: 4.0})
    >>> system.jacobian().todense()
    [[0, 1], [-k, 0]]
    >>> sol = system.solve((0.0, 1.0), parameters={"k": 1.0}, rtol=1e-8)
    >>> round(float(sol.u[-1, 0]), 5)
    0.5403
    """

    def __init__(
        self,
        states: Sequence[Any],
        rhs: Sequence[Any],
        u0: Sequence[Any],
        parameters: Mapping[Any, Any] | None = None,
        *,
        time: Any = None,
        observables: Mapping[str, Any] | None = None,
        state_names: Sequence[str] | None = None,
        t0: float = 0.0,
    ) -> None:
        self.states, self._terms = list(states), list(rhs)
        self._start = list(u0)
        self._formulas = {_name(key): formula for key, formula in (parameters or {}).items()}
        self._symbols = {name: interned.symbol(name) for name in self._formulas}
        self._symbols.update({_name(key): key for key in (parameters or {}) if not isinstance(key, str)})
        self.time = self._clock() if time is None else time
        self.observables = dict(observables or {})
        self.t0 = float(t0)
        self._begin()
        self._check()
        self.names: Sequence[str] = list(state_names or (interface.name(s) for s in self.states))

    def _begin(self) -> None:
        self._compiled: dict[str, Any] = {}
        self._jacobian: Any = None
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_compiled": {}, "_lock": None}  # code is compiled again where it is loaded

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.RLock())

    def _clock(self) -> Any:
        taken = {*self._formulas, *(interface.name(s) for s in self.states if interface.is_symbol(s))}
        return interned.symbol(next(name for name in ("t", "time", "time_") if name not in taken))

    def _check(self) -> None:
        for symbol in (*self.states, self.time):
            if not (interface.is_term(symbol) and interface.is_symbol(symbol)):
                raise TypeError(
                    f"states and time are symbols, but got {symbol!r}; write symnum.symbols('u v')"
                )
        for what, given in (("rhs", self._terms), ("u0", self._start)):
            if given is not None and len(given) != len(self.states):
                raise ValueError(
                    f"{what} has {len(given)} entries for {len(self.states)} states; give one for each state"
                )
        names = [interface.name(s) for s in (*self.states, self.time)] + list(self._formulas)
        if len(set(names)) < len(names):
            double = next(name for name in names if names.count(name) > 1)
            raise ValueError(
                f"{double!r} stands for two things among states, parameters and time; rename one"
            )
        known = {interface.key(s) for s in (*self.states, self.time, *self._symbols.values())}
        for what, terms in (("right-hand side", self._parts()), ("observables", self.observables.values())):
            for symbol in interface.free_symbols(*terms):
                if interface.key(symbol) not in known:
                    raise ValueError(
                        f"the {what} uses {interface.name(symbol)!r}, which is no state and no parameter; "
                        f"give it a value: OdeSystem(..., parameters={{{interface.name(symbol)!r}: 1.0}})"
                    )

    def _parts(self) -> Sequence[Any]:
        """Return terms that have all symbols of the right-hand side."""
        return self.rhs

    # --- what it is ---------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the state."""
        return (len(self.states),)

    @property
    def dtype(self) -> Any:
        """Return the type of the state: float64."""
        return np.dtype(np.float64)

    @property
    def rhs(self) -> list[Any]:
        """Return the right-hand side: one term for each state."""
        return self._terms

    @property
    def parameters(self) -> Mapping[Any, float]:
        """Return the parameters and their values: {symbol: number}."""
        return {self._symbols[name]: value for name, value in parameter_values(self._formulas).items()}

    @property
    def u0(self) -> Any:
        """Return the initial state as an array of floats."""
        return self.initial_state()

    def initial_state(self, parameters: Mapping[Any, Any] | None = None) -> Any:
        """Return the initial state for changed ``parameters`` {symbol or name: number}."""
        return formula_values(self._start, parameter_values(self._formulas, parameters))

    def jacobian(self) -> Any:
        """Return d(rhs)/d(states) as a :class:`symnum.calculus.sparse.SparseMatrix` of terms."""
        from symnum.calculus.derivative import jacobian

        with self._lock:
            if self._jacobian is None:
                self._jacobian = jacobian(self.rhs, self.states, sparse=True)
            return self._jacobian

    def sparsity(self) -> Any:
        """Return where the Jacobian of the flattened system may be non-zero: a boolean scipy.sparse.csc_matrix."""
        found = self.jacobian()
        return found.to_scipy(np.ones(len(found), bool))

    def _rows(self) -> Any | None:
        """Return the system as rows of a term table, or None where it is small and kernels are not loaded."""
        if not ready.serve(lambda: sum(1 for _ in islice(interface.postorder(*self.rhs), ready.SMALL))):
            return None
        from symnum.pde.rows import Rows

        return Rows.of_terms(self.rhs, self.states, list(self._symbols.values()), self.time)

    # --- what it does -------------------------------------------------------------------------------------------------------

    def compile(self, target: str = "auto") -> Any:
        """Return the right-hand side and the Jacobian as compiled functions; ``target`` is that of :func:`symnum.compile`."""
        with self._lock:
            if target not in self._compiled:
                self._compiled[target] = self._compile(target)
            return self._compiled[target]

    def _compile(self, target: str) -> Any:
        return CompiledSystem(self, target)

    def solve(
        self,
        t_span: tuple[float, float] | Sequence[float],
        u0: Any = None,
        method: str = "BDF",
        rtol: float = 1e-6,
        atol: Any = 1e-9,
        *,
        parameters: Mapping[Any, Any] | None = None,
        t_eval: Any = None,
        max_step: float = np.inf,
        dt: float | None = None,
        events: Any = None,
        linear: Any = None,
        target: str = "auto",
        progress: Progress | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    ) -> Solution:
        """Integrate from ``t_span[0]`` to ``t_span[1]`` with the exact sparse Jacobian.

        ``method``: for stiff systems "BDF" and "Radau" (SciPy's, with sparse factors of our own), "LSODA" (a dense Jacobian) and
        "CVODE" (needs scikit-sundae); explicit "RK45", "RK23" and "DOP853"; with steps of length ``dt`` "Euler", "RK4", "leapfrog",
        and, for a stiff ``linear`` part, "CNAB2", "SBDF2", "ETD1" and "ETDRK4" (docs/solve.md says which to choose).
        ``parameters`` {symbol or name: number} are changed for this run, without compiling again; the initial state follows, unless
        ``u0`` is given.  ``t_eval`` lists the times to keep.

        ``events``: SciPy's, functions g(t, u) with u in the shape of the state.  ``progress(t, steps)`` is called after each step, in
        compiled loops some twenty times a second.  ``checkpoint``: a file (.npz) that keeps the run, and from which it goes on when
        it exists.  ``linear``: the linear part as a sparse matrix, by default what is constant in the Jacobian of a
        traced system, and the Jacobian at the start of another.

        A run that ends early, also by Ctrl-C, warns, and returns what it reached with ``sol.success`` and ``sol.message``.
        Raises ValueError for a wrong shape of ``u0``, an unknown method or parameter, a bad time span or ``dt``, and the checkpoint
        of another run; TypeError for complex states and for events that are none; OSError for a checkpoint that cannot be written.

        >>> import symnum as sn
        >>> u = sn.symbols("u")
        >>> sol = OdeSystem([u], [-u], [1.0]).solve((0.0, 1.0))
        >>> round(float(sol.u[-1, 0]), 4)
        0.3679
        """
        from symnum.pde.solving import Options, solve

        options = Options(
            method, rtol, atol, parameters, t_eval, max_step, dt, events, linear, target, progress, checkpoint
        )
        return solve(self, t_span, u0, options)

    def stiff_part(self, parameters: Mapping[Any, Any] | None, t: float, y: Any) -> Any:
        """Return the sparse matrix that methods with a linear part take by default: the Jacobian at a time and flat state."""
        return self.compile().bound(parameters)[1](t, y)

    def _said_shape(self) -> str:
        return f"the system has {len(self.states)} states, so it must be {self.shape}"

    def _labels(self) -> Sequence[str]:
        return self.names

    def observe(self, t: Any, u: Any, parameters: Mapping[Any, Any] | None = None) -> dict[str, Any]:
        """Return {name: values} of the observables at times ``t``: (n,) and states ``u``: (n, states)."""
        from symnum.codegen.function import compile as compile_terms

        if not self.observables:
            return {}
        values = parameter_values(self._formulas, parameters)
        constants = {self._symbols[name]: value for name, value in values.items()}
        terms = [substitute(term, constants) if constants else term for term in self.observables.values()]
        used = interface.free_symbols(*terms)
        place = {interface.key(s): i for i, s in enumerate(self.states)}
        columns = [u[:, place[k]] if (k := interface.key(s)) in place else np.asarray(t, float) for s in used]
        if not used:
            found = np.array([[float(interface.value(term))] * len(t) for term in terms])
        else:
            found = compile_terms(terms, used)(*columns)
        return dict(zip(self.observables, found))

    def __repr__(self) -> str:
        return f"OdeSystem({len(self.states)} states, {len(self._formulas)} parameters)"


class CompiledSystem:
    """Compiled functions of an :class:`OdeSystem`; they may be called from several threads, and pickle.

    Parameters have the values of the system, unless ``p`` says otherwise: {symbol or name: number}, or an array with a value for
    each of ``system.parameters`` in their order, which is faster.
    """

    def __init__(self, system: OdeSystem, target: str = "auto") -> None:
        self.system, self.target = system, target
        self._rows: Any = system._rows() if target in NATIVE else None
        self._rhs: Any = None
        self._refused = ""
        if self._rows is not None:
            try:
                self._rhs, self._used = (
                    NativeFill(self._rows.code(self._rows.rhs), self._rows.timed),
                    self._rows.used,
                )
            except (ArithmeticError, Unsupported) as problem:
                self._rows, self._refused = None, f"not by columns: {problem}; "
        if self._rhs is None:
            occurring = {interface.key(s) for s in interface.free_symbols(*system.rhs)}
            symbols = [system._symbols[name] for name in system._formulas]
            self._used = np.array(
                [i for i, s in enumerate(symbols) if interface.key(s) in occurring], np.int64
            )
            self._arguments = [symbols[i] for i in self._used]
            self._rhs = TermCode(system.rhs, system.time, system.states, self._arguments, target)
        self._values = np.array(list(parameter_values(system._formulas).values()), dtype=np.float64)
        self._default = self._values[self._used]
        self._jacobian: JacobianCode | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return CompiledSystem, (self.system, self.target)

    @property
    def why(self) -> str:
        """Say why this target was chosen."""
        return self._refused + str(self._rhs.why)

    def _parameters(self, p: Any) -> Any:
        if p is None:
            return self._default
        if isinstance(p, Mapping):
            values = np.array(list(parameter_values(self.system._formulas, p).values()), dtype=np.float64)
        else:
            values = np.asarray(p, dtype=np.float64)
            if values.shape != self._values.shape:
                raise ValueError(
                    f"p has shape {values.shape}, but the system has {len(self._values)} parameters; "
                    f"give one value for each of system.parameters, or a dict of those that change"
                )
        return values[self._used]

    def _state(self, u: Any) -> Any:
        u = np.ascontiguousarray(u, dtype=np.float64)
        if u.shape != self.system.shape:
            raise ValueError(f"u has shape {u.shape}; the system takes {self.system.shape}")
        return u

    def rhs(self, t: float, u: Any, out: Any = None, p: Any = None) -> Any:
        """Return du/dt: (states,); ``out`` is the array to fill.  Raises ValueError for another shape."""
        u = self._state(u)
        if out is None:
            out = np.empty(u.shape)
        elif not isinstance(out, np.ndarray) or out.shape != u.shape:
            raise ValueError(f"out must be an array of shape {u.shape}; write out=np.empty_like(u)")
        elif not out.flags.c_contiguous or out.dtype != np.float64 or np.may_share_memory(out, u):
            out[...] = self.rhs(t, u, None, p)
            return out
        self._rhs(t, u, self._parameters(p), out)
        return out

    def jacobian(self, t: float, u: Any, p: Any = None) -> Any:
        """Return d(rhs)/d(u) as a scipy.sparse.csc_matrix; it is compiled at the first call."""
        return self._jacobian_code()(t, self._state(u), self._parameters(p))

    def _jacobian_code(self) -> JacobianCode:
        if self._jacobian is None:
            system = self.system
            with system._lock:
                if self._jacobian is None:
                    self._jacobian = self._made_jacobian(system)
        return self._jacobian

    def _made_jacobian(self, system: OdeSystem) -> JacobianCode:
        if self._rows is not None:
            try:
                return JacobianCode.of_rows(self._rows)
            except (ArithmeticError, Unsupported) as problem:
                self._refused = f"Jacobian not by columns: {problem}; "
        symbols = [system._symbols[name] for name in system._formulas]
        arguments = [symbols[i] for i in self._used]
        return JacobianCode.of_matrix(system.jacobian(), system.time, system.states, arguments, self.target)

    def bound(self, parameters: Mapping[Any, Any] | None = None) -> Functions:
        """Return (f(t, u), jacobian(t, u)) for fixed parameters."""
        p = self._parameters(parameters)

        def rhs(t: float, u: Any) -> Any:
            out = np.empty(len(u))
            self._rhs(t, np.ascontiguousarray(u), p, out)
            return out

        return rhs, lambda t, u: self._jacobian_code()(t, np.ascontiguousarray(u), p)

    def entry(self, parameters: Mapping[Any, Any] | None = None, dtype: Any = np.float64) -> Any:
        """Return the right-hand side for kernels and states of float64: a :class:`symnum.pde.stepping.entry.Entry`."""
        from symnum.pde.stepping.entry import Entry

        fill = self._rhs.native if isinstance(self._rhs, TermCode) else self._rhs
        if fill is None:
            return Entry.of_python(self.bound(parameters)[0], len(self.system.states))
        return Entry.of_straight(fill.function, self._parameters(parameters), fill.timed)

    def fused(self, stages: Sequence[Any], parameters: Mapping[Any, Any] | None = None) -> None:
        """Return None: stages of a time step are fused with array programs only."""
        return None


def _name(key: Any) -> str:
    if isinstance(key, str):
        return key
    if interface.is_term(key) and interface.is_symbol(key):
        return interface.name(key)
    raise TypeError(f"parameters are named by symbols or texts, but got {key!r}")
