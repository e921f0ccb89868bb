"""From what somebody wrote to text that a parser can read: paragraphs without markup, in standard spelling.

People write headings, tables, tasks and quotations between their sentences, curly apostrophes, ``im`` and ``tmrw``,
and diaries without ``I``. A parser trained on edited text misreads all of it, so a paragraph is first divided by whose
words its lines are, then freed of marks and respelt. Every character remembers where it stands in the document, so a
fact's evidence is the text as it was written.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from mealign.memory.inflection import is_past_form, lemmas
from mealign.memory.kinship import KIN
from mealign.words import word_set

LONGEST_BLOCK = 10_000
"""Characters that are parsed at once: what the parser needs in memory grows with them. No paragraph is as long."""
NO_WORD = re.compile(r"\S{1000,}")
"""What nobody writes as a word, such as an encoded picture; a tokenizer's time grows with the square of its length."""


class Role(StrEnum):
    """Whose words a paragraph is, or what else it is."""

    own = "own"
    planned = "planned"
    quoted = "quoted"
    pasted = "pasted"
    heading = "heading"
    table = "table"
    code = "code"
    other_language = "other_language"


class Traced:
    """A text of which every character knows its place, [start, end), in the text that it was made from."""

    def __init__(self, text: str, starts: array[int], ends: array[int]) -> None:
        self.text = text
        self._starts = starts
        self._ends = ends

    @classmethod
    def of(cls, text: str, offset: int = 0) -> Traced:
        """Begin with a text that stands at ``offset``."""
        places = array("q", range(offset, offset + len(text) + 1))
        return cls(text, places[:-1], places[1:])

    def __getitem__(self, part: slice) -> Traced:
        return Traced(self.text[part], self._starts[part], self._ends[part])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters ``start`` to ``end`` (exclusive, not empty) come from."""
        return self._starts[start], self._ends[end - 1]

    def sub(self, pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> Traced:
        """Replace all matches, as :func:`re.sub`; what replaces a match stands where the match does."""
        text: list[str] = []
        starts, ends = array("q"), array("q")
        last = 0
        for match in pattern.finditer(self.text):
            new = replacement(match) if callable(replacement) else match.expand(replacement)
            low, high = match.span()
            if new == match[0]:
                continue
            text += [self.text[last:low], new]
            begin = self._starts[low] if low < len(self._starts) else self._ends[-1]
            finish = self._ends[high - 1] if high > low else begin
            starts += self._starts[last:low] + array("q", [begin]) * len(new)
            ends += self._ends[last:low] + array("q", [finish]) * len(new)
            last = high
        if not text:
            return self
        rest = self[last:]
        return Traced("".join([*text, rest.text]), starts + rest._starts, ends + rest._ends)


@dataclass(frozen=True)
class Block:
    """A paragraph: whose words it is, its text as it can be parsed, and in it the spans of direct speech."""

    role: Role
    traced: Traced
    speech: tuple[tuple[int, int], ...] = field(default=())

    @property
    def text(self) -> str:
        """What is parsed."""
        return self.traced.text

    def is_speech(self, position: int) -> bool:
        """Whether a character is inside quotation marks."""
        before = bisect_right(self.speech, (position, len(self.text) + 1)) - 1
        return before >= 0 and position < self.speech[before][1]


FENCE = re.compile(r"[ \t]*(?:```|~~~|\$\$)")
LIST_MARK = re.compile(r"[ \t]*(?:[-*+•‣◦–—]|\(?\d{1,3}[.)]|\(?[a-z][.)])[ \t]+")
TASK_MARK = re.compile(r"\[(?P<state>[^\]\n])\][ \t]+")
KEYWORD = re.compile(r"(?P<state>TODO|LATER|NOW|DOING|WAITING|WAIT|NEXT|SOMEDAY|DONE|CANCELED|CANCELLED)[ \t:]+(?=\S)")
DONE = frozenset("xX") | {"DONE"}
HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+\S")
UNDERLINE = re.compile(r"[ \t]{0,3}(?:=+|-{3,})[ \t]*$")
TABLE = re.compile(r"[ \t]*\|.*\||[ \t]*\S.*\|.*\|.*\|")
QUOTE_MARK = re.compile(r"[ \t]{0,3}>")
CALLOUT = re.compile(r"[ \t]{0,3}>[ \t]*\[!(?P<kind>\w+)\]")
QUOTING = frozenset({"quote", "cite"})
DRAWER = re.compile(r"[ \t]*:[A-Z][A-Z_-]*:[ \t]*(?:\S.*)?$|[ \t]*CLOCK:|[ \t]*(?:collapsed|id)::")
"""Lines that Org and Logseq write for themselves."""
LABEL = re.compile(r"[ \t]*(?P<name>[^\W\d_a-z][\w.'’-]*(?:[ \t][^\W\d_a-z][\w.'’-]*){0,3})[ \t]?:(?=[ \t]+\S)")
"""``Lena: I got the job!``: a name with a colon before what is said."""
SHORT_LINE = 50
"""A line with fewer characters ends where the writer meant it to; longer ones may be wrapped."""
SENTENCE_END = re.compile(r"[.!?…:][\"”’')\]]*$")


def blocks(
    text: str, *, message: bool, prompt: bool = False, author: Collection[str] = (), people: Collection[str] = ()
) -> Iterator[Block]:
    """Divide a document's text into paragraphs, in order; together they hold every line with a letter or digit.

    Args:
        text: the document's text.
        message: whether it is a message, in which a line break ends a sentence.
        prompt: whether it is a message to a program, which is given texts of others to work on.
        author: names of who wrote it.
        people: names of people, of whom ``Name: ...`` is a quotation even where the name is a word, too.
    """
    pasted = _pasted(text) if prompt else []
    for role, start, end in paragraphs(text, message=message):
        for part, low, high in _divided(role, start, end, pasted):
            raw, owner = Traced.of(text[low:high], low), part
            if part is Role.own and (label := LABEL.match(raw.text)):
                owner = _owner(label["name"], author, people)
                raw = raw if owner is Role.quoted else raw[label.end() :]
            yield from _prepared(owner, raw)


def _divided(role: Role, start: int, end: int, pasted: list[tuple[int, int]]) -> Iterator[tuple[Role, int, int]]:
    """Divide a paragraph of which a part was pasted."""
    for low, high in pasted if role is Role.own else ():
        low, high = max(low, start), min(high, end)
        if low < high:
            yield role, start, low
            yield Role.pasted, low, high
            start = high
    yield role, start, end


def _owner(label: str, author: Collection[str], people: Collection[str]) -> Role:
    """Return whose words follow ``Label:``; a label of ordinary words (``Work``, ``Fun Fact``) is nobody's name."""
    if label in author or label in ("Me", "I", "Myself"):
        return Role.own
    words = [word.lower().strip(".'") for word in label.split()]
    ordinary = all(lemmas(word) or word in ("ps", "pps", "nb", "am", "pm") for word in words)
    return Role.own if ordinary and label not in people and words[-1] not in KIN else Role.quoted


