"""`push`: upload a model. Source: cli.md section 17."""

from __future__ import annotations

from corral.cli.client import Client
from corral.cli.errors import CommandError, NotSignedIn, ServerError
from corral.cli.invocation import Invocation
from corral.cli.progress import Display
from corral.cli.transfer import print_records, show_records
from corral.core.names import DEFAULT_HOST, DEFAULT_NAMESPACE, DEFAULT_TAG, ModelName

# Registries behind the account service: the key must be known there before anything can be sent.
_ACCOUNT_HOSTS = (".ollama.ai", ".ollama.com")
_REFUSED = "you are not authorized to push to this namespace, create the model under a namespace you own"


def run(call: Invocation) -> None:
    text = call.args[0]
    name = ModelName.parse(text)
    client = call.client()
    try:
        if name.host.endswith(_ACCOUNT_HOSTS):
            _check_account(client)
        _push(call, client, text)
    except NotSignedIn as error:
        if not error.signin_url:
            raise
        print("You need to be signed in to push models to ollama.com.\n")
        print(f"If your browser did not open, navigate to:\n    {error.signin_url}\n")
        return
    if not call.is_set("json"):
        print(f"\nYou can find your model at:\n\n\t{_address(name)}")


def _check_account(client: Client) -> None:
    """Raises NotSignedIn. Any other trouble with the account service is left for the push to report."""
    try:
        client.call("POST", "/api/me")
    except NotSignedIn as error:
        if error.signin_url:
            raise
    except ServerError:
        pass


def _push(call: Invocation, client: Client, text: str) -> None:
    records = client.stream("/api/push", {"name": text, "insecure": call.is_set("insecure")})
    try:
        if call.is_set("json"):
            print_records(records)
        else:
            with Display() as display:
                show_records(records, display)
    except ServerError as error:
        # The registry's refusal reaches us as text alone: the stream has no status of its own.
        if any(word in error.message.lower() for word in ("access denied", "unauthorized")):
            raise CommandError(_REFUSED) from error
        raise


def _address(name: ModelName) -> str:
    if name.host != DEFAULT_HOST:
        return name.full
    path = name.model if name.namespace == DEFAULT_NAMESPACE else f"{name.namespace}/{name.model}"
    return f"https://ollama.com/{path}" + ("" if name.tag == DEFAULT_TAG else f":{name.tag}")
