"""OpenAI's own server, and what it calls otherwise than the servers that imitate it."""

ADDRESS = "https://api.openai.com/v1"


def limit_name(url: str) -> str:
    """Return what the server at this address calls the longest answer."""
    # OpenAI refuses the old name, and the other servers know no other.
    return "max_completion_tokens" if url == ADDRESS else "max_tokens"
