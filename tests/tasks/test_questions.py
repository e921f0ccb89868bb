import pytest

from mealign.tasks.grammar import Clause, Unparsed
from mealign.tasks.questions import Draft, Skipped, draft_questions, problem
from tests.tasks.conftest import Read


def asked(read: Read, statement: str) -> dict[str, Draft]:
    """Return the drafts of a statement by their question."""
    clause = read(statement)
    assert isinstance(clause, Clause), clause
    return {draft.third: draft for draft in draft_questions(clause) if isinstance(draft, Draft)}


@pytest.mark.parametrize(
    ("statement", "question", "answer"),
    [
        ("Nadia moved to Ghent on 1 March 2024.", "Where did Nadia move to?", "Ghent"),
        ("Nadia moved to Ghent on 1 March 2024.", "When did Nadia move to Ghent?", "1 March 2024"),
        ("Nadia moved to Ghent on 1 March 2024.", "What did Nadia do on 1 March 2024?", "moved to Ghent"),
        ("Nadia painted a lake sunrise in 2022.", "What kind of sunrise did Nadia paint?", "a lake sunrise"),
        ("Nadia painted a lake sunrise in 2022.", "When did Nadia paint a lake sunrise?", "2022"),
        ("Nadia has three cats.", "How many cats does Nadia have?", "three"),
        ("Nadia loves fado.", "What kind of music does Nadia love?", "fado"),
        ("Nadia loves fado.", "How does Nadia feel about fado?", "loves it"),
        ("Nadia does not like coriander.", "What does Nadia not like?", "coriander"),
        ("Nadia does not like coriander.", "Does Nadia like coriander?", "No"),
        ("Nadia stopped drinking coffee.", "What did Nadia stop doing?", "drinking coffee"),
        ("Nadia went to Porto to visit Ana.", "Why did Nadia go to Porto?", "to visit Ana"),
        ("Nadia swims with Joris every Sunday.", "Who does Nadia swim with?", "Joris"),
        ("Nadia swims with Joris every Sunday.", "How often does Nadia swim with Joris?", "every Sunday"),
        ("Nadia has lived in Ghent for two years.", "How long has Nadia lived in Ghent?", "two years"),
        ("Nadia wants to buy a red bike.", "What does Nadia want to buy?", "a red bike"),
        ("Nadia is allergic to peanuts.", "What is Nadia allergic to?", "peanuts"),
        ("Nadia has a dog named Biscuit.", "What is the name of Nadia's dog?", "Biscuit"),
        ("Nadia's favourite colour is green.", "What is Nadia's favourite colour?", "green"),
        ("Nadia's sister is a nurse.", "What does Nadia's sister do for a living?", "a nurse"),
        ("Ana is Nadia's sister.", "Who is Nadia's sister?", "Ana"),
        ("Tom gave Nadia a fern.", "Who gave Nadia a fern?", "Tom"),
        ("Tom gave Nadia a fern.", "Who did Tom give a fern to?", "Nadia"),
        ("Nadia is moving to Lille on 5 May 2024.", "When is Nadia moving to Lille?", "5 May 2024"),
    ],
)
def test_a_statement_gives_this_question_and_answer(read: Read, statement: str, question: str, answer: str) -> None:
    drafts = asked(read, statement)
    assert question in drafts, sorted(drafts)
    assert drafts[question].answer == answer


@pytest.mark.parametrize(
    ("statement", "question", "first", "second"),
    [
        ("Nadia moved to Ghent.", "Where did Nadia move to?", "Where did I move to?", "Ghent"),
        ("Nadia has three cats.", "How many cats does Nadia have?", "How many cats do I have?", "three"),
        ("Nadia is allergic to peanuts.", "What is Nadia allergic to?", "What am I allergic to?", "peanuts"),
        ("Nadia sold Nadia's bike.", "What did Nadia sell?", None, "your bike"),
        ("Tom gave Nadia a fern.", "What did Tom give Nadia?", "What did Tom give me?", "a fern"),
        ("Nadia and Tom visited Ghent.", "What did Nadia and Tom visit?", "What did Tom and I visit?", "Ghent"),
        ("Nadia's favourite tea is Assam.", "What is Nadia's favourite tea?", "What is my favourite tea?", "Assam"),
        ("Nadia loves fado.", "How does Nadia feel about fado?", "How do I feel about fado?", "you love it"),
        ("Joris builds violins.", "What does Joris build?", "", ""),
    ],
)  # fmt: skip
def test_the_user_asks_in_the_first_person(
    read: Read, statement: str, question: str, first: str | None, second: str
) -> None:
    draft = asked(read, statement).get(question)
    if first is None:  # "What did Nadia sell?" may be asked; its answer is what matters
        assert draft is None or draft.second == second
        return
    assert draft is not None
    assert (draft.first, draft.second) == (first, second)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("It was lovely in Ghent.", "pronoun_subject"),
        ("Nadia said that Tom is late.", "reported_speech"),
        ("Nadia nearly fell off the ladder.", "hedged"),
        ("Some people painted the fence.", "indefinite_subject"),
        ("Wonderful!", "uncertain"),
    ],
)
def test_what_cannot_be_asked_about_says_why(read: Read, statement: str, reason: str) -> None:
    assert read(statement) == Unparsed(reason)


def test_an_uncertain_fact_is_not_asked_about(read: Read) -> None:
    assert read("Nadia moved to Ghent.", confidence=0.3) == Unparsed("uncertain")


def test_a_past_event_without_a_time_happened_when_it_was_told(read: Read) -> None:
    assert asked(read, "Nadia sold the van.")["When did Nadia sell the van?"].answer == "15 January 2024"


@pytest.mark.parametrize("statement", ["Nadia loved the old van.", "Nadia works at a bakery."])
def test_a_state_has_no_day(read: Read, statement: str) -> None:
    assert not [question for question in asked(read, statement) if question.startswith("When")]


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What did Nadia paint?", "a lake", None),
        ("What happened?", "a lake", "question_too_short"),
        ("What did Nadia paint?", "something", "vague_answer"),
        ("What did Nadia paint?", " ".join(["word"] * 11), "answer_too_long"),
        ("Where did Nadia buy it?", "Ghent", "pronoun_in_question"),
        ("Where does Nadia's sister in Porto live?", "Porto", "answer_in_question"),
        ("What did Nadia give you yesterday?", "a fern", "pronoun_in_question"),
    ],
)
def test_bad_questions_are_recognised(question: str, answer: str, reason: str | None) -> None:
    assert problem(question, answer) == reason


def test_skips_carry_their_reason(read: Read) -> None:
    clause = read("Nadia has a fern.")
    assert isinstance(clause, Clause)
    assert [made.reason for made in draft_questions(clause) if isinstance(made, Skipped)] == ["question_says_nothing"]