def _prepared(role: Role, raw: Traced) -> Iterator[Block]:
    if not re.search(r"\w", raw.text):
        return
    if role is not Role.own:
        yield Block(role, raw)
        return
    readable = respelt(without_markup(raw))
    for low, high in windows(readable.text, LONGEST_BLOCK):
        part = readable[low:high]
        if part.text.strip():
            yield Block(role, part, tuple(_direct_speech(part.text)))


def windows(text: str, size: int) -> Iterator[tuple[int, int]]:
    """Cut a long text at the end of a line, else of a sentence, else of a word: [start, end) of each part."""
    start = 0
    while len(text) - start > size:
        ends = (text.rfind(mark, start + size // 2, start + size) for mark in ("\n", ". ", " "))
        end = next((end for end in ends if end > 0), start + size - 1) + 1
        yield start, end
        start = end
    yield start, len(text)


@dataclass
class _Lines:
    """Lines that belong to one paragraph so far."""

    role: Role = Role.own
    start: int = -1
    end: int = -1

    def take(self) -> Iterator[tuple[Role, int, int]]:
        """Yield the paragraph, if there is one, and begin another."""
        if self.start >= 0:
            yield self.role, self.start, self.end
        self.start = -1


def paragraphs(text: str, *, message: bool) -> Iterator[tuple[Role, int, int]]:
    """Yield role, start and end of every paragraph, without the marks before it."""
    open_lines, fenced, quoting, own_box, at, before = _Lines(), False, False, False, 0, ""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        start, end = at, at + len(line)
        at = end + 1
        role: Role | None = None
        own_box = own_box and bool(QUOTE_MARK.match(line))
        if FENCE.match(line):
            fenced = not fenced
            role = Role.code
        elif fenced:
            role = Role.code
        elif not line.strip():
            yield from open_lines.take()
            quoting, own_box, before = False, False, ""
            continue
        elif HEADING.match(line) or (number + 1 < len(lines) and UNDERLINE.match(lines[number + 1]) and not before):
            role = Role.heading
        elif DRAWER.match(line) or UNDERLINE.match(line):
            role = Role.code
        elif TABLE.match(line):
            role = Role.table
        elif callout := CALLOUT.match(line):
            quoting = callout["kind"].lower() in QUOTING
            own_box = not quoting
            role = Role.heading
        elif QUOTE_MARK.match(line) and (quoting or not message) and not own_box:
            role = Role.quoted
        if role is not None:
            if open_lines.start >= 0 and open_lines.role is role:
                open_lines.end = end
            else:
                yield from open_lines.take()
                open_lines.role, open_lines.start, open_lines.end = role, start, end
            before = ""
            continue
        content = start + _marks(line)
        own, state = Role.own, None
        if task := TASK_MARK.match(text, content, end) or KEYWORD.match(text, content, end):
            content, state = task.end(), task["state"]
        if state is not None and state not in DONE:
            own = Role.planned
        spoken = LABEL.match(text, content, end)
        joins = (
            open_lines.start >= 0
            and open_lines.role is Role.own
            and own is Role.own
            and content == start + _quoted_marks(line)
            and not (message or spoken)
            and not _ends(before, text[content:end])
        )
        if joins:
            open_lines.end = end
        else:
            yield from open_lines.take()
            open_lines.role, open_lines.start, open_lines.end = own, content, end
        before = line
    yield from open_lines.take()


def _quoted_marks(line: str) -> int:
    mark = re.match(r"[ \t>]*", line)
    return mark.end() if mark else 0


def _marks(line: str) -> int:
    """Return the length of the marks before a line's words: of a box, of a list."""
    at = _quoted_marks(line)
    while mark := LIST_MARK.match(line, at):
        at = mark.end()
    return at


def _ends(before: str, line: str) -> bool:
    """Whether a line break ends a sentence: the line before is short, or has an end, and this one begins anew."""
    anew = line[:1].isupper() or line[:1].isdigit()
    return bool(SENTENCE_END.search(before.rstrip())) or (anew and len(before) < SHORT_LINE)


IMAGE = re.compile(r"!\[[^\]\n]{0,300}\]\([^()\s]{0,2000}\)|!\[\[[^\]\n]{1,300}\]\]")
STRUCK = re.compile(r"~~[^~\n]{1,1000}~~")
COMMENT = re.compile(r"%%[^%]{1,2000}%%|<!--(?:[^-]|-(?!->)){0,2000}-->")
BREAK = re.compile(r"<(?:br|hr|/?p|/?div|/?li)\b[^<>\n]{0,200}>", re.IGNORECASE)
TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,20}(?:\s[^<>\n]{0,200})?/?>")
FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,50}\]:?")
FIELD = re.compile(r"^[ \t]*[\w -]{1,40}::(?=\s)|[\[(][\w -]{1,40}::[ \t]*(?P<value>[^\])\n]{0,300})[\])]")
WIKI_LINK = re.compile(r"\[\[(?:[^\]|\n]{1,300}\|)?(?P<shown>[^\]|\n]{1,300})\]\]")
LINK = re.compile(
    r"\[(?P<shown>[^\[\]\n]{1,500})\]\((?:[^()\s]|\([^()\s]{0,200}\)){0,2000}(?:[ \t]\"[^\"\n]{0,300}\")?\)"
)
BLOCK_ID = re.compile(r"[ \t]\^[A-Za-z0-9-]{1,40}$", re.MULTILINE)
EMPHASIS = re.compile(
    r"(?<![\w*_`=])(?:\*{1,3}|_{1,3}|`{1,2}|==)(?=\S)|(?<=\S)(?:\*{1,3}|_{1,3}|`{1,2}|==)(?![\w*_`=])"
)
ADDRESS = re.compile(r"<(?P<shown>(?:https?|mailto):[^<>\s]{1,2000})>")
EMOJI = re.compile(r"[ \t]*[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50-\u2B55\uFE0F\u200D\u20E3]+[ \t]*")
SECOND_STOP = re.compile(r"([.!?])\s*\.(?=\s|$)")
LINE_BREAK = re.compile(r"\n[ \t]*(?:>[ \t]*)*")


