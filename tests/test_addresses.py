"""Which texts are addresses, and which of them are this machine's own."""

import pytest

from mealign.addresses import is_address, is_loopback


@pytest.mark.parametrize(
    ("url", "address", "loopback"),
    [
        ("http://127.0.0.1:8000/v1", True, True),
        ("http://127.9.8.7", True, True),
        ("https://[::1]:8000/v1", True, True),
        ("HTTP://LocalHost:11434/v1", True, True),
        ("https://api.openai.com/v1", True, False),
        ("http://192.168.0.2:8000/v1", True, False),
        ("http://127.0.0.1.example.org/v1", True, False),
        ("http://localhost.example.org/v1", True, False),
        ("http://127.0.0.999/v1", True, False),
        ("http://127.0.0.1@example.org/v1", False, False),
        ("http://localhost\\@example.org", False, False),
        ("http://127.0.0.1:8000/v1?to=x", False, False),
        ("http://127.0.0.1 .example.org", False, False),
        ("ftp://127.0.0.1", False, False),
        ("127.0.0.1:8000", False, False),
        ("", False, False),
    ],
)
def test_what_is_an_address_and_what_is_this_machine(url: str, address: bool, loopback: bool) -> None:
    assert (is_address(url), is_loopback(url)) == (address, loopback)
