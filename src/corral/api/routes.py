"""The table of the native API. Source: http-api.md section 2."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from corral import web
from corral.api.account import AccountRoutes
from corral.api.inference import InferenceRoutes
from corral.api.models import ModelRoutes
from corral.api.plan import PlanRoutes
from corral.api.pulls import PullRoutes
from corral.api.replies import error_response
from corral.api.upkeep import UpkeepRoutes
from corral.cache import SavedStates
from corral.library import Library
from corral.scheduler import Scheduler
from corral.serving.service import Service
from corral.wire import Handler, file_response, handled

LIVENESS = b"Ollama is running"


async def home(request: Request) -> Response:
    """The web UI for a browser, the liveness text for everyone else."""
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return file_response(request, web.home_page())
    return Response(LIVENESS, headers={"content-type": "text/plain; charset=utf-8"})


def routes(
    service: Service, library: Library, scheduler: Scheduler, saved: SavedStates | None = None
) -> list[tuple[str, str, Handler]]:
    """Method, path and endpoint of every route; `saved` are the prompts of models on the disk."""
    models, inference = ModelRoutes(library, scheduler, saved), InferenceRoutes(service)
    account, upkeep, pulls = AccountRoutes(), UpkeepRoutes(library, saved), PullRoutes(library)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/", home),
        ("HEAD", "/", home),
        ("GET", "/api/version", models.version),
        ("HEAD", "/api/version", models.version),
        ("GET", "/api/status", models.status),
        ("GET", "/api/tags", models.tags),
        ("HEAD", "/api/tags", models.tags),
        ("POST", "/api/show", models.show),
        ("GET", "/api/ps", models.ps),
        ("POST", "/api/plan", PlanRoutes(library, scheduler).plan),
        ("POST", "/api/generate", inference.generate),
        ("POST", "/api/chat", inference.chat),
        ("POST", "/api/embed", inference.embed),
        ("POST", "/api/embeddings", inference.embeddings),
        ("POST", "/api/rerank", inference.rerank),
        ("POST", "/api/tokenize", inference.tokenize),
        ("POST", "/api/detokenize", inference.detokenize),
        ("POST", "/api/pull", models.pull),
        ("GET", "/api/pulls", pulls.list),
        ("POST", "/api/pulls", pulls.start),
        ("DELETE", "/api/pulls", pulls.stop),
        ("POST", "/api/push", models.push),
        ("POST", "/api/modelfile", models.check_modelfile),
        ("POST", "/api/create", models.create),
        ("POST", "/api/copy", models.copy),
        ("DELETE", "/api/delete", models.delete),
        ("GET", "/api/outdated", upkeep.outdated),
        ("GET", "/api/du", upkeep.disk_use),
        ("POST", "/api/verify", upkeep.verify),
        ("POST", "/api/prune", upkeep.prune),
        ("POST", "/api/blobs", models.receive_file),
        ("HEAD", "/api/blobs/:digest", models.has_blob),
        ("POST", "/api/blobs/:digest", models.receive_blob),
        ("POST", "/api/me", account.me),
        ("POST", "/api/signout", account.sign_out),
        ("DELETE", "/api/user/keys/:key", account.sign_out),
        ("POST", "/api/experimental/web_search", account.web_search),
        ("POST", "/api/experimental/web_fetch", account.web_fetch),
        ("GET", "/api/experimental/model-recommendations", account.recommendations),
    ]
    return [(method, path, handled(endpoint, error_response)) for method, path, endpoint in table]