def without_markup(raw: Traced) -> Traced:
    """Take Markdown's, Obsidian's and HTML's marks out of a paragraph, and what is struck through or a comment."""
    for pattern, replacement in (
        (COMMENT, ""), (IMAGE, ""), (STRUCK, ""), (BREAK, ". "), (ADDRESS, r"\g<shown>"), (TAG, ""), (FOOTNOTE, ""),
        (FIELD, lambda match: match["value"] or ""), (WIKI_LINK, r"\g<shown>"), (LINK, r"\g<shown>"), (BLOCK_ID, ""),
        (EMPHASIS, ""), (LINE_BREAK, " "), (NO_WORD, " "), (EMOJI, _pause),
    ):  # fmt: skip
        raw = raw.sub(pattern, replacement)
    return raw.sub(SECOND_STOP, r"\1")


def _pause(match: re.Match[str]) -> str:
    """Return what stands for pictures between words: they often end a sentence that has no full stop."""
    before, after = match.string[: match.start()].rstrip()[-1:], match.string[match.end() :][:1]
    return ". " if before.isalnum() and (not after or after.isupper()) else " "


QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'"})
CURLY = re.compile(r"[’‘ʼ´`]")
NO_ABBREVIATION = re.compile(
    r"\b(?P<word>Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu|Fri|Sat|Sun)\.(?=\s+[A-Z])"
)
"""A name or day at the end of a sentence, which a tokenizer takes for an abbreviation within it."""
LAUGHTER = re.compile(
    r"\b(?:(?:a?ha){2,}h?|(?:he){2,}h?|(?:hi){2,}|haha\w{0,20}|lo+l|lmao+|rofl|xd+|omg|btw|tbh|imo|fyi)\b[,!.~]*",
    re.IGNORECASE,
)
RESPELT = {
    "i": "I", "im": "I'm", "ive": "I've", "dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "cant": "can't",
    "couldnt": "couldn't", "wouldnt": "wouldn't", "shouldnt": "shouldn't", "wont": "won't", "isnt": "isn't",
    "arent": "aren't", "wasnt": "wasn't", "werent": "weren't", "havent": "haven't", "hasnt": "hasn't",
    "hadnt": "hadn't", "youre": "you're", "youve": "you've", "youll": "you'll", "theyre": "they're",
    "theyve": "they've", "weve": "we've", "thats": "that's", "whats": "what's", "hes": "he's", "shes": "she's",
    "u": "you", "ur": "your", "r": "are", "urs": "yours", "ya": "you", "thx": "thanks", "pls": "please",
    "plz": "please", "tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow", "2moro": "tomorrow",
    "2morrow": "tomorrow", "tomoz": "tomorrow", "2day": "today", "2nite": "tonight", "tonite": "tonight",
    "yday": "yesterday", "b4": "before", "bc": "because", "cuz": "because", "coz": "because", "w/": "with",
    "gf": "girlfriend", "bf": "boyfriend", "bday": "birthday", "wknd": "weekend",
}  # fmt: skip
"""Spellings of chats that no parser of edited English knows; none of them is another English word."""
CHAT_WORD = re.compile(rf"(?<![\w'@#/.-])(?:{'|'.join(map(re.escape, RESPELT))})(?![\w'@-]|\.\w)", re.IGNORECASE)
I_WILL = re.compile(
    r"(?:(?<=^)|(?<=[.,;!?] )|(?<=\band )|(?<=\bso )|(?<=\bbut )|(?<=\bthen )|(?<=\bthink )|(?<=\bok ))"
    r"[Ii](?P<short>ll|d)"
    r"(?=[ ](?!and\b|or\b|with\b|from\b|again\b|today\b|now\b|for\b|in\b|card\b|number\b)[a-z]{2,}\b)"
)
"""``ill`` and ``id`` where a subject begins and a verb follows."""
DISCOURSE = re.compile(
    r"(?:(?<=^)|(?<=[.!?] ))(?:I mean|I guess(?! so)|you know(?! \w+ing)|anyway|well|so(?! \w+ that)|ok(?:ay)?|yeah|"
    r"yep|yup|nope|yes|no|oh|wow|hey|hi)\b[,!.]?[ ]+",
    re.IGNORECASE,
)
FEELING = re.compile(
    r"(?:(?<=^)|(?<=[.!?] ))(?:so |very |really )?(?P<feeling>glad|happy|sorry|sad|proud|excited|thrilled|grateful|"
    r"afraid|surprised|jealous|worried|relieved)(?= (?:that|to|about|for|of|with|i|you|we|he|she|they|it)\b)",
    re.IGNORECASE,
)
"""``Glad you found it``, without the ``I am``."""
STARTS = re.compile(
    r"(?:(?<=^)|(?<=[.!?…] ))(?P<opening>(?:(?:then|finally|today|yesterday|tonight|later|also|just|again|only|"
    r"last night|(?:this|on|in|at|after|before) (?:the |my )?\w+),? )?)"
    r"(?P<verb>[A-Za-z]{2,20})(?= (?P<next>[\w'$€£]+))",
    re.IGNORECASE,
)


