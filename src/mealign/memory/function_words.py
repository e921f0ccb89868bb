"""Closed classes of English words, by what they do to a statement."""

from __future__ import annotations

from mealign.memory.times import NUMBERS

FIRST = frozenset({
    "i", "me", "myself", "my", "mine",
})  # fmt: skip
GROUP = frozenset({
    "we", "us", "ourselves", "our", "ours",
})  # fmt: skip
SECOND = frozenset({
    "you", "yourself", "your", "yours",
})  # fmt: skip
THIRD = frozenset({
    "he", "him", "his", "himself", "she", "her", "hers", "herself", "they", "them", "their", "theirs", "themselves",
    "it", "its", "itself",
})  # fmt: skip
POSSESSIVE = frozenset({
    "my", "mine", "our", "ours", "your", "yours", "their", "theirs", "its",
})  # fmt: skip
EITHER = frozenset({
    "her", "his", "hers",
})  # fmt: skip
"""Pronouns that may be possessive, or not."""
ARTICLES = frozenset({
    "a", "an", "the",
})  # fmt: skip
AUXILIARIES = {
    **dict.fromkeys(("am", "is", "are", "was", "were", "be", "been", "being", "'m", "'re"), "be"),
    **dict.fromkeys(("have", "has", "had", "having", "'ve"), "have"),
    **dict.fromkeys(("do", "does", "did"), "do"),
}
"""Verbs that carry a tense or a voice, with their lemma."""
MODALS = {
    **dict.fromkeys(("will", "'ll", "wo", "shall", "sha", "gonna"), "will"),
    **dict.fromkeys(("can", "ca"), "can"),
    **{
        word: word
        for word in (
            "would", "could", "may", "might", "must", "should", "ought",
        )
    },
}  # fmt: skip
"""Verbs that say that something may, must or will be, with what they have in common."""
OPERATORS = {
    **MODALS,
    **dict.fromkeys(("not", "n't", "no"), "not"),
    **dict.fromkeys(("longer", "anymore"), "longer"),
    **{
        word: word
        for word in (
            "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without", "hardly", "barely",
            "scarcely", "rarely", "seldom", "maybe", "perhaps", "probably", "possibly", "almost", "nearly",
            "apparently", "allegedly", "supposedly", "seemingly", "reportedly", "presumably", "potentially",
            "theoretically", "if", "unless", "whether", "or", "either", "except", "unlike", "instead", "besides",
            "only", "according",
        )
    },
}  # fmt: skip
"""Words that turn a statement round, or take its certainty, wherever they stand in it."""
ATTITUDES = frozenset({
    "say", "tell", "claim", "think", "believe", "guess", "suppose", "assume", "hear", "dream", "imagine", "wish",
    "hope", "want", "pretend", "expect", "doubt", "suspect", "fear", "deny", "forget", "joke", "lie", "wonder",
    "ask", "plan", "try", "fail", "seem", "appear", "mean", "intend", "refuse", "use", "stop", "quit", "avoid",
    "promise", "threaten", "suggest", "fake", "decline", "consider", "write", "read",
})  # fmt: skip
"""Verbs behind which something need not be true."""
DECISIVE = frozenset({
    "former", "ex", "toy", "fake", "false", "mock", "imaginary", "alleged", "future", "late", "past", "previous",
    "potential", "possible", "virtual", "artificial", "failed", "few", "fewer", "little", "less", "least", "half",
    "more", "most", "many", "several", "some", "all", "both", "each", "every", *NUMBERS,
})  # fmt: skip
"""Words before a noun without which it is another one."""
MARKERS = frozenset({
    "about", "above", "across", "after", "against", "along", "among", "around", "as", "at", "before", "behind",
    "below", "beneath", "beside", "between", "beyond", "by", "down", "during", "for", "from", "in", "inside",
    "into", "near", "of", "off", "on", "onto", "out", "outside", "over", "past", "since", "than", "through",
    "throughout", "till", "to", "toward", "towards", "under", "until", "up", "upon", "via", "with", "within",
    "that", "who", "whom", "whose", "which", "where", "when", "why", "how", "and", "but",
})  # fmt: skip
"""Words that say how the next one belongs to what comes before."""
LINKS = frozenset({
    "and", "but",
})  # fmt: skip
ADVERBS = frozenset({
    "just", "finally", "now", "then", "also", "too", "really", "very", "so", "quite", "still", "already", "again",
    "here", "there", "even", "ever", "today", "tonight", "yesterday", "tomorrow",
})  # fmt: skip
"""Adverbs without which a statement says the same."""
FUNCTION_WORDS = frozenset().union(
    FIRST, GROUP, SECOND, THIRD, ARTICLES, AUXILIARIES, OPERATORS, MARKERS, ADVERBS, ("this", "that", "these", "those")
)
