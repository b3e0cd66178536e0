"""What is cut out of a text, and what is left in it."""

from __future__ import annotations

import json
from base64 import b64encode
from time import process_time
from urllib.parse import quote, quote_plus

import pytest

from genspan._core.emit.redaction import NO_SECRETS, Secrets, is_placeholder, is_unmistakable

KEY = "sk-proj-9a8b7c6d5e4f3a2b"
PLACEHOLDERS = [
    *("ollama", "lm-studio", "anything", "unused", "dummy", "EMPTY", "none", "sk-no-key-required", "not-needed"),
    *("your-api-key-here", "test", "local", "x", "xxx", "sk-xxxxxxxx", "sk-1234", "placeholder", "no_key", "vllm"),
    *("llama-cpp-python", "claude-code-router", "YOUR_API_KEY", "text-generation-webui", "-", "***", "changeme"),
]
REAL = [
    *(KEY, "AIzaSyD-secret-key-0123456789", "tok-123456789", "key-123456789", "mcp-secret-token-123456"),
    *("my-own-header-secret-42", "gateway-user-secret", "correct-horse-battery-staple", "Tr0ub4dor&3", "p@ss-word"),
    *("0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.e30.abc", "AKIAIOSFODNN7EXAMPLE", "gsk_abcdefghijklmnopqrstuvwxyz"),
    *("abcdefghijklmnopqrstuvwxyzabcdef", "gateway/pass word-secret", "4111111111111111", "Zm9vOmJhcg=="),
]
SHORT = ["hunter2", "letmein", "banana", "s3cret", "mistralito", "12345678", "internationally"]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders_are_no_secrets(value):
    assert is_placeholder(value)
    assert Secrets.of([value]) == NO_SECRETS


@pytest.mark.parametrize("value", REAL)
def test_what_looks_like_a_secret_is_cut_out_anywhere(value):
    assert is_unmistakable(value)
    assert value not in Secrets.of([value]).scrub(f"The server said {value}, twice: {value}.")


@pytest.mark.parametrize("value", SHORT)
def test_everyday_words_stay_in_ordinary_text(value):
    secrets = Secrets.of([value])
    assert secrets == Secrets((), (value,))
    for text in (
        f"Where do I buy a {value}?",
        value,
        f'{{"name":"{value}","id":1}}',
        f"The {value} is key: it is a token.",
    ):
        assert secrets.scrub(text) == text


@pytest.mark.parametrize("value", SHORT)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(
            ("Authorization: Bearer ", ""),
            ("Incorrect API key provided: ", "."),
            ("api_key=", "&x=1"),
            ("password ", " is"),
        ),
        *(('{"authorization":"', '"}'), ('{\\"x-my-token\\": \\"', '\\"}'), ("x-api-key: '", "'"), ("bearer ", "\n")),
        *(
            ("https://someone:", "@host/v1"),
            ("the token is: ", " "),
            ("Cookie: ", "; theme=dark"),
            ('"secret":"Basic ', '"'),
        ),
    ],
)
def test_everyday_words_go_where_they_are_said_to_be_credentials(value, before, after):
    found = Secrets.of([value]).scrub(f"{before}{value}{after}")
    assert found in (f"{before}[redacted]{after}", f"https://someone:[redacted]{after}")


def test_the_beginning_of_another_word_is_not_the_word():
    text = "password: bananas, token=banana7"
    assert Secrets.of(["banana"]).scrub(text) == text


@pytest.mark.parametrize(
    "value", ['quo"ted\\12345678', "ümläut-pässwörd-12", "with space&amp=12/34", "tab\tin-it-123456"]
)
def test_all_forms_of_a_value(value):
    secrets = Secrets.of([value])
    once = json.dumps({"text": value})
    for form in (value, once, json.dumps({"arguments": once})):
        assert secrets.scrub(form).count("[redacted]") == 1
    assert json.loads(secrets.scrub(once)) == {"text": "[redacted]"}
    for form in (quote(value), quote(value, safe=""), quote_plus(value)):
        assert secrets.scrub(f"at {form}.") == "at [redacted]."


