import asyncio

import pytest

from pipeline.auth.authenticator import ANYONE
from pipeline.auth.errors import DeniedError
from pipeline.console.questions import Question, Questions, SharedAnswers
from pipeline.http.middleware.request_context import AuditRecord
from pipeline.http.operations import list_sessions
from schemas.access_key import AccessKey
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse

QUESTION = Question(list_sessions.OPERATION, "BOTAAAAAA1", {"b": 1, "a": 2})


class Loader:
    """Answers 1, 2, 3 and so on."""

    def __init__(self, fails: int = 0) -> None:
        self.asked = 0
        self.fails = fails

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0.01)
        if number <= self.fails:
            raise ValueError(str(number))
        return number


def test_all_who_ask_at_once_share_one_answer() -> None:
    async def ask() -> list[int]:
        shared, load = SharedAnswers(), Loader()
        return await asyncio.gather(*(shared.get("same", load) for _ in range(20)), shared.get("other", load))

    assert asyncio.run(ask()) == [1] * 20 + [2]


def test_an_answer_gets_old_and_an_error_is_not_kept() -> None:
    async def ask() -> None:
        shared, load = SharedAnswers(seconds=0.2), Loader(fails=1)
        with pytest.raises(ValueError, match="1"):
            await shared.get("same", load)
        assert [await shared.get("same", load) for _ in range(2)] == [2, 2]
        await asyncio.sleep(0.25)
        assert await shared.get("same", load) == 3

    asyncio.run(ask())


def test_a_slow_answer_is_not_asked_for_again_meanwhile() -> None:
    async def ask() -> list[int]:
        shared, load = SharedAnswers(seconds=0), Loader()
        first = asyncio.create_task(shared.get("same", load))
        await asyncio.sleep(0.001)
        return [await shared.get("same", load), await first]

    assert asyncio.run(ask()) == [1, 1]


def test_a_reader_who_leaves_takes_the_answer_from_nobody() -> None:
    async def ask() -> int:
        shared, load = SharedAnswers(), Loader()
        leaving = asyncio.create_task(shared.get("same", load))
        staying = asyncio.create_task(shared.get("same", load))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(ask()) == 1


def test_equal_questions_have_equal_content() -> None:
    assert QUESTION.content == Question(list_sessions.OPERATION, "BOTAAAAAA1", {"a": 2, "b": 1}).content


def test_a_question_needs_the_right_of_its_operation() -> None:
    key = AccessKey(id="TFKA", name="nobody", bots=("*",), rights=(), created=0)
    questions = Questions(None, SharedAnswers(), key, AuditRecord("x"))  # type: ignore[arg-type] # it is not reached
    with pytest.raises(DeniedError, match="no right to list"):
        asyncio.run(questions.ask_shared(QUESTION, ListSessionAnalyticsDataResponse))
    assert ANYONE.has_right(list_sessions.OPERATION.right)