def respelt(readable: Traced) -> Traced:
    """Spell a paragraph as edited English does, and give a sentence that begins with its past verb the ``I`` it means.

    ``im tired, ill pick u up tmrw`` becomes ``I'm tired, I'll pick you up tomorrow``, and ``Took a walk.`` becomes ``I
    took a walk.``, as diaries and chats leave it out.
    """
    readable = (
        readable.sub(NO_ABBREVIATION, r"\g<word> .")
        .sub(CURLY, "'")
        .sub(LAUGHTER, "")
        .sub(CHAT_WORD, _in_full)
        .sub(I_WILL, r"I'\g<short>")
    )
    readable = readable.sub(re.compile(r"[ \t\u00a0]{2,}"), " ").sub(re.compile(r"^[ \t,]+"), "")
    return readable.sub(DISCOURSE, "").sub(STARTS, _with_subject)


def _in_full(match: re.Match[str]) -> str:
    word = RESPELT[match[0].lower()]
    begins = match[0][0].isupper() and match.start() == 0
    return f"{word[0].upper()}{word[1:]}" if begins else word


def _with_verb(match: re.Match[str]) -> str:
    return f"I am {match[0][0].lower()}{match[0][1:]}"


DETERMINERS = word_set(
    "a an the my our his her their its this that these those some any all both another one two three four "
    "five six seven eight nine ten several many few more most half lots him them me us it out up off down "
    "away back home"
)
ACTIONS = word_set(
    "walked worked talked chatted played studied slept rested relaxed cooked waited moved travelled traveled "
    "cycled jogged hiked danced shopped stayed arrived returned looked listened skipped napped trained worked"
)
NOT_DONE = word_set("was were been had used supposed based located closed opened posted tired bored excited married")


