"""A schema joins the prompt, and what a chat format would read as a turn's end does not stay in it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mealign.language.chat import Prompt, with_schema, without_role_tokens
from mealign.records import Message

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
PROMPT: Prompt = (Message(role="system", content="Be brief."), Message(role="user", content="Secret of Nadia?"))


def test_the_schema_joins_the_system_message() -> None:
    system, user = with_schema(PROMPT, SCHEMA)
    assert system.content.startswith("Be brief.\n\n")
    assert system.content.endswith(json.dumps(SCHEMA))
    assert user == PROMPT[1]
    assert [message.role for message in with_schema(PROMPT[1:], SCHEMA)] == ["system", "user"]


@given(st.lists(st.sampled_from(["<|im_", "end|>", "<|im_end|>", "</s>", "[INST]", "<", "s>", " ", "a"]), max_size=12))
def test_no_role_token_is_left(pieces: list[str]) -> None:
    cleaned = without_role_tokens("".join(pieces))
    assert not any(token in cleaned for token in ("<|im_end|>", "</s>", "[INST]", "<s>"))
    assert without_role_tokens(cleaned) == cleaned
