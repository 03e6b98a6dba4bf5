"""Horn programs with queries: those of the oracles, and random ones."""

from __future__ import annotations

from random import Random

APPEND = "app([], Y, Y). app([H|T], Y, [H|Z]) :- app(T, Y, Z)."
REVERSE = APPEND + " rev([], []). rev([H|T], R) :- rev(T, Q), app(Q, [H], R)."
FAMILY = """
par(a, b). par(a, c). par(b, d). par(d, e).
anc(X, Y) :- par(X, Y).
anc(X, Z) :- par(X, Y), anc(Y, Z).
"""
PEANO = "add(z, Y, Y). add(s(X), Y, s(Z)) :- add(X, Y, Z)."
QUEENS = """
queens(N, Qs) :- range(1, N, Ns), place(Ns, [], Qs).
range(N, N, [N]).
range(L, N, [L|T]) :- L < N, M is L + 1, range(M, N, T).
place([], Qs, Qs).
place(Left, Safe, Qs) :- sel(Q, Left, Rest), safe(Q, 1, Safe), place(Rest, [Q|Safe], Qs).
sel(X, [X|T], T).
sel(X, [H|T], [H|R]) :- sel(X, T, R).
safe(_, _, []).
safe(Q, D, [P|Ps]) :- Q =\\= P + D, Q =\\= P - D, E is D + 1, safe(Q, E, Ps).
"""
PURE_QUEENS = """
queens(Cs) :- rows(Cs, N), cols(N, Cs, _, _).
rows([_,_,_,_], s(s(s(s(z))))).
cols(z, _, _, _).
cols(s(I), Cs, Us, [_|Ds]) :- cols(I, Cs, [_|Us], Ds), put(s(I), Cs, Us, Ds).
put(N, [N|_], [N|_], [N|_]).
put(N, [_|Cs], [_|Us], [_|Ds]) :- put(N, Cs, Us, Ds).
"""

CASES: list[tuple[str, str]] = [
    (APPEND, "app(X, Y, [1,2,3])"),
    (APPEND, "app([1,2], [3], Z)"),
    (APPEND, "app(X, [c], [a,b,c])"),
    (APPEND, "app([a], Y, [b])"),
    (APPEND, "app([H|T], Y, [1,2])"),
    (APPEND, "app([1,X], [Y], [Z,2|W])"),
    (APPEND, "app([1|X], Y, [Z,2,3]), app(A, [B|C], Y)"),
    (REVERSE, "rev([1,2,3,4,5,6,7,8], R)"),
    (REVERSE, "rev([A,B,C], R)"),
    (FAMILY, "anc(P, Q)"),
    (FAMILY, "anc(a, X)"),
    (FAMILY, "anc(X, e), par(X, Y)"),
    (PEANO, "add(X, Y, s(s(s(z))))"),
    (PEANO, "add(X, X, s(s(z)))"),
    ("p(X, f(X)).", "p(Y, Y)"),
    ("p(X, X). q(f(X), X).", "p(A, B), q(A, C)"),
    (QUEENS, "queens(6, Qs)"),
    (PURE_QUEENS, "queens(Cs)"),
    ("t(N, M) :- M is N * 3 - 20 // N mod 4.", "t(3, X), Y is -X + 2, X > Y"),
    ("n(1). n(2). n(3).", "n(X), n(Y), X =< Y, Z is X * Y, Z =:= 2"),
    ("n(1). n(2). m(2). m(1).", "n(X), m(Y), X = Y"),
    ("p(1, a). p(X, b) :- q(X). p(2, c). q(1). q(2).", "p(2, Z)"),
    ("p(1, a). p(X, b) :- q(X). p(2, c). q(1). q(2).", "p(X, Z)"),
    ("p(f(1), 1). p(f(2), 2). p(g(1), 3). p([1], 4). p([], 5). p(x, 6). p(7, 7).", "p(f(X), Y)"),
    ("p(f(1), 1). p(f(2), 2). p(g(1), 3). p([1], 4). p([], 5). p(x, 6). p(7, 7).", "p([X|T], Y)"),
    ("p(f(1), 1). p(f(2), 2). p(g(1), 3). p([1], 4). p([], 5). p(x, 6). p(7, 7).", "p(X, Y)"),
]  # fmt: skip
"""Programs and queries with finitely many answers."""


def random_case(choice: Random) -> tuple[str, str]:
    """Return a program whose predicates call only those after them, so that every query ends, and a query."""
    predicates = [(f"p{k}", choice.randint(1, 3)) for k in range(4)]
    lines = []
    for k, (name, arity) in enumerate(predicates):
        for _ in range(choice.randint(1, 4)):
            head = f"{name}({', '.join(_term(choice) for _ in range(arity))})"
            later = predicates[k + 1 :]
            goals = []
            for _ in range(choice.randint(0, 3)):
                if later and choice.random() < 0.8:
                    called, count = choice.choice(later)
                    goals.append(f"{called}({', '.join(_term(choice) for _ in range(count))})")
                else:
                    goals.append(f"{_term(choice)} = {_term(choice)}")
            lines.append(f"{head} :- {', '.join(goals)}." if goals else f"{head}.")
    choice.shuffle(lines)
    return "\n".join(lines), f"p0({', '.join(_term(choice) for _ in range(predicates[0][1]))})"


def _term(choice: Random, depth: int = 2) -> str:
    kind = choice.random()
    if kind < 0.6:
        return choice.choice("XYZW")
    if kind < 0.8 or depth == 0:
        return choice.choice(["a", "b", "1", "2", "[]"])
    if kind < 0.9:
        return f"f({_term(choice, depth - 1)})"
    return f"[{_term(choice, depth - 1)}|{_term(choice, depth - 1)}]"
