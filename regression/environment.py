"""Writing a formula token by token as a reinforcement learning environment (gymnasium).

It has the masks and the reward of the tree search (:mod:`symnum.regression.prefixes`), so an agent that learns here plays the same game.
Importing this module, or using ``symnum.regression.ExpressionEnv`` for the first time, registers it as
``symnum/ExpressionBuilding-v0``; without an import write
``gymnasium.make("symnum.regression.environment:symnum/ExpressionBuilding-v0", X=X, y=y)``.

>>> import gymnasium, numpy as np
>>> from symnum.regression import ExpressionEnv
>>> x = np.linspace(1.0, 2.0, 20)
>>> env = gymnasium.make("symnum/ExpressionBuilding-v0", X=x[:, None], y=3 * np.sin(x) + 1, render_mode="ansi").unwrapped
>>> observation, info = env.reset(seed=1)
>>> for name in ("sin", "x0"):
...     observation, reward, terminated, truncated, info = env.step(env.actions.index(name))
>>> terminated, round(float(reward), 4)  # 0.99^2: a factor and an offset are free
(True, 0.9801)
>>> env.render()
'sin(x0): reward 0.9801'
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray

from symnum.regression import prefixes
from symnum.regression.evaluator import Evaluator
from symnum.regression.grammar import Grammar, Tokens
from symnum.regression.problem import Problem, Views

ID = "symnum/ExpressionBuilding-v0"


class ExpressionEnv(gymnasium.Env[Any, int]):
    """Write an expression over the columns of ``X`` (rows, columns) that explains ``y`` (rows,), one token after the other.

    grammar: the language, with a variable for each column; by default x0, x1, ... and the usual operations.
    sample_weight: (rows,), as repetitions of the rows.
    longest: tokens that an expression may have, and steps that an episode may take.
    token_discount: the last token earns token_discount^length / (1 + e), where e is the root mean square error of the best
        ``a*f + b``, as a part of the standard deviation, in the best view of the target; 0 where the expression is undefined.
    step_reward: what each other token earns.
    illegal_reward: what an action earns that the mask forbids; it writes nothing.
    dict_observation: observe {"observation": ..., "action_mask": ...} instead of the first alone.
    render_mode: "ansi" (render returns a text), "human" (prints it at each step) or None.

    Actions are places in ``actions``, the spellings of the tokens.  An observation is, in one array, the action of each token written
    so far (``len(actions)`` where there is none yet), then how many arguments are still to come, then how many tokens may be written.
    Which actions are legal is told in three ways: ``info["action_mask"]`` (int8, for ``action_space.sample(mask)``), the method
    :meth:`action_masks` (bool, for sb3-contrib's MaskablePPO), and the Dict observation; the masks keep the constraints and units of the
    grammar.  An agent that keeps to the masks always finishes; an episode is truncated after ``longest`` steps.  At its end
    ``info["expression"]`` is the text of the formula; with units an unfinished expression may have no ending, which ends the episode
    without a reward and without a formula.

    Raises ValueError for data or settings that make no sense, TypeError for a grammar of another kind.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # gymnasium's is an instance variable
        "render_modes": ["ansi", "human"],
        "render_fps": 4,
    }

    def __init__(
        self, X: ArrayLike, y: ArrayLike, grammar: Grammar | None = None, *, sample_weight: ArrayLike | None = None,
        longest: int = 20, token_discount: float = 0.99, step_reward: float = 0.0, illegal_reward: float = -0.1,
        dict_observation: bool = False, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        problem = _problem(X, y, sample_weight)
        columns = len(problem.X)
        self.grammar = Grammar(tuple(f"x{k}" for k in range(columns))) if grammar is None else grammar
        if not isinstance(self.grammar, Grammar):
            raise TypeError(
                f"grammar is a {type(grammar).__name__}; write grammar=Grammar(('x0',), operators=('+', '*'))"
            )
        if len(self.grammar.variables) != columns:
            raise ValueError(
                f"the grammar has {len(self.grammar.variables)} variables, but X has {columns} columns; name each column once"
            )
        if longest < 1:
            raise ValueError(f"longest is {longest!r}, but an expression has at least 1 token")
        if not 0 < token_discount <= 1:
            raise ValueError(
                f"token_discount is {token_discount!r}, but must be above 0 and at most 1, such as 0.99"
            )
        if not (math.isfinite(step_reward) and math.isfinite(illegal_reward)):
            raise ValueError(
                f"step_reward and illegal_reward must be finite, but they are {step_reward!r} and {illegal_reward!r}"
            )
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode is {render_mode!r}, but must be 'ansi', 'human' or None")
        self.render_mode = render_mode
        self.longest = longest
        self.token_discount = token_discount
        self.step_reward = step_reward
        self.illegal_reward = illegal_reward
        self.dict_observation = dict_observation
        self.rules = prefixes.rules_of(self.grammar)
        self.restrictions = prefixes.restrictions_of(self.grammar)
        self.actions = tuple(self.grammar.names[token] for token in self.rules.choices)
        self.views = Views.of(problem, self.grammar)
        self.evaluator = Evaluator(self.grammar, problem.X)
        count = len(self.actions)
        self.action_space: spaces.Space[Any] = spaces.Discrete(count)
        written: spaces.Space[Any] = spaces.MultiDiscrete([*[count + 1] * longest, longest + 1, longest + 1])
        self.observation_space = (
            spaces.Dict({"observation": written, "action_mask": spaces.MultiBinary(count)})
            if dict_observation
            else written
        )
        self.prefix: list[int] = []
        self.steps = 0
        self.finished = True
        self.last_reward = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an empty expression.

        ``options={"start": "+ x0"}`` begins with these tokens; raises ValueError when they are no unfinished expression.
        """
        super().reset(seed=seed)
        self.prefix, self.steps, self.finished, self.last_reward = [], 0, False, 0.0
        for name in str((options or {}).get("start", "")).split():
            choice = int(self.rules.choice[self.grammar.token(name)])
            if choice < 0 or not self.action_masks()[choice]:
                self.finished = True
                raise ValueError(
                    f"the start {options['start']!r} is not legal at {name!r}; legal there are {self._legal_names()}"  # type: ignore[index]  # a start was given
                )
            self.prefix.append(choice)
        if not self.action_masks().any():
            self.finished = True
            raise ValueError("the start is a whole expression already; leave out its last token")
        if self.render_mode == "human":
            print(self._text())
        return self._observation(), self._info()

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Write a token; raises RuntimeError before the first reset and after the end of an episode."""
        if self.finished:
            raise RuntimeError("there is no episode to go on with; call reset() first")
        action = int(action)
        self.steps += 1
        legal = 0 <= action < len(self.actions) and bool(self.action_masks()[action])
        terminated = False
        if legal:
            self.prefix.append(action)
            terminated = not self.action_masks().any()
            whole = self._missing() == 0
            earned = self.step_reward if not terminated else self.reward_of(self.tokens) if whole else 0.0
        else:
            earned = self.illegal_reward
        truncated = not terminated and self.steps >= self.longest
        self.finished = terminated or truncated
        self.last_reward = float(earned)
        info = self._info()
        if not legal:
            info["illegal"] = True
        if terminated and self._missing() == 0:
            info["expression"] = str(self.grammar.term(self.tokens))
        if self.render_mode == "human":
            print(self._text())
        return self._observation(), self.last_reward, terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return (actions,): which actions are legal now; none when the expression is whole."""
        return prefixes.legal_after(self.rules, self.prefix, self.longest, self.restrictions)

    @property
    def tokens(self) -> Tokens:
        """Return the tokens of the grammar that were written so far; ``prefix`` has the actions."""
        return self.rules.choices[self.prefix].astype(np.int16)

    def reward_of(self, tokens: Any) -> float:
        """Return what a whole expression earns, given by its tokens."""
        array: Tokens = np.asarray(tokens, np.int16)
        left = float(self.evaluator.scores([array], self.views).min())
        return float(prefixes.reward(left, len(array), self.token_discount))

    def render(self) -> str | None:
        """Return the expression as text in the mode "ansi"; the mode "human" has printed it already."""
        return self._text() if self.render_mode == "ansi" else None

    def _observation(self) -> Any:
        written = np.full(self.longest + 2, len(self.actions), np.int64)
        written[: len(self.prefix)] = self.prefix
        written[-2] = self._missing()
        written[-1] = self.longest - len(self.prefix)
        if not self.dict_observation:
            return written
        return {"observation": written, "action_mask": self.action_masks().astype(np.int8)}

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self.action_masks().astype(np.int8)}

    def _legal_names(self) -> str:
        names = [name for name, legal in zip(self.actions, self.action_masks(), strict=True) if legal]
        return " ".join(names) or "none, as it is whole"

    def _text(self) -> str:
        """Return the formula and its reward, or the tokens so far with a question mark for each argument to come."""
        missing = self._missing()
        if missing == 0:
            return f"{self.grammar.term(self.tokens)}: reward {self.last_reward:.4f}"
        return " ".join([*(self.actions[choice] for choice in self.prefix), *["?"] * missing])

    def _missing(self) -> int:
        """Return how many arguments are still to come."""
        return 1 + int((self.rules.table[self.prefix, prefixes.ARITY] - 1).sum())


def _problem(X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Problem:
    """Return the checked data as a problem."""
    table, target = np.asarray(X, float), np.asarray(y, float)
    if table.ndim != 2 or target.ndim != 1 or len(table) != len(target) or table.size == 0:
        raise ValueError(
            f"X must be (rows, columns) and y (rows,), but their shapes are {table.shape} and {target.shape}; "
            "one column x is X=x[:, None]"
        )
    weights = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight, float)
    if weights.shape != target.shape or not (np.all(weights >= 0) and 0 < weights.sum() < np.inf):
        raise ValueError(
            f"sample_weight must be ({len(target)},) finite numbers that are not negative and not all 0"
        )
    if not (np.isfinite(table).all() and np.isfinite(target).all()):
        row = int(np.flatnonzero(~(np.isfinite(table).all(axis=1) & np.isfinite(target)))[0])
        raise ValueError(f"row {row} of X and y holds nan or inf; leave out such rows")
    problem = Problem.of(table, target, weights)
    if problem.constant:
        raise ValueError(
            "all values of y are the same, so that every expression explains them; give a target that varies"
        )
    return problem


if ID not in gymnasium.registry:
    gymnasium.register(id=ID, entry_point="symnum.regression.environment:ExpressionEnv")
