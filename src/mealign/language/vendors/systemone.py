"""Servers that answer ``/v1/systemone``: the protocol of transformers' DecisionPipeline over HTTP."""

from __future__ import annotations

import json
from typing import Any

from mealign.language.decisions import Decided, Inquiry, Undecided
from mealign.language.endpoints import Endpoint, NotThisApiError, ParsedReply
from mealign.language.responses import claimed, distribution, json_object
from mealign.language.vendor import DecisionApi, Vendor


class SystemOneEndpoint(Endpoint):
    """``/systemone`` of ``transformers serve``, vLLM, llama.cpp, ...: a probability for every option."""

    path = "/systemone"
    api = "/v1/systemone"

    def body(self, inquiry: Inquiry) -> dict[str, Any]:
        """Return a request with one typed question for each question of the inquiry."""
        questions = {
            name: {"type": "choice", "instructions": choice.instructions, "criteria": dict(choice.options)}
            for name, choice in inquiry.questions.items()
        }
        return {"model": self.server.model, "state": inquiry.state, "questions": questions}

    def read(self, response: str, inquiry: Inquiry) -> ParsedReply:
        """Read the answers by the names of their questions.

        Raises:
            NotThisApiError: the response holds no such answers.
        """
        body = json_object(response)
        answers = body.get("answers")
        if not isinstance(answers, dict):
            raise NotThisApiError
        text = json.dumps(answers, ensure_ascii=False)
        outcome: Decided | Undecided
        try:
            outcome = Decided(
                {
                    name: distribution(answers[name]["probabilities"], choice)
                    for name, choice in inquiry.questions.items()
                }
            )
        except (ValueError, KeyError, TypeError):
            outcome = Undecided("malformed", raw=text)
        # No text was written: the answers are the server's, not the model's.
        return ParsedReply(outcome, "", *claimed(body, "input_tokens", "output_tokens"))


VENDOR = Vendor(decide={"decisions": DecisionApi(SystemOneEndpoint, words=False)})
