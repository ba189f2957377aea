"""Making a model: base or files, then what the request adds, then the manifest.

Source: http-api.md 5.11, modelfile.md sections 6 and 7, store.md sections 3, 4 and 7.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing

from corral.core import manifest as media
from corral.core.manifest import Manifest
from corral.core.names import ModelName, Reference, parse_reference
from corral.core.requests import ProgressRecord
from corral.errors import CorralError, InvalidInput, InvalidName
from corral.library import imports
from corral.library.base import reuse_base, write_model
from corral.library.facts import CreateRequest
from corral.library.imports import Imported
from corral.library.info import config_changes, licenses_of
from corral.library.pins import Pins
from corral.library.quantize import quantizing, target_type, wanted_type
from corral.library.reading import Reader
from corral.library.recipe import Part, Recipe
from corral.library.remote import CLOUD_HOST, remote_url
from corral.settings import Settings
from corral.store import Store
from corral.template import detect

# Architectures whose prompts a built-in renderer writes: renderer, parser and parameters when none are given.
_DEFAULTS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "gemma4": ("gemma4", {"stop": ["<turn|>"]}),
    "laguna": ("laguna", {}),
    "nemotron_h": ("nemotron-3-nano", {}),
    "nemotron_h_moe": ("nemotron-3-nano", {}),
    "nemotron_h_omni": ("nemotron-3-nano", {}),
}

Pull = Callable[[str], AsyncGenerator[ProgressRecord, None]]


class Creator:
    """Runs create requests. `pull` fetches a base model that is not here."""

    def __init__(self, store: Store, reader: Reader, settings: Settings, pins: Pins, pull: Pull) -> None:
        self._store = store
        self._reader = reader
        self._settings = settings
        self._pins = pins
        self._pull = pull

    async def run(self, request: CreateRequest) -> AsyncGenerator[ProgressRecord, None]:
        """The steps, as they are done. Raises CorralError; nothing but blobs is left behind then."""
        target = check_request(request)
        name = await asyncio.to_thread(self._store.manifests.canonical, target)
        with self._pins.hold() as hold:
            recipe = Recipe(self._store, hold)
            async for record in self._gather(request, recipe):
                yield record
            async with aclosing(self._weights(request, recipe)) as records:
                async for record in records:
                    yield record
            manifest = await asyncio.to_thread(self._apply, request, recipe)
            for part in recipe.parts:
                yield ProgressRecord(part.status)
            yield ProgressRecord("writing manifest")
            pins = None if self._settings.no_prune else self._pins
            await asyncio.to_thread(write_model, self._store, name, manifest, pins)
        yield ProgressRecord("success")

    async def _gather(self, request: CreateRequest, recipe: Recipe) -> AsyncGenerator[ProgressRecord, None]:
        """Fill the recipe with the layers that carry the model itself."""
        if request.source:
            reference = _source_of(request)
            if request.remote_host or reference.cloud:
                recipe.config |= _stub(request, reference)
                return
            async for record in self._base(reference.text, recipe):
                yield record
        elif request.files is not None:
            wanted, detect = target_type(request.quantize), not request.template
            async for record in self._files(request.files, recipe, file_type=wanted, detect_template=detect):
                yield record
        else:
            raise InvalidInput("neither 'from' or 'files' was specified")
        if request.draft_files:
            async for record in self._files(request.draft_files, recipe, media_type=media.MEDIA_DRAFT):
                yield record
        for name, files in imports.adapter_groups(request.adapters or {}).items():
            first = len(recipe.parts)
            async for record in self._files(files, recipe, media_type=media.MEDIA_ADAPTER):
                yield record
            recipe.name_adapters(name, first)

    async def _base(self, text: str, recipe: Recipe) -> AsyncGenerator[ProgressRecord, None]:
        """All layers of the model `text`, which is pulled first when it is not here."""
        name = await asyncio.to_thread(self._store.manifests.canonical, ModelName.parse(text))
        if not self._store.manifests.has(name):
            async for record in self._pull(text):
                if record.status != "success":
                    yield record
            name = await asyncio.to_thread(self._store.manifests.canonical, name)
        manifest = (await asyncio.to_thread(self._store.manifests.read, name)).manifest
        await asyncio.to_thread(reuse_base, self._reader, manifest, name.short, recipe)

    async def _files(
        self,
        files: Mapping[str, str],
        recipe: Recipe,
        *,
        media_type: str = "",
        file_type: str = "",
        detect_template: bool = False,
    ) -> AsyncGenerator[ProgressRecord, None]:
        found = await asyncio.to_thread(imports.sources, self._store, files)
        recipe.hold.add(str(source.digest) for source in found)
        if imports.are_checkpoint(found):
            async with aclosing(self._converted(recipe, found, media_type, file_type)) as records:
                async for record in records:
                    yield record
        else:
            async for record in self._ggufs(recipe, found, media_type):
                yield record
        if not media_type:
            await asyncio.to_thread(_detect_template, recipe, with_layer=detect_template)

    async def _converted(
        self, recipe: Recipe, found: list[imports.Source], media_type: str, file_type: str
    ) -> AsyncGenerator[ProgressRecord, None]:
        """Make one layer of safetensors and what lies beside them."""
        making = imports.converting(recipe, found, media_type, file_type)
        yield ProgressRecord(making.step)
        async with aclosing(making.run(recipe, self._reader.headers)) as records:
            async for record in records:
                yield record
        assert making.part is not None
        recipe.parts.append(making.part)

    async def _ggufs(
        self, recipe: Recipe, found: list[imports.Source], media_type: str
    ) -> AsyncGenerator[ProgressRecord, None]:
        """Take over GGUF files as they are, shards merged."""
        imported: list[Imported] = []
        for source in found:
            yield ProgressRecord("parsing GGUF")
            imported.append(
                await asyncio.to_thread(
                    imports.import_gguf, self._reader.headers, source, media_type=media_type
                )
            )
        imported = await asyncio.to_thread(imports.merge_shards, self._store, self._reader.headers, imported)
        for file in imported:
            if imports.lacks_projector_type(file):
                yield ProgressRecord("updating GGUF projector metadata")
                file = await asyncio.to_thread(
                    imports.with_projector_type, self._store, self._reader.headers, file
                )
            recipe.reuse(file.layer, header=file.header, imported=not media_type)

    async def _weights(self, request: CreateRequest, recipe: Recipe) -> AsyncGenerator[ProgressRecord, None]:
        """Check the weights, and quantize what shall be of another type. Raises CreateError."""
        wanted = [wanted_type(request, part) for part in recipe.parts]  # all, before any work is done
        for index, (part, file_type) in enumerate(zip(list(recipe.parts), wanted, strict=True)):
            if file_type:
                making = quantizing(recipe, part, file_type)
                async with aclosing(making.run(recipe, self._reader.headers)) as records:
                    async for record in records:
                        yield record
                assert making.part is not None
                recipe.parts[index] = making.part
                if part.layer.media_type == media.MEDIA_MODEL:
                    recipe.config.pop("file_type", None)  # what the base's config said of its weights
            if file_type or _is_new_model(part):
                # Reading the file has checked it: counts, types, and that every tensor lies inside.
                yield ProgressRecord("verifying conversion")

    def _apply(self, request: CreateRequest, recipe: Recipe) -> Manifest:
        """Add what the request says, and write the config."""
        defaults = self._configure(request, recipe)
        licenses = licenses_of(request.license)
        recipe.set_template(request.template)
        recipe.set_system(request.system)
        recipe.add_licenses(licenses)
        recipe.set_parameters(request.parameters, defaults)
        recipe.set_messages(request.messages)
        return recipe.finish()

    def _configure(self, request: CreateRequest, recipe: Recipe) -> Mapping[str, object]:
        """Set the config's fields; the parameters that go with the architecture."""
        changes = config_changes(request.info or {})
        inherited = recipe.config.get("capabilities", ())
        added = changes.pop("capabilities", ())
        recipe.config |= changes
        for key in ("renderer", "parser", "requires"):
            if getattr(request, key):
                recipe.config[key] = getattr(request, key)
        capabilities = tuple(dict.fromkeys((*inherited, *_as_texts(added))))
        if capabilities:
            recipe.config["capabilities"] = capabilities
        models = recipe.headers(media.MEDIA_MODEL)
        default = _DEFAULTS.get(models[0].architecture) if models else None
        if default is None or recipe.config.get("renderer") or recipe.config.get("parser"):
            return {}
        recipe.config |= {"renderer": default[0], "parser": default[0]}
        return default[1]