def _with_subject(match: re.Match[str]) -> str:
    """Add the ``I`` before a past verb that opens a sentence, unless it may be a participle, a name or a command."""
    opening, verb, following = match["opening"], match["verb"].lower(), match["next"].lower()
    if verb in NOT_DONE or following in ("you", "we", "they", "he", "she", "i") or not is_past_form(verb):
        return match[0]
    clear = following in DETERMINERS or following.isdigit() or match["next"][0].isupper()
    if verb.endswith("ed"):
        # "Ordered dinner", but not "Opened on Sundays".
        if not (clear or verb in ACTIONS or (lemmas(following, "NOUN") and not lemmas(following, "ADP"))):
            return match[0]
    elif is_past_form(verb, also_base=True) and not (verb == "read" and clear):
        # "Cut the grass" may be a command; "Read a few chapters" is seldom one.
        return match[0]
    return f"{opening}I {verb}"


SPEECH = re.compile(
    r"(?<!\d)\"(?P<straight>[^\"]{1,2000})(?:\"|$)|“[^”]{1,2000}(?:”|$)|„[^“”]{1,2000}(?:[“”]|$)|«[^»]{1,2000}(?:»|$)"
    r"|(?<![\w'])'(?=[^\s'])[^'\n]{0,300}(?:'\w[^'\n]{0,300}){0,20}[.,!?…]'(?!\w)"
)


