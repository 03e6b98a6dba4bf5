"""Systems of terms: parameters, observables, compiled functions, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symnum as sn
from symnum.pde import OdeSystem

U, V, K, C, T = sn.symbols("u v k c t")


def oscillator() -> OdeSystem:
    observed = {"energy": V**2 + K * U**2, "k_now": K}
    slopes = [V, -K * U - C * V + sn.sin(T)]
    return OdeSystem([U, V], slopes, [K / 2, 0.0], {"k": 4, C: sn.parse("k/8")}, observables=observed)


def test_a_system_says_what_it_is() -> None:
    system = oscillator()
    assert system.states == [U, V] and system.time is T and system.shape == (2,)
    assert system.parameters == {K: 4.0, C: 0.5} and system.u0.tolist() == [2.0, 0.0]
    assert system.initial_state({"k": 8}).tolist() == [4.0, 0.0]
    assert dict(system.jacobian()) == {(0, 1): 1, (1, 0): -K, (1, 1): -C}
    assert system.sparsity().toarray().tolist() == [[False, True], [True, True]]
    assert repr(system) == "OdeSystem(2 states, 2 parameters)"


def test_systems_run_as_native_code_or_say_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from symnum.codegen.target import Unsupported

    u = np.array([1.0, 2.0])
    native = oscillator().compile()
    assert native.why.startswith("native: ")
    wide = np.ones((2, 2))
    native.rhs(0.3, u, wide[:, 0])  # an array whose values do not lie side by side
    native.rhs(0.3, u, u[:])  # and one that is the state itself
    assert (
        wide[:, 0].tolist()
        == u.tolist()
        == oscillator().compile("tape").rhs(0.3, np.array([1.0, 2.0])).tolist()
    )

    def refuse(*arguments: object) -> None:
        raise Unsupported("nothing goes")

    monkeypatch.setattr("symnum.pde.term_code.NativeFill", refuse)
    monkeypatch.setattr("symnum.pde.system.NativeFill", refuse)
    other = oscillator().compile()
    assert "no native code: nothing goes; auto: the tape" in other.why
    assert other.rhs(0.3, np.array([1.0, 2.0])).tolist() == u.tolist()
    with pytest.raises(Unsupported, match="nothing goes"):
        oscillator().compile("native")
    assert OdeSystem([], [], []).compile("tape").why == "there is nothing to compute"


@pytest.mark.parametrize("target", ["auto", "tape", "numpy", "numba", "native"])
def test_parameters_change_without_compiling_again(target: str) -> None:
    compiled = oscillator().compile(target)
    u = np.array([1.0, 2.0])
    t = 0.3
    assert compiled.rhs(t, u).tolist() == pytest.approx([2.0, -4.0 - 1.0 + np.sin(t)])
    for p in ({"k": 8}, {K: 8.0}, [8.0, 1.0]):  # c follows k where it is not given
        assert compiled.rhs(t, u, p=p).tolist() == pytest.approx([2.0, -8.0 - 2.0 + np.sin(t)])
        np.testing.assert_array_equal(compiled.jacobian(t, u, p=p).toarray(), [[0.0, 1.0], [-8.0, -1.0]])
    out = np.empty(2)
    assert compiled.rhs(t, u, out) is out and out[0] == 2.0
    assert oscillator().compile(target).why


def test_compiled_functions_refuse_wrong_shapes_and_names() -> None:
    compiled = oscillator().compile()
    with pytest.raises(ValueError, match=r"u has shape \(3,\); the system takes \(2,\)"):
        compiled.rhs(0.0, np.ones(3))
    with pytest.raises(ValueError, match=r"out must be an array of shape \(2,\)"):
        compiled.rhs(0.0, np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=r"p has shape \(3,\), but the system has 2 parameters"):
        compiled.rhs(0.0, np.ones(2), p=[1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="there is no parameter 'q'; the parameters are k, c"):
        compiled.jacobian(0.0, np.ones(2), p={"q": 1.0})


def test_solutions_follow_parameters_and_observables() -> None:
    system = OdeSystem([U], [-K * U], [C], {"k": 1, "c": 2}, observables={"double": 2 * U, "rate": K * U + T})
    sol = system.solve((0.0, 1.0), rtol=1e-8, atol=1e-10, t_eval=[0.0, 0.5, 1.0])
    np.testing.assert_allclose(sol.u[:, 0], 2 * np.exp(-sol.t), rtol=1e-6)
    changed = system.solve((0.0, 1.0), rtol=1e-8, atol=1e-10, parameters={"k": 3.0, C: 5.0})
    np.testing.assert_allclose(changed.u[:, 0], 5 * np.exp(-3 * changed.t), rtol=1e-5)
    np.testing.assert_allclose(changed.observables["double"], 2 * changed.u[:, 0])
    np.testing.assert_allclose(changed.observables["rate"], 3 * changed.u[:, 0] + changed.t)
    other = system.solve((0.0, 1.0), [7.0], parameters={"c": 1.0})
    assert other.u[0, 0] == 7.0
    assert (
        OdeSystem([U], [1], [0], {"k": 2}, observables={"k": K}).solve((0.0, 1.0)).observables["k"][-1] == 2.0
    )


def test_time_gets_another_name_where_t_is_taken() -> None:
    system = OdeSystem([T], [sn.symbols("time")], [0.0])
    assert system.solve((0.0, 2.0), rtol=1e-9).u[-1, 0] == pytest.approx(2.0)
    named = OdeSystem([U], [T], [0.0], {"t": 3.0}, time=sn.symbols("tau"))
    assert named.solve((0.0, 2.0)).u[-1, 0] == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([U], [U, V], [1]), {}, ValueError, "rhs has 2 entries for 1 states"),
        (([U], [U], []), {}, ValueError, "u0 has 0 entries for 1 states"),
        (([U, U], [1, 2], [1, 2]), {}, ValueError, "'u' stands for two things"),
        (([U], [1], [1], {"u": 2}), {}, ValueError, "'u' stands for two things"),
        (
            ([U], [K * U], [1]),
            {},
            ValueError,
            r"uses 'k', which is no state and no parameter; .*parameters=\{'k': 1.0\}",
        ),
        (([U], [1], [1]), {"observables": {"x": V}}, ValueError, "the observables uses 'v'"),
        (([U + 1], [1], [1]), {}, TypeError, "states and time are symbols"),
        (([U], [1], [1], {3: 1}), {}, TypeError, "parameters are named by symbols or texts, but got 3"),
    ],
)
def test_systems_that_do_not_fit_are_refused(arguments: Any, options: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        OdeSystem(*arguments, **options)


def test_parameters_that_cannot_be_valued_are_refused() -> None:
    with pytest.raises(ValueError, match="the parameters c, k are defined by each other"):
        OdeSystem([U], [K * U], [1], {"k": C, "c": K}).parameters
    with pytest.raises(ValueError, match="the formula v uses 'v', which is no parameter"):
        OdeSystem([U], [1], [V]).u0


def test_systems_pickle_and_tracing_has_no_parameters() -> None:
    system = oscillator()
    compiled = system.compile("tape")
    compiled.jacobian(0.0, np.ones(2))
    for copy in (pickle.loads(pickle.dumps(system)).compile("tape"), pickle.loads(pickle.dumps(compiled))):
        assert copy.rhs(0.5, np.ones(2)).tolist() == compiled.rhs(0.5, np.ones(2)).tolist()
        assert (
            copy.jacobian(0.5, np.ones(2)).toarray().tolist()
            == compiled.jacobian(0.5, np.ones(2)).toarray().tolist()
        )
    sol = pickle.loads(pickle.dumps(system.solve((0.0, 0.1))))
    assert sol.observables["energy"][0] == 16.0
    from symnum.pde import TracedSystem, trace

    traced = trace(lambda t, u: -u, np.ones(2))
    assert isinstance(traced, TracedSystem) and isinstance(traced, OdeSystem)
    with pytest.raises(ValueError, match="there is no parameter 'k'"):
        traced.solve((0.0, 1.0), parameters={"k": 1.0})
    with pytest.raises(ValueError, match="there is no parameter 'k'"):
        traced.compile("numpy").rhs(0.0, np.ones(2), p={"k": 1.0})