def check_request(request: CreateRequest) -> ModelName:
    """The name of the model to make; what can be said without looking at files is checked here.

    Raises InvalidInput, InvalidName.
    """
    imports.check_names(request.files)
    imports.check_names(request.draft_files)
    imports.check_names(request.adapters, paths=False)
    if request.draft_quantize and not request.draft_files:
        raise InvalidInput("--draft-quantize requires a DRAFT model")
    return ModelName.parse(request.model.strip())


def _source_of(request: CreateRequest) -> Reference:
    """Raises InvalidName."""
    try:
        reference = parse_reference(request.source)
        ModelName.parse(reference.text)
    except CorralError as error:
        raise InvalidName("invalid model name") from error
    return reference


def _stub(request: CreateRequest, reference: Reference) -> dict[str, object]:
    """The config of a model that another server runs."""
    if request.draft_files:
        raise InvalidInput("DRAFT cannot be used with remote models")
    host = remote_url(request.remote_host) if request.remote_host else CLOUD_HOST
    return {"remote_host": host, "remote_model": reference.text}


def _detect_template(recipe: Recipe, *, with_layer: bool) -> None:
    """Give an imported model the named template that its own chat template equals, and its stop strings."""
    for header in recipe.headers(media.MEDIA_MODEL):
        named = detect(header.chat_template) if header.chat_template else None
        if named is None:
            continue
        if with_layer:
            status = f"using autodetected template {named.name}"
            recipe.add(media.MEDIA_TEMPLATE, named.template.encode(), status=status)
        if named.stop:
            recipe.add_parameters({"stop": list(named.stop)})
        return


def _is_new_model(part: Part) -> bool:
    if part.header is None or part.layer.media_type != media.MEDIA_MODEL:
        return False
    return part.imported and not part.header.has_extra_tensors


def _as_texts(value: object) -> Iterable[str]:
    return value if isinstance(value, tuple) else ()