def _direct_speech(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans between quotation marks."""
    return (match.span() for match in SPEECH.finditer(text))


ASKED = r"(?:^|(?<=[.!?:;,\n] )|(?<=\n))(?:[^\S\n]*)(?:hi|hey|hello|ok|okay|now|and|also|then|please|pls)?,?[^\S\n]*"
PLEASE = r"(?:(?:please|can you|could you|would you|will you|help me(?: to)?|i (?:want|need|would like) you to|i'd like you to|let's|just|kindly)[^\S\n]+){0,3}"  # noqa: E501
WORK_ON = (
    r"(?:translate|fix|correct|proofread|proof-read|rewrite|re-write|rephrase|reword|paraphrase|summari[sz]e|sum up|"
    r"shorten|simplify|continue|complete|finish|edit|improve|polish|format|convert|explain|interpret|analy[sz]e|review|"
    r"check|grade|classify|extract|reply|respond|answer|transcribe|spell-?check|debug|refactor|evaluate|critique|expand|"
    r"turn|make this|make it|clean up|tldr|tl;dr|read|rate|what does (?:this|it) mean|is this correct|"
    r"here(?: is|'s| are)|this is|(?:the )?following|below is|write a (?:reply|response|summary|review) )"
)
PLAY = (
    r"(?:pretend|imagine|suppose|act(?: as)?|role-?play|simulate|play|be my|you are|you're|from now on|"
    r"(?:write|tell|make up|compose|create|generate|invent)(?: me| us)? (?:an? |the |some )?(?:\w+ ){0,3}"
    r"(?:story|stories|poem|song|lyrics|dialogue|dialog|script|scene|play|novel|character|monologue|fiction|chapter|joke|"
    r"rap|limerick|haiku|persona|backstory))"
)
PLAYED = re.compile(rf"{ASKED}{PLEASE}{PLAY}\b", re.IGNORECASE)
GIVEN = re.compile(rf"{ASKED}{PLEASE}{WORK_ON}\b", re.IGNORECASE)
MATERIAL = re.compile(r":\s|\n|[\"“«„`]|[.!?](?=\s)")
ABOVE = re.compile(
    r"\b(?:above|this|it|that|previous|the (?:text|email|message|paragraph|letter|essay))\b", re.IGNORECASE
)
FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)


def _pasted(text: str) -> list[tuple[int, int]]:
    """Return the parts of a message to a program, in order, that are given to it: to play, to translate, to correct."""
    plain = text.translate(QUOTES)
    if played := PLAYED.search(plain):
        return [(played.start(), len(text))]
    found = [match.span() for match in FENCED.finditer(text)]
    if given := GIVEN.search(plain):
        material = MATERIAL.search(plain, given.end())
        if material and plain[material.start() :].strip(" .!?:\n"):
            return [(given.start(), len(text))]
        if ABOVE.search(plain, given.end()) and plain[: given.start()].strip():
            return [(0, len(text))]
        return found or [(given.start(), len(text))]
    return found
