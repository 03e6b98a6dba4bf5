"""The problems of the literature on symbolic regression, and laws of our own that stand in no list.

Sampling is written as in the literature: U(low, high, n) are n uniform samples of each variable, E(low, high, n) a grid of n points
(or of step n, where n is smaller than the range).  Train and test data depend on the problem's name and the seed only.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from formulas import names, on_arrays
from numpy.typing import NDArray

from symnum.regression.problems import LISTS, TEST_ROWS, Sampling, U

Floats = NDArray[np.float64]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "sr"
LAW_ROWS = 1000
"""Training rows of a law of physics."""

KOZA = ("+", "-", "*", "/", "sin", "cos", "exp", "log")
JIN = ("+", "-", "*", "/", "sin", "cos", "exp", "^2", "^3")
KEIJZER = ("+", "*", "^-1", "neg", "sqrt")
PHYSICS = ("+", "-", "*", "/", "^", "^2", "sqrt", "exp", "log", "sin", "cos", "asin", "tanh")
"""The operators that each list of problems allows."""


@dataclass(frozen=True)
class Problem:
    """Hold a law to be found, how its variables are sampled for training and test, and the operators that its list allows.

    ``system`` are the right-hand sides of a system of differential equations in x and y, whose trajectories are the samples; the
    variables' ranges are then those of the start values.
    """

    name: str
    family: str
    law: str
    train: dict[str, Sampling]
    test: dict[str, Sampling]
    operators: tuple[str, ...]
    system: tuple[str, ...] = ()

    @property
    def variables(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.train)

    def data(self, seed: int, noise: float = 0.0) -> tuple[Floats, Floats, Floats, Floats]:
        """Return X (rows, variables), y (rows,) for training and for the test.

        The noise on the training targets has the standard deviation ``noise`` times their root mean square, as in SRBench.
        """
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), seed])
        X, y = self._drawn(self.train, rng)
        X_test, y_test = self._drawn(self.test, rng)
        kept = rng.permutation(len(y_test))[:TEST_ROWS]
        if noise:
            y = y + rng.normal(0, noise * float(np.sqrt(np.mean(y**2))), len(y))
        return X, y, X_test[kept], y_test[kept]

    def _drawn(self, ranges: dict[str, Sampling], rng: np.random.Generator) -> tuple[Floats, Floats]:
        if self.system:
            X = _trajectories(self.system, ranges, rng)
        else:
            columns = [each.draw(rng) for each in ranges.values()]
            if len(columns) > 1 and all(each.kind == "E" for each in ranges.values()):
                columns = [axis.ravel() for axis in np.meshgrid(*columns, indexing="ij")]
            X = np.column_stack(columns)
        y = np.broadcast_to(on_arrays(self.law, dict(zip(ranges, X.T, strict=True))), len(X)).astype(float)
        defined = np.isfinite(y) & np.all(np.isfinite(X), axis=1)
        return X[defined], y[defined]


def _trajectories(system: tuple[str, ...], start: dict[str, Sampling], rng: np.random.Generator) -> Floats:
    """Return 4 trajectories of 100 points, 0.1 apart, from random start values."""
    from scipy.integrate import solve_ivp

    def rates(_: float, state: Floats) -> Floats:
        values = dict(zip(start, state.reshape(len(start), -1), strict=True))
        return np.concatenate([on_arrays(side, values) for side in system])

    times = np.arange(100) * 0.1
    first = np.concatenate([rng.uniform(each.low, each.high, 4) for each in start.values()])
    solved = solve_ivp(rates, (0, times[-1]), first, t_eval=times, rtol=1e-8, atol=1e-8)
    return solved.y.reshape(len(start), -1).T


def _listed(
    family: str, operators: tuple[str, ...], rows: Sequence[tuple[str, str, Sampling]]
) -> list[Problem]:
    """Return the problems of a list whose variables, among x and y, are all sampled alike."""
    found = []
    for name, law, sampling in rows:
        variables = sorted(names(law) - {"pi"})
        found.append(
            Problem(
                name,
                family,
                law,
                dict.fromkeys(variables, sampling),
                dict.fromkeys(variables, sampling.fresh()),
                operators,
            )
        )
    return found


def nguyen() -> list[Problem]:
    """Return Nguyen-1 to 12 (Uy et al. 2011) and 12*, which is 12 on a wide range."""
    return _listed("nguyen", KOZA, LISTS["nguyen"])


def nguyen_c() -> list[Problem]:
    """Return Nguyen's problems with constants: RSRM's and SPL's (1, 2, 5, 8, 9, 10), DSR's (1, 5, 7, 8, 10) and its others."""
    return _listed("nguyen-c", KOZA, LISTS["nguyen-c"])


def rational() -> list[Problem]:
    """Return R-1 to 3 (Krawiec and Pawlak 2013), on [-1, 1] and, starred, on [-10, 10]."""
    return _listed("rational", KOZA, LISTS["rational"])


def livermore() -> list[Problem]:
    """Return Livermore-1 to 22 in the numbering and with the formulas of NGGP, RSRM and iMCTS (Mundhenk et al. 2021)."""
    return _listed("livermore", KOZA, LISTS["livermore"])


def livermore_dso() -> list[Problem]:
    """Return the laws that DSO's list has in place of some of these, under DSO's numbers."""
    return _listed("livermore-dso", KOZA, [
        ("DSO-Livermore-5", "x**4-x**3+y**2-y", U(0, 1)),
        ("DSO-Livermore-14", "x**3+x**2+x+sin(x)+sin(y**2)", U(-1, 1)),
        ("DSO-Livermore-16", "x**(2/3)", U(0, 4)),
        ("DSO-Livermore-19", "log(x**2+x)+log(x**3+x)", U(0, 2)),
    ])  # fmt: skip


def jin() -> list[Problem]:
    """Return Jin-1 to 6 (Jin et al. 2019)."""
    return _listed("jin", JIN, LISTS["jin"])


def further() -> list[Problem]:
    """Return Keijzer, Koza, Neat and Const-Test of the shared list; FileNotFoundError where it is not there."""
    found = []
    for given in json.loads((SHARED / "basic.json").read_text()):
        if given["family"] not in ("Keijzer", "Koza", "Neat", "Const-Test"):
            continue
        variables = [f"x{k + 1}" for k in range(given["n_vars"])]
        train = _sampled(given["train"], variables)
        same = given["test"] == "same-spec-resampled" or given["test"] == given["train"]
        test = {v: s.fresh() for v, s in train.items()} if same else _sampled(given["test"], variables)
        operators = KEIJZER if given["function_set_name"] == "Keijzer" else KOZA
        found.append(Problem(given["name"], "further", given["expression"], train, test, operators))
    return found


def _sampled(given: dict[str, Any], variables: list[str]) -> dict[str, Sampling]:
    found = {}
    for variable in variables:
        [(kind, (low, high, amount))] = given.get(variable, given.get("all")).items()
        found[variable] = Sampling(kind, low, high, amount)
    return found


def feynman() -> list[Problem]:
    """Return the 60 laws of the shared list (Udrescu and Tegmark 2020); FileNotFoundError where it is not there."""
    found = []
    for given in json.loads((SHARED / "feynman_dev.json").read_text()):
        ranges = {v["name"]: U(v["low"], v["high"], LAW_ROWS) for v in given["variables"]}
        fresh = {name: each.fresh() for name, each in ranges.items()}
        found.append(Problem(given["id"], "feynman", given["formula"], ranges, fresh, PHYSICS))
    return found


def strogatz() -> list[Problem]:
    """Return the 7 systems of two differential equations of the ODE-Strogatz list (La Cava et al. 2016), simulated anew."""
    systems = {
        "bacres": ("20-x-x*y/(1+0.5*x**2)", "10-x*y/(1+0.5*x**2)", U(1, 10), U(1, 10)),
        "barmag": ("0.5*sin(x-y)-sin(x)", "0.5*sin(y-x)-sin(y)", U(0, 6), U(0, 6)),
        "glider": ("-0.05*x**2-sin(y)", "x-cos(y)/x", U(2, 8), U(-2, 2)),
        "lv": ("3*x-2*x*y-x**2", "2*y-x*y-y**2", U(1, 8), U(1, 8)),
        "predprey": ("x*(4-x-y/(1+x))", "y*(x/(1+x)-0.075*y)", U(2, 8), U(2, 12)),
        "shearflow": ("cot(y)*cos(x)", "(cos(y)**2+0.1*sin(y)**2)*sin(x)", U(0, 6), U(0.4, 1.4)),
        "vdp": ("10*(y-1/3*(x**3-x))", "-1/10*x", U(-2, 2), U(-1, 1)),
    }
    found = []
    for name, (first, second, x, y) in systems.items():
        for place, law in enumerate((first, second), 1):
            start = {"x": x, "y": y}
            found.append(Problem(f"{name}-{place}", "strogatz", law, start, start, PHYSICS, (first, second)))
    return found


def held_out() -> list[Problem]:
    """Return laws of physics, chemistry, biology and engineering that stand in none of the other lists."""
    laws: list[tuple[str, str, dict[str, tuple[float, float]]]] = [
        ("competitive inhibition", "V*S/(K*(1+I/J)+S)", dict(V=(1, 5), S=(0.5, 10), K=(1, 5), I=(0, 5), J=(1, 4))),
        ("Hill, half saturation 1.7", "S**2.8/(1.7**2.8+S**2.8)", dict(S=(0.2, 6))),
        ("Haldane", "m*S/(K+S+S**2/J)", dict(m=(1, 3), S=(0.5, 10), K=(1, 5), J=(1, 5))),
        ("Arrhenius", "A*exp(-E/(0.00831*T))", dict(A=(1, 5), E=(2, 12), T=(280, 420))),
        ("van der Waals", "n*0.082*T/(V-0.043*n)-3.59*n**2/V**2", dict(n=(0.5, 2), T=(250, 500), V=(0.5, 3))),
        ("Nernst", "E-0.0257/z*log(Q)", dict(E=(0.2, 1.5), z=(1, 4), Q=(0.05, 20))),
        ("Henderson-Hasselbalch", "p+log10(A/B)", dict(p=(3, 9), A=(0.1, 2), B=(0.1, 2))),
        ("net radiation", "5.67*e*(T**4-S**4)", dict(e=(0.2, 1), T=(3, 6), S=(2, 3))),
        ("rocket with gravity", "v*log(m/(m-u*t))-9.81*t", dict(v=(100, 300), m=(10, 20), u=(0.1, 0.5), t=(1, 15))),
        ("Torricelli with inflow", "sqrt(2*9.81*h+v**2)", dict(h=(0.2, 5), v=(0.5, 8))),
        ("Yukawa", "q*exp(-r/L)/(4*pi*r)", dict(q=(1, 5), r=(0.5, 4), L=(0.5, 3))),
        ("Lennard-Jones", "4*e*((s/r)**12-(s/r)**6)", dict(e=(0.5, 3), s=(0.8, 1.2), r=(1, 2))),
        ("Morse", "D*(1-exp(-a*(r-b)))**2", dict(D=(1, 5), a=(0.5, 2), r=(0.7, 3), b=(1, 2))),
        ("Lorentz line", "A*g**2/((w-u)**2+g**2)", dict(A=(1, 5), g=(0.2, 1.5), w=(0, 5), u=(1, 4))),
        ("damped oscillation", "A*exp(-g*t)*cos(w*t)", dict(A=(1, 3), g=(0.1, 1), t=(0, 4), w=(1, 3))),
        ("logistic growth", "K/(1+(K/N-1)*exp(-r*t))", dict(K=(5, 10), N=(0.5, 3), r=(0.3, 1.5), t=(0, 6))),
        ("Gompertz", "K*exp(-2.3*exp(-0.7*t))", dict(K=(1, 8), t=(0, 8))),
        ("terminal velocity", "sqrt(2*m*9.81/(d*A*C))", dict(m=(0.1, 2), d=(1, 1.5), A=(0.1, 1), C=(0.3, 1.2))),
        ("lens maker", "1/((n-1)*(1/R-1/S))", dict(n=(1.3, 1.9), R=(1, 3), S=(4, 9))),
        ("relativistic Doppler", "f*sqrt((1+b)/(1-b))", dict(f=(1, 5), b=(0.05, 0.9))),
        ("Compton", "l+2.426*(1-cos(a))", dict(l=(1, 20), a=(0, 3.1))),
        ("two-component Langmuir", "q*a*p/(1+a*p+b*r)", dict(q=(1, 4), a=(0.5, 3), p=(0.1, 4), b=(0.5, 3), r=(0.1, 4))),
        ("Wien", "2*f**3*exp(-1.4*f/T)", dict(f=(0.5, 6), T=(0.8, 3))),
        ("metabolic rate", "3.41*M**0.75", dict(M=(0.02, 500))),
        ("vis-viva", "sqrt(m*(2/r-1/a))", dict(m=(1, 5), r=(0.5, 1.5), a=(1, 4))),
        ("Fresnel at normal incidence", "((n-m)/(n+m))**2", dict(n=(1, 2), m=(2, 4))),
        ("pressure in the troposphere", "p*(1-0.023*h)**5.256", dict(p=(0.9, 1.1), h=(0, 11))),
        ("Gaussian beam", "w*sqrt(1+(z*l/(pi*w**2))**2)", dict(w=(0.5, 2), z=(0, 10), l=(0.4, 1.5))),
        ("pendulum of finite amplitude", "2*pi*sqrt(L/9.81)*(1+a**2/16)", dict(L=(0.2, 3), a=(0, 1.5))),
        ("charging capacitor", "V*(1-exp(-t/(R*C)))", dict(V=(1, 10), t=(0, 5), R=(0.5, 2), C=(0.5, 2))),
        ("Antoine", "exp(16.4-3885/(T+230))", dict(T=(10, 100))),
        ("Butler-Volmer", "i*(exp(0.5*e)-exp(-0.5*e))", dict(i=(0.5, 3), e=(-3, 3))),
        ("second-order kinetics", "A/(1+k*t*A)", dict(A=(0.5, 4), k=(0.1, 2), t=(0, 6))),
        ("Snell", "asin(n*sin(a)/m)", dict(n=(1, 1.4), a=(0.1, 1.2), m=(1.5, 2.4))),
        ("effectiveness factor", "tanh(k*L)/(k*L)", dict(k=(0.5, 3), L=(0.2, 1.5))),
        ("standing wave", "2*A*sin(k*x)*cos(w*t)", dict(A=(1, 3), k=(0.5, 2), x=(0, 3), w=(1, 2), t=(0, 3))),
    ]  # fmt: skip
    found = []
    for name, law, ranges in laws:
        train = {variable: U(low, high, 300) for variable, (low, high) in ranges.items()}
        test = {variable: each.fresh() for variable, each in train.items()}
        found.append(Problem(name, "held-out", law, train, test, PHYSICS))
    return found


FAMILIES: dict[str, Callable[[], list[Problem]]] = {
    "nguyen": nguyen,
    "nguyen-c": nguyen_c,
    "rational": rational,
    "livermore": livermore,
    "livermore-dso": livermore_dso,
    "jin": jin,
    "held-out": held_out,
    "feynman": feynman,
    "strogatz": strogatz,
    "further": further,
}


@cache
def family(name: str) -> tuple[Problem, ...]:
    """Return the problems of a family; FileNotFoundError where its list is not there, LookupError for an unknown family."""
    if name not in FAMILIES:
        raise LookupError(f"there is no family {name!r}; the families are {', '.join(FAMILIES)}")
    return tuple(FAMILIES[name]())


def problem(family_name: str, name: str, rows: int | None = None) -> Problem:
    """Return a problem by name, with so many training rows of uniform samples, where ``rows`` is given."""
    found = {each.name: each for each in family(family_name)}
    if name not in found:
        raise LookupError(f"family {family_name!r} has no problem {name!r}; it has {', '.join(found)}")
    if rows is None:
        return found[name]
    train = {v: replace(s, amount=rows) if s.kind == "U" else s for v, s in found[name].train.items()}
    return replace(found[name], train=train)