def test_longer_secrets_first():
    assert Secrets.of([KEY, f"{KEY}-and-more"]).scrub(f"{KEY}-and-more {KEY}") == "[redacted] [redacted]"


def test_json_stays_json_where_a_secret_is_a_number():
    assert json.loads(Secrets.of(["4111111111111111"]).scrub('{"a":4111111111111111,"b":"4111111111111111"}')) == {
        "a": 0,
        "b": "0",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "https://s3/x?X-Amz-Date=1&X-Amz-Signature=ab12&y=2",
            "https://s3/x?X-Amz-Date=1&X-Amz-Signature=[redacted]&y=2",
        ),
        ("see https://b.blob/x?sv=1&sig=a%2Bb%3D.", "see https://b.blob/x?sv=1&sig=[redacted]"),
        ('{"url":"https://h/?key=abcd1234","n":1}', '{"url":"https://h/?key=[redacted]","n":1}'),
        ("postgres://me:hunter2@db/x", "postgres://me:[redacted]@db/x"),
        ("https://ghp_0123456789abcdef@github.com/x", "https://[redacted]@github.com/x"),
        ("postgres://me:dummy@db/x", "postgres://me:dummy@db/x"),
        ("https://h/?key=YOUR_API_KEY&page=2", "https://h/?key=YOUR_API_KEY&page=2"),
        ("https://medium.com/@someone?source=mail a=b", "https://medium.com/@someone?source=mail a=b"),
        ("if a&key=5 then mail me@host", "if a&key=5 then mail me@host"),
        ("https://me@host/?monkey=1&author=2", "https://me@host/?monkey=1&author=2"),
    ],
)
def test_credentials_of_urls_by_their_place(text, expected):
    assert NO_SECRETS.scrub(text) == expected
    assert NO_SECRETS.scrub(expected) == expected


def test_structures_and_attributes():
    secrets = Secrets.of([KEY])
    assert secrets.scrub_all({KEY: [KEY, 1, None, {"a": (KEY,)}]}) == {
        "[redacted]": ["[redacted]", 1, None, {"a": ["[redacted]"]}]
    }
    attributes = {"id": "x", "reasons": ["stop"], "n": 5, "f": 0.5, "b": True}
    assert secrets.scrub_attributes(attributes) is attributes
    assert secrets.scrub_attributes({**attributes, "id": f"id-{KEY}", "reasons": ["stop", KEY]}) == {
        **attributes,
        "id": "id-[redacted]",
        "reasons": ["stop", "[redacted]"],
    }


def test_both_sets():
    one, other = Secrets.of([KEY]), Secrets.of(["hunter2", f"{KEY}-longer"])
    assert one | other == Secrets((f"{KEY}-longer", KEY), ("hunter2",))
    assert one | one is one


def test_base64_of_basic_authentication_is_one_of_them():
    encoded = b64encode(b"a:b").decode()
    assert Secrets.of([encoded]).scrub(f"Authorization: Basic {encoded}") == "Authorization: Basic [redacted]"


@pytest.mark.parametrize(
    "text",
    [
        "data:" * 4_000,
        "a" * 20_000 + "://",
        "://" + "a" * 20_000,
        "?" + "a" * 20_000,
        "&a" * 10_000,
        "token hunter2 " * 200,
    ],
)
def test_the_cost_grows_with_the_text_alone(text):
    """Twice the text may cost a few times as much on a machine in use, but not its square."""
    secrets = Secrets.of(["hunter2", KEY])
    tail = " https://x/?a=b hunter2"

    def cost(times):
        started = process_time()
        for _ in range(3):
            secrets.scrub(text * times + tail)
        return process_time() - started

    assert cost(8) < 40 * max(cost(1), 0.001)
