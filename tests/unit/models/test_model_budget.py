"""Budgets: what is granted, what is not, and that nothing together exceeds a limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.models.budget import Budgets, Claim, Granted, Overrun, grant
from freehold.models.spend import Amount, Book, Day, Hold, micro_usd
from freehold.project.budget import Budget

DAY = "2026-11-21"
RUN = "dev-1"
NOTHING = Amount()


def claim(
    usd_micro: int = 0, tokens: int = 0, turns: int = 1, most: int = 100, least: int = 100, each: float = 0.0
) -> Claim:
    return Claim(RUN, "dev", DAY, Amount(usd_micro, tokens, turns), most, least, each)


def book(run: Amount = NOTHING, project: Amount = NOTHING, agent: Amount = NOTHING) -> Book:
    return Book(days={DAY: Day(project, {"dev": agent})}, runs={RUN: run})


@pytest.mark.parametrize(
    ("budgets", "before", "wanted", "limit"),
    [
        (Budgets(), book(Amount(10**12, 10**12, 10**6)), claim(10**12, 10**12), ""),
        (Budgets(agent=Budget(turns_per_run=3)), book(Amount(turns=2)), claim(), ""),
        (Budgets(agent=Budget(turns_per_run=3)), book(Amount(turns=3)), claim(), "agent turns_per_run"),
        (Budgets(agent=Budget(turns_per_run=3)), book(Amount(turns=3)), claim(turns=0), ""),
        (Budgets(project=Budget(turns_per_run=1)), book(Amount(turns=1)), claim(), "project turns_per_run"),
        (Budgets(agent=Budget(tokens_per_run=1000)), book(Amount(tokens=800)), claim(tokens=100), ""),
        (Budgets(agent=Budget(tokens_per_run=1000)), book(Amount(tokens=801)), claim(tokens=100),
         "agent tokens_per_run"),
        (Budgets(agent=Budget(usd_per_run=1.0)), book(Amount(500_000)), claim(400_000, each=1000), ""),
        (Budgets(agent=Budget(usd_per_run=1.0)), book(Amount(500_001)), claim(400_000, each=1000), "agent usd_per_run"),
        (Budgets(project=Budget(usd_per_day=1.0)), book(project=Amount(999_999)), claim(1), ""),
        (Budgets(project=Budget(usd_per_day=1.0)), book(project=Amount(1_000_000)), claim(1), "project usd_per_day"),
        (Budgets(agent=Budget(usd_per_day=1.0)), book(project=Amount(5_000_000)), claim(1), ""),
        (Budgets(agent=Budget(usd_per_day=1.0)), book(agent=Amount(5_000_000)), claim(1), "agent usd_per_day"),
        (Budgets(project=Budget(usd_per_run=2.0), agent=Budget(usd_per_run=1.0)), book(), claim(1_500_000),
         "agent usd_per_run"),
        (Budgets(project=Budget(usd_per_run=1.0), agent=Budget(usd_per_run=2.0)), book(), claim(1_500_000),
         "project usd_per_run"),
    ],
)  # fmt: skip
def test_the_smaller_limit_wins(budgets: Budgets, before: Book, wanted: Claim, limit: str) -> None:
    outcome = grant(budgets, before, wanted)
    assert (f"{outcome.level} {outcome.limit}" if isinstance(outcome, Overrun) else "") == limit


@pytest.mark.parametrize(
    ("budgets", "day", "limit"),
    [
        (Budgets(project=Budget(usd_per_month=1.0)), "01", "project usd_per_month"),
        (Budgets(agent=Budget(usd_per_month=1.0)), "01", "agent usd_per_month"),
        (Budgets(project=Budget(usd_per_month=1.1)), "01", ""),
    ],
)
def test_a_month_is_all_of_its_days(budgets: Budgets, day: str, limit: str) -> None:
    earlier, later = f"{DAY[:7]}-{day}", f"{DAY[:7]}-02"
    half = Amount(500_000)
    before = Book(
        days={
            "2000-01-01": Day(Amount(10**9), {"dev": Amount(10**9)}),
            earlier: Day(half, {"dev": half}),
            later: Day(half, {"dev": half}),
        }
    )
    outcome = grant(budgets, before, claim(1))
    assert (f"{outcome.level} {outcome.limit}" if isinstance(outcome, Overrun) else "") == limit


@pytest.mark.parametrize(
    ("budget", "granted"),
    [
        (Budget(), 64_000),
        (Budget(usd_per_run=100.0), 64_000),
        (Budget(usd_per_run=1.0), 60_000),  # 1.00 less 0.10 of input, at 15 USD a million
        (Budget(usd_per_run=1.0, tokens_per_run=30_000), 20_000),
        (Budget(turns_per_run=5), 64_000),
    ],
)
def test_an_answer_is_as_long_as_every_limit_pays_for(budget: Budget, granted: int) -> None:
    outcome = grant(Budgets(agent=budget), Book(), claim(100_000, 10_000, most=64_000, least=1024, each=15.0))
    assert isinstance(outcome, Granted)
    assert outcome.output == granted


def test_less_than_the_least_answer_is_none() -> None:
    wanted = claim(100_000, most=64_000, least=1024, each=15.0)
    assert isinstance(grant(Budgets(agent=Budget(usd_per_run=0.11)), Book(), wanted), Overrun)


def test_what_is_set_aside_is_waited_for_and_what_is_spent_is_not() -> None:
    budgets = Budgets(agent=Budget(usd_per_run=1.0))
    held = Book(holds={"h": Hold(RUN, "dev", DAY, Amount(900_000))})
    waiting = grant(budgets, held, claim(200_000))
    assert isinstance(waiting, Overrun)
    assert waiting.passing
    spent = grant(budgets, held.settled("h", Amount(900_000)), claim(200_000))
    assert isinstance(spent, Overrun)
    assert not spent.passing


@given(
    st.lists(
        st.tuples(
            st.integers(0, 400_000), st.integers(0, 2000), st.integers(1, 3000), st.floats(0, 40), st.floats(0, 1)
        ),
        max_size=25,
    ),
    st.floats(0.0001, 2.0),
    st.integers(1, 10_000),
)  # fmt: skip
def test_nothing_together_exceeds_a_limit(
    requests: list[tuple[int, int, int, float, float]], usd: float, tokens: int
) -> None:
    """Whatever order requests come in, and however many are under way: as long as none uses more than was granted."""
    budgets = Budgets(agent=Budget(usd_per_run=usd), project=Budget(usd_per_day=usd, tokens_per_run=tokens))
    state = Book()
    under_way: list[tuple[str, Amount]] = []
    for number, (fixed, held_tokens, most, each, used) in enumerate(requests):
        outcome = grant(budgets, state, claim(fixed, held_tokens, 1, most, 1, each))
        if isinstance(outcome, Granted):
            state = state.with_hold(str(number), outcome.hold)
            under_way.append((str(number), outcome.hold.amount))
        if used > 0.5 and under_way:
            hold_id, amount = under_way.pop(0)
            actual = Amount(int(amount.usd_micro * used), int(amount.tokens * used), 1)
            state = state.settled(hold_id, actual)
        limit = int(usd * 1_000_000 + 0.5)
        assert state.of_run(RUN).usd_micro <= limit
        assert state.of_day(DAY).usd_micro <= limit
        assert state.of_run(RUN).tokens <= tokens


def test_settling_twice_charges_once() -> None:
    held = Book().with_hold("h", Hold(RUN, "dev", DAY, Amount(10)))
    once = held.settled("h", Amount(7))
    assert once.settled("h", Amount(7)) == once
    assert (once.of_run(RUN), once.of_day(DAY), once.of_agent(DAY, "dev")) == (Amount(7), Amount(7), Amount(7))


def test_a_dead_keepers_requests_are_charged_in_full_to_their_own_day() -> None:
    held = Book().with_hold("h", Hold(RUN, "dev", "2026-11-20", Amount(10)))
    held = held.with_hold("i", Hold("other", "x", DAY, Amount(5)))
    recovered = held.recovered(RUN)
    assert recovered.runs == {RUN: Amount(10)}
    assert recovered.days["2026-11-20"].project == Amount(10)
    assert list(recovered.holds) == ["i"]


def test_a_closed_run_is_gone_and_its_day_is_not() -> None:
    closed = book(Amount(5), Amount(5), Amount(5)).with_hold("h", Hold(RUN, "dev", DAY, Amount(2))).closed(RUN)
    assert (closed.runs, closed.holds, closed.of_day(DAY)) == ({}, {}, Amount(7))


def test_runs_that_are_no_longer_hold_nothing_back() -> None:
    held = book(Amount(5), Amount(5)).with_hold("h", Hold("gone-1", "gone", DAY, Amount(2)))
    cleared = held.without_dead({RUN})
    assert (list(cleared.runs), cleared.holds, cleared.of_day(DAY)) == ([RUN], {}, Amount(7))


def test_money_is_rounded_up_and_old_days_are_dropped() -> None:
    from decimal import Decimal

    assert micro_usd(Decimal("0.0000001")) == 1
    assert micro_usd(Decimal("1.5")) == 1_500_000
    old = Book(days={"2026-09-01": Day(), DAY: Day()})
    assert list(old.pruned("2026-10-21").days) == [DAY]


@pytest.mark.parametrize(
    ("overrun", "words"),
    [
        (Overrun("usd_per_run", "agent", 0.5, 0.5, 0.1), "agents/dev/config.toml: budget.usd_per_run = 0.5000 USD"),
        (Overrun("usd_per_day", "project", 1.0, 0.9, 0.2), "this request could take up to 0.2000 USD"),
        (Overrun("turns_per_run", "project", 3, 3, 1), "config.toml: budget.turns_per_run = 3, and 3 is used"),
    ],
)
def test_the_message_names_file_key_and_numbers(overrun: Overrun, words: str) -> None:
    assert words in overrun.message("dev")
