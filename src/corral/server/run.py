"""From settings to a listening server."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys

import uvicorn

from corral import __version__, anthropic, api, openai, share
from corral.cache import SavedStates
from corral.chats import Chats
from corral.database import Database, database_path
from corral.engine import sweep_folders
from corral.errors import CorralError, StorageError
from corral.keys import SCOPES, KeyRing
from corral.library import Library
from corral.monitor import Capture, Metrics, Monitor, RecentLog, configure_logs, read_mode
from corral.native import program_in_use, uses_amx
from corral.scheduler import Scheduler, read_machine
from corral.scheduler.launcher import EngineLauncher
from corral.server.access import Gate, current_holder, open_scopes
from corral.server.app import App
from corral.server.books import Books
from corral.server.hosts import Origins, is_loopback
from corral.server.pages import page_routes
from corral.server.protocol import Http1
from corral.server.quiet import QuietServer
from corral.server.routing import Route, Router
from corral.server.tls import certificate
from corral.server.watching import watching_routes
from corral.serving.preload import Preloads
from corral.serving.service import Service
from corral.settings import Address, Settings
from corral.store import Store
from corral.tune.files import Files
from corral.tune.jobs import Jobs
from corral.wire import RemoteImages

log = logging.getLogger("corral.server")

_BACKLOG = 2048
_GRACE_S = 1
_MAX_FILES = 65536


def build(settings: Settings, recent: RecentLog | None = None) -> App:
    """The application of these settings. `recent` hears of every line of the log.

    Raises InvalidInput for settings that cannot hold.
    """
    loopback = is_loopback(settings.address.host)
    free = open_scopes(settings.open, loopback=loopback)
    database = Database(database_path(settings.home))
    ring = KeyRing(database)
    library = Library(Store(settings.models), settings)
    saved = _saved_states(settings, database)
    scheduler = Scheduler(
        settings,
        EngineLauncher(lambda: program_in_use(settings), saved),
        machine=lambda: read_machine(amx=uses_amx(settings)),
    )
    metrics = Metrics(scheduler, saved)
    mode = read_mode(settings.capture)
    capture = Capture(settings.home / "captures", mode) if mode is not None else None
    prompt_owner = (lambda: None) if settings.prompt_cache_shared else _owner
    preloads = Preloads(library, scheduler, settings.preload)
    service = Service(library, scheduler, Books(ring, metrics), prompt_owner, preloads)
    images = RemoteImages(settings.image_hosts)
    files = Files(settings.home / "files", database, _owner)
    jobs = Jobs(settings, database, library, files, _owner)
    table = [
        *api.routes(service, library, scheduler, saved),
        *api.key_routes(ring),
        *api.chat_routes(Chats(database, _owner, shared=loopback)),
        *api.tune_routes(jobs),
        *openai.routes(service, library, openai.Archive(database, _owner), images),
        *openai.tuning_routes(files, jobs),
        *anthropic.routes(service, images),
        *(share.routes(library.sharing) if settings.share else ()),
    ]

    watching = watching_routes(recent or RecentLog(), capture)

    async def start() -> None:
        await jobs.recover()
        preloads.begin()

    async def close() -> None:
        await preloads.close()
        await library.pulls.close()
        await jobs.close()
        await scheduler.close()
        if saved is not None:
            saved.close()
        await ring.close()
        await database.close()
        if capture is not None:
            capture.close()

    return App(
        Router([*(Route(*route) for route in table), *page_routes(metrics), *watching]),
        Origins.configured(settings.origins),
        Gate(ring, free),
        Monitor(metrics, capture),
        check_host=loopback,
        on_startup=start,
        on_shutdown=close,
    )


def _saved_states(settings: Settings, database: Database) -> SavedStates | None:
    if settings.no_prompt_cache:
        return None
    folder = settings.home / "cache" / "prompts"
    return SavedStates(folder, database, limit=settings.prompt_cache_size)


def listen(address: Address) -> socket.socket:
    """A listening socket. Raises CorralError in the words of the reference when the port is taken."""
    host = address.host or "0.0.0.0"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, address.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "address already in use" if taken else (error.strerror or str(error)).lower()
        hint = "another server runs there: stop it, or set OLLAMA_HOST to another port" if taken else None
        raise CorralError(f"listen tcp {address.netloc}: bind: {reason}", hint=hint) from error
    return listener


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    recent = RecentLog()
    configure_logs(settings.debug, format=settings.log_format, file=settings.log_file, more=[recent])
    tls = certificate(settings)
    listener = listen(settings.address)
    app = build(settings, recent)
    _allow_many_connections()
    sweep_folders()
    _prune(settings)
    host, port = listener.getsockname()[:2]
    _say_who_may_enter(settings)
    scheme = "https" if tls is not None else "http"
    log.info("Listening on %s:%d (%s, version %s)", host, port, scheme, __version__)
    config = uvicorn.Config(
        app,
        http=Http1,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=75,
        ssl_certfile=tls.chain if tls is not None else None,
        ssl_keyfile=tls.key if tls is not None else None,
    )
    # uvicorn raises the signal that ended it once more, to whoever was there before: being asked to end is
    # no failure here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ignore)
    QuietServer(config).run(sockets=[listener])


def _owner() -> int | None:
    holder = current_holder.get()
    return None if holder is None else holder.key.id


def _say_who_may_enter(settings: Settings) -> None:
    loopback = is_loopback(settings.address.host)
    free = open_scopes(settings.open, loopback=loopback)
    if loopback and free == frozenset(SCOPES):
        return
    without = f"may {', '.join(sorted(free))}" if free else "are refused"
    log.warning(
        "requests without an API key %s%s; make keys with: corral keys create NAME (see docs/keys.md)",
        without,
        "" if loopback else ", for other machines reach this server (CORRAL_OPEN=infer,read lets all in)",
    )


def _ignore(number: int, frame: object) -> None:
    """A signal that has done its work."""


def _allow_many_connections() -> None:
    """Each takes a file descriptor, and many systems start programs with room for 1024."""
    if sys.platform == "win32":
        return
    import resource  # exists on POSIX alone

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _prune(settings: Settings) -> None:
    if settings.no_prune:
        return
    try:
        Store(settings.models).prune()
    except StorageError as error:
        log.warning("could not prune the store: %s", error.message)
