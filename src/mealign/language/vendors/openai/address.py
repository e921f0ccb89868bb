"""OpenAI's own server, and what it names differently from compatible servers."""

ADDRESS = "https://api.openai.com/v1"


def limit_name(url: str) -> str:
    """Return the server's name for the limit of an answer's length."""
    # OpenAI refuses the old name, and the other servers know only that.
    return "max_completion_tokens" if url == ADDRESS else "max_tokens"
