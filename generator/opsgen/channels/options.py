"""The options of a kind of channel: what each holds, which are required together, and which can't
be used together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsgen.channels.option_values import FLAG, NAME, PATH, SCHEME, TEXT, URL, WORD, Value

# The oldest release of Alertmanager that opsgen writes for.
OLDEST = "0.25"


@dataclass(frozen=True)
class Option:
    """One option, and the first Alertmanager release in which it works; `sent` says whether
    Alertmanager reads it."""

    value: Value | Fields
    since: str = OLDEST
    sent: bool = True


@dataclass(frozen=True)
class Fields:
    """A mapping of options; with `many`, a list of such mappings.

    Exactly one option of each group in `one_of` must be given, and at most one of each group in
    `at_most_one`. `secrets` are options that would hold a secret by value, with what to write
    instead.
    """

    options: Mapping[str, Option]
    one_of: tuple[tuple[str, ...], ...] = ()
    at_most_one: tuple[tuple[str, ...], ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    many: bool = False


def http_config(one_of: tuple[tuple[str, ...], ...] = ()) -> Option:
    """How an integration's requests are made (`http_config`)."""
    authorization = Fields(
        {"type": Option(SCHEME), "credentials_file": Option(PATH)},
        one_of=(("credentials_file",),),
        secrets={"credentials": "write credentials_file"},
    )
    basic_auth = Fields(
        {"username": Option(TEXT), "password_file": Option(PATH)},
        one_of=(("username",), ("password_file",)),
        secrets={"password": "write password_file"},
    )
    tls_config = Fields(
        {
            "ca_file": Option(PATH),
            "server_name": Option(WORD),
            "insecure_skip_verify": Option(FLAG),
        },
    )
    return Option(
        Fields(
            {
                "authorization": Option(authorization),
                "basic_auth": Option(basic_auth),
                "proxy_url": Option(URL),
                "follow_redirects": Option(FLAG),
                "tls_config": Option(tls_config),
            },
            one_of=one_of,
            at_most_one=(("authorization", "basic_auth"),),
            secrets={
                "bearer_token": "write authorization: {credentials_file: ...}",
                "oauth2": "write authorization or basic_auth, with the secret in a file",
            },
        )
    )


def on_call(*kinds: str) -> Option:
    """Whom the provider tells: it becomes the provider's own escalation policy."""
    return Option(Fields({kind: Option(NAME) for kind in kinds}, one_of=(kinds,)), sent=False)
