"""Servers with OpenAI's API that decide: by typed decisions, or by chat with a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mealign.language.chat import with_schema
from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.endpoints import Connection, Endpoint, NotThisApiError, ParsedReply
from mealign.language.responses import claimed, distribution, json_object
from mealign.language.vendors.openai.completions import completion_of, limit_name, without_schema
from mealign.language.verbalised import prompt_of, read_answer, schema_of


class ChatEndpoint(Endpoint):
    """``/chat/completions`` below ``/v1``: verbalised confidence."""

    path = "/chat/completions"
    api = "OpenAI's chat API"

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with the questions as system message and schema, and the state as user message."""
        schema = schema_of(inquiry)
        messages = [message.model_dump() for message in with_schema(prompt_of(inquiry), schema)]
        form = {"type": "json_schema", "json_schema": {"name": "decision", "strict": True, "schema": schema}}
        limit = {limit_name(self.server.url): self.max_new_tokens}
        return {"model": self.server.model, "messages": messages, "response_format": form, **limit, **self.sampling}

    def connect(self) -> Connection:
        """Open OpenAI's client."""
        from mealign.language.vendors.openai.connection import OpenAIConnection

        return OpenAIConnection(self)

    def simpler(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the request without ``response_format``; the schema is in its system message too."""
        return without_schema(body)

    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read a chat completion; a refusal, a filter or a cut-off answer is no decision.

        Raises:
            NotThisApiError: it is no chat completion.
        """
        said = completion_of(response)
        text = said.text
        outcome: Decided | Undecided
        if said.refusal or said.ended == "content_filter":
            text = said.refusal or text
            outcome = Undecided("refused", raw=text)
        elif said.ended == "length":
            outcome = Undecided("malformed", raw=text)
        else:
            outcome = read_answer(text, inquiry)
        return ParsedReply(outcome, text, *said.tokens)


class DecisionsEndpoint(Endpoint):
    """``/decisions`` below ``/v1``: typed questions about a text, answered with a probability for every choice."""

    path = "/decisions"
    api = "OpenAI's decisions API"

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with one typed question for each question of the inquiry."""
        questions = [
            {
                "type": "choice",
                "name": name,
                "instructions": choice.instructions,
                "choices": [{"value": option, "description": text} for option, text in choice.options.items()],
            }
            for name, choice in inquiry.questions.items()
        ]
        return {"model": self.server.model, "input": inquiry.state, "questions": questions}

    def connect(self) -> Connection:
        """Open OpenAI's client."""
        from mealign.language.vendors.openai.connection import OpenAIConnection

        return OpenAIConnection(self)

    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read a decision; its answers are in the order of the questions.

        Raises:
            NotThisApiError: it is no decision.
        """
        body = json_object(response)
        answers = body.get("answers")
        if not isinstance(answers, list):
            raise NotThisApiError
        text = json.dumps(answers, ensure_ascii=False)
        outcome: Decided | Undecided
        try:
            if any(answer["type"] == "refusal" for answer in answers):
                outcome = Undecided("refused", raw=text)
            else:
                outcome = Decided(
                    {
                        name: _probabilities(answer, name, inquiry)
                        for answer, name in zip(answers, inquiry.questions, strict=True)
                    }
                )
        except (ValueError, KeyError, TypeError):
            outcome = Undecided("malformed", raw=text)
        # No text was written: the answers are the server's, not the model's.
        return ParsedReply(outcome, "", *claimed(body, "input_tokens", "output_tokens"))


def _probabilities(answer: Mapping[str, Any], name: str, inquiry: Inquiry) -> dict[str, float]:
    if answer["type"] != "choice" or answer.get("name") not in (None, name):
        raise ValueError("this answers another question")
    said = {each["value"]: each["probability"] for each in answer["probabilities"]}
    if len(said) != len(answer["probabilities"]):
        raise ValueError("an option stands twice")
    return distribution(said, inquiry.questions[name])
