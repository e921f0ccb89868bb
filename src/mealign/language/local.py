"""A causal language model on this machine, with or without a LoRA adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mealign.errors import MealignError
from mealign.language.chat import Prompt, Schema, unheard, with_schema
from mealign.language.decisions import Decided, Estimate, Inquiry, Undecided, Usage
from mealign.language.egress import Personal
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision
from mealign.language.weights import loading, quiet_transformers, weights_digest
from mealign.progress import bar, track
from mealign.records import Message, content_id

BEGINNING = 32
"""Tokens by which prompts with the same beginning are recognised: about a system prompt's first sentence."""
TOGETHER = 8
"""Structured answers that are written together: the most that a killed run has to ask for again."""
REASONING = 160
"""Maximum tokens of reasoning before a decision."""


class LocalModel:
    """Any ``AutoModelForCausalLM`` folder that writes (:class:`~mealign.language.chat.TextModel`) and decides.

    The adapter is merged into the base weights, so that an adapted model answers as fast as the base.

    Args:
        folder: a ``from_pretrained`` folder with a tokenizer that has a chat template.
        adapter: a PEFT folder, or None for the base model.
        precision: of the weights and products.
    """

    def __init__(self, folder: Path, *, adapter: Path | None = None, precision: Precision = Precision.auto) -> None:
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        with loading(folder):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left", trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False)
        if adapter:
            with loading(adapter):
                model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
        # Merged in fp32 and only then rounded: an adapter's small differences would be lost in bf16.
        self._model = model.to(self._device, dtype_of(precision)).eval()
        self._decisions: Any = None
        self.digest = weights_digest(folder, adapter)

    def chat(
        self,
        prompts: Sequence[Prompt],
        *,
        n: int = 1,
        max_new_tokens: int,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
        batch_size: int = 32,
        description: str | None = None,
    ) -> list[list[str]]:
        """Return ``n`` answers per prompt, in the order of the prompts; greedy at temperature 0.

        ``batch_size`` counts answers that are decoded together. The same seed and prompts give the same answers, and
        the caller's random state is unchanged.

        Raises:
            MealignError: a prompt leaves no room for ``max_new_tokens`` in the model's context.
        """
        encoded = [self._encode(prompt) for prompt in prompts]
        room = self._room - max_new_tokens
        for index, tokens in enumerate(encoded):
            if len(tokens) > room:
                raise MealignError(
                    f"prompt {index} has {len(tokens)} tokens, and the model has room for {room} beside an answer of "
                    f"{max_new_tokens}; show fewer facts (context.top_k)"
                )
        answers: list[list[str]] = [[] for _ in prompts]
        # Prompts with the same beginning share a batch, which reads it once; similar lengths need little padding.
        order = sorted(range(len(prompts)), key=lambda index: (encoded[index][:BEGINNING], len(encoded[index]), index))
        step = max(1, batch_size // n)
        with bar(description, total=len(prompts)) if description else nullcontext() as shown:
            for start in range(0, len(order), step):
                batch = order[start : start + step]
                with _seeded(int(content_id("", seed, start)[1:9], 16)):
                    texts = self._generate(
                        [encoded[index] for index in batch],
                        n=n,
                        max_new_tokens=max_new_tokens,
                        temperature=temperature,
                        top_p=top_p,
                    )
                for position, index in enumerate(batch):
                    answers[index] = texts[position * n : (position + 1) * n]
                if shown:
                    shown.advance(len(batch))
        return answers

    def structured(
        self,
        prompts: Sequence[Prompt],
        schema: Schema,
        *,
        max_new_tokens: int,
        temperature: float | None = 0.0,
        personal: Sequence[Personal] | None = None,
        description: str | None = None,
        on_answer: Callable[[int, str], None] = unheard,
    ) -> list[str]:
        """Return one answer per prompt; the schema is requested in words and not enforced.

        Raises:
            MealignError: a prompt leaves no room for ``max_new_tokens`` in the model's context.
        """
        del personal, description
        texts: list[str] = []
        for start in range(0, len(prompts), TOGETHER):
            asked = [with_schema(prompt, schema) for prompt in prompts[start : start + TOGETHER]]
            for (answer,) in self.chat(asked, max_new_tokens=max_new_tokens, temperature=temperature or 0.0):
                on_answer(len(texts), answer)
                texts.append(answer)
        return texts

    def decide(self, inquiries: Sequence[Inquiry], *, description: str | None = None) -> list[Decided | Undecided]:
        """Return the probability of each option, from one forward pass of transformers' DecisionPipeline.

        For an inquiry with reasoning, the model's own greedy words are appended to its state. One that exceeds the
        model's context is not decided.
        """
        shown = track(inquiries, description) if description else inquiries
        return [self._decide(inquiry) for inquiry in shown]

    def estimate(self, inquiries: Sequence[Inquiry]) -> Estimate:
        """Count the requests; they are free, and the pace depends on the machine."""
        return Estimate(
            requests=len(inquiries), known=0, prompt_tokens=0, completion_tokens=0, cost_usd=0.0, minutes=None
        )

    def _decide(self, inquiry: Inquiry) -> Decided | Undecided:
        import torch
        from transformers.pipelines import DecisionPipeline

        if self._decisions is None:
            with quiet_transformers():
                self._decisions = DecisionPipeline(model=self._model, tokenizer=self._tokenizer)
        state, words, written = inquiry.state, "", 0
        if inquiry.reasoning is not None:
            prompt = (Message(role="user", content=f"{inquiry.state}\n\n{inquiry.reasoning}"),)
            if len(self._encode(prompt)) > self._room - REASONING:
                return Undecided("too_long")
            ((words,),) = self.chat([prompt], max_new_tokens=REASONING)
            state, written = f"{state}\n{words}", len(self._tokenizer(words)["input_ids"])
        questions = {
            name: {"type": "choice", "instructions": choice.instructions, "criteria": dict(choice.options)}
            for name, choice in inquiry.questions.items()
        }
        with torch.inference_mode():
            prepared = self._decisions.preprocess({"state": state, "questions": questions})
            if max(int(inputs["input_ids"].shape[-1]) for inputs, _ in prepared["prompts"]) > self._room:
                return Undecided("too_long")
            answers = self._decisions.postprocess(self._decisions.forward(prepared))
        tokens = sum(int(inputs["input_ids"].shape[-1]) for inputs, _ in prepared["prompts"])
        probabilities = {
            name: {option: float(answers[name]["probabilities"][option]) for option in choice.options}
            for name, choice in inquiry.questions.items()
        }
        return Decided(probabilities, reasoning=words, usage=Usage(prompt_tokens=tokens, completion_tokens=written))

    @property
    def _room(self) -> int:
        """Number of tokens that the model can read."""
        return int(self._model.config.max_position_embeddings)

    def _encode(self, prompt: Prompt) -> list[int]:
        messages = [message.model_dump() for message in prompt]
        text = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _read(self, batch: Sequence[list[int]], n: int) -> tuple[Any, Any, Any]:
        """Read prompts without repeated work: their common beginning once, and each prompt once for ``n`` answers.

        Returns:
            Tokens and attention mask, both of shape [n * batch, longest prompt], the prompts padded after the common
            beginning and each repeated ``n`` times, and the cache of what has been read; at least one token is left.
        """
        import torch

        shared = _shared_length(batch)
        ends = self._tokenizer.pad({"input_ids": [tokens[shared:] for tokens in batch]}, return_tensors="pt")
        beginning = torch.tensor([batch[0][:shared]])
        tokens = torch.cat([beginning.expand(len(batch), -1), ends["input_ids"]], dim=1).to(self._device)
        mask = torch.cat([torch.ones(len(batch), shared, dtype=torch.long), ends["attention_mask"]], dim=1)
        mask = mask.to(self._device)
        cache = None
        with torch.inference_mode():
            if shared:
                cache = self._model(beginning.to(self._device), use_cache=True, logits_to_keep=1).past_key_values
                cache.batch_repeat_interleave(len(batch))
            if n > 1 and tokens.shape[1] - shared > 1:
                positions = (mask.cumsum(1) - 1).clamp(min=0)
                cache = self._model(
                    tokens[:, shared:-1],
                    attention_mask=mask[:, :-1],
                    position_ids=positions[:, shared:-1],
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                ).past_key_values
            if n > 1 and cache is not None:
                cache.batch_repeat_interleave(n)
        return tokens.repeat_interleave(n, dim=0), mask.repeat_interleave(n, dim=0), cache

    def _generate(
        self, batch: Sequence[list[int]], *, n: int, max_new_tokens: int, temperature: float, top_p: float
    ) -> list[str]:
        import torch

        tokens, mask, cache = self._read(batch, n)
        sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None}
        if temperature > 0:
            sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p}
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=tokens,
                attention_mask=mask,
                past_key_values=cache,
                max_new_tokens=max_new_tokens,
                pad_token_id=self._tokenizer.pad_token_id,
                **sampling,
            )
        new = output[:, tokens.shape[1] :]
        return [text.strip() for text in self._tokenizer.batch_decode(new, skip_special_tokens=True)]


def _shared_length(batch: Sequence[list[int]]) -> int:
    """Return the length of the prompts' common beginning, without the last token of the shortest one."""
    first, last = min(batch), max(batch)
    most = min(len(tokens) for tokens in batch) - 1
    return next((place for place in range(most) if first[place] != last[place]), most)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
