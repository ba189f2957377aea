"""Every command and flag in one table; the parser, the help texts and the dispatcher read nothing else.

Source: cli.md sections 1 and 2. A command is removed by deleting its file in `commands/` and its row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# list: a string that may be given again and again.
Kind = Literal["bool", "string", "int", "float", "list"]


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `bare` is its value when it is given without one; None: a value must follow."""

    name: str
    help: str
    kind: Kind = "bool"
    short: str = ""
    bare: str | None = None

    @property
    def value_when_bare(self) -> str | None:
        return "true" if self.kind == "bool" else self.bare

    @property
    def label(self) -> str:
        """As messages name it: `-v, --verbose` or `--verbose`."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `most` None: any number of arguments may follow; with the flag `instead` none must.

    `module` is imported only when the command runs; its function `run` takes an Invocation. With `actions`,
    pairs of a name and its help, the first argument must be one of these, or any with `also_other`. With
    `passes_on`, words after `--`
    are for another program, and no arguments of ours. `details` follow the summary in the help.
    """

    name: str
    summary: str
    usage: str = ""
    module: str = ""
    aliases: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    least: int = 0
    most: int | None = 0
    env: tuple[str, ...] = ()
    hidden: bool = False
    instead: str = ""
    actions: tuple[tuple[str, str], ...] = ()
    also_other: bool = False
    passes_on: bool = False
    details: str = ""


HELP = Flag("help", "", short="h")
_JSON = Flag("json", "Print the server's answer as JSON")
_RECORDS = Flag("json", "Print each step as a line of JSON")
_INSECURE = Flag("insecure", "Allow a registry without TLS")
_VERBOSE = Flag("verbose", "Show token counts and timings after an answer")
_NOWRAP = Flag("nowordwrap", "Do not break long lines between words, and render no Markdown")
_HOST = ("CORRAL_HOST",)

ROOT = Command(
    "",
    "Run, serve and manage language models on your own machine",
    flags=(
        Flag("version", "Show the version of the server and of this program", short="v"),
        Flag("json", "Print the versions as JSON"),
        _VERBOSE,
        _NOWRAP,
    ),
)

COMMANDS: tuple[Command, ...] = (
    Command(
        "serve",
        "Start the server",
        module="serve",
        aliases=("start",),
        flags=(
            Flag("preload", "Models to load at the start and keep loaded, with commas between", "string"),
        ),
        env=(
            "CORRAL_HOST",
            "CORRAL_MODELS",
            "CORRAL_HOME",
            "CORRAL_KEEP_ALIVE",
            "CORRAL_CONTEXT_LENGTH",
            "CORRAL_MAX_LOADED_MODELS",
            "CORRAL_NUM_PARALLEL",
            "CORRAL_MAX_QUEUE",
            "CORRAL_LOAD_TIMEOUT",
            "CORRAL_ORIGINS",
            "CORRAL_OPEN",
            "CORRAL_IMAGE_HOSTS",
            "CORRAL_NOPRUNE",
            "CORRAL_NO_CLOUD",
            "CORRAL_GO_TEMPLATE",
            "CORRAL_SPECULATION",
            "CORRAL_PRELOAD",
            "CORRAL_FLASH_ATTENTION",
            "CORRAL_KV_CACHE_TYPE",
            "CORRAL_GPU_OVERHEAD",
            "CORRAL_SCHED_SPREAD",
            "CORRAL_LLAMA_SERVER",
            "CORRAL_SHARE",
            "CORRAL_DEBUG",
            "CORRAL_LOG_FORMAT",
            "CORRAL_CAPTURE",
            "CORRAL_TLS",
            "CORRAL_TLS_CERT",
            "CORRAL_TLS_KEY",
        ),
    ),
    Command(
        "create",
        "Create a model from a Modelfile",
        usage="MODEL",
        module="create",
        flags=(
            Flag("draft-quantize", "Quantize the draft model to this type", "string"),
            Flag("experimental", "Create a model of single tensors (not supported)"),
            Flag("file", 'Path of the Modelfile (default "Modelfile")', "string", short="f"),
            _RECORDS,
            Flag("quantize", "Quantize the model to this type, such as q4_K_M", "string", short="q"),
        ),
        least=1,
        most=1,
        env=_HOST,
    ),
    Command(
        "quantize",
        "Make a model, or a .gguf file, with weights of another type",
        usage="SOURCE TARGET TYPE",
        module="quantize",
        flags=(Flag("imatrix", "Importance matrix of llama.cpp, for files", "string"),),
        least=3,
        most=3,
        env=_HOST,
    ),
    Command(
        "show",
        "Show what a model is made of",
        usage="MODEL",
        module="show",
        flags=(
            _JSON,
            Flag("license", "Show the license alone"),
            Flag("modelfile", "Show the Modelfile alone"),
            Flag("parameters", "Show the parameters alone"),
            Flag("system", "Show the system message alone"),
            Flag("template", "Show the prompt template alone"),
            Flag("verbose", "Show all metadata and tensors too", short="v"),
        ),
        least=1,
        most=1,
        env=_HOST,
    ),
    Command(
        "run",
        "Run a model: answer one prompt, or chat",
        usage="MODEL [PROMPT]",
        module="run",
        flags=(
            Flag("dimensions", "Length to cut embeddings to (embedding models only)", "int"),
            Flag("format", "Form of the answer: json, or a JSON Schema", "string"),
            Flag("hidethinking", "Do not show what the model thinks before it answers"),
            _INSECURE,
            Flag("json", "Print the answer as JSON, with its thinking and its counts"),
            Flag("keepalive", "How long the model stays loaded afterwards, such as 5m", "string"),
            _NOWRAP,
            Flag("raw", "Print answers as the model writes them: no Markdown is rendered"),
            Flag(
                "think",
                "Let the model think first: true, false, high, medium, low or max",
                "string",
                bare="true",
            ),
            Flag("truncate", "Cut inputs that are too long (embedding models only; --truncate=false: fail)"),
            _VERBOSE,
        ),
        least=1,
        most=None,
        env=("CORRAL_EDITOR", "CORRAL_HOST", "CORRAL_NOHISTORY"),
    ),
    Command("stop", "Unload a model", usage="MODEL", module="stop", least=1, most=1, env=_HOST),
    Command(
        "pull",
        "Download a model from a registry",
        usage="MODEL",
        module="pull",
        flags=(Flag("all", "Download newer versions of all models on this machine"), _INSECURE, _RECORDS),
        least=1,
        most=1,
        instead="all",
        env=_HOST,
    ),
    Command(
        "push",
        "Upload a model to a registry",
        usage="MODEL",
        module="push",
        flags=(_INSECURE, _RECORDS),
        least=1,
        most=1,
        env=_HOST,
    ),
    Command("signin", "Explain signing in: Corral has no cloud", module="account", hidden=True),
    Command(
        "login",
        "Sign in to a registry",
        usage="HOST",
        module="login",
        flags=(
            _INSECURE,
            Flag("password-stdin", "Read the password or token from standard input"),
            Flag("token", "Sign in with a token instead of a name and a password"),
            Flag("username", "Name to sign in with", "string", short="u"),
        ),
        most=1,
        env=("CORRAL_HOME",),
    ),
    Command("logout", "Sign out of a registry", usage="HOST", module="login", most=1, env=("CORRAL_HOME",)),
    Command("signout", "Explain signing out: Corral has no cloud", module="account", hidden=True),
    Command(
        "list",
        "List the models on this machine",
        usage="[PREFIX]",
        module="list",
        aliases=("ls",),
        flags=(_JSON,),
        most=None,
        env=_HOST,
    ),
    Command(
        "ps", "List the loaded models", usage="[PREFIX]", module="ps", flags=(_JSON,), most=None, env=_HOST
    ),
    Command("cp", "Copy a model", usage="SOURCE DESTINATION", module="cp", least=2, most=2, env=_HOST),
    Command(
        "rm",
        "Remove models",
        usage="MODEL [MODEL...]",
        module="rm",
        flags=(
            Flag("prune", "Remove old files that no model needs too"),
            Flag("prompts", "With --prune: the saved prompts of all models as well"),
        ),
        least=1,
        most=None,
        instead="prune",
        env=_HOST,
    ),
    Command(
        "outdated",
        "List the models that are newer in their registry",
        usage="[MODEL...]",
        module="outdated",
        flags=(_JSON,),
        most=None,
        env=_HOST,
    ),
    Command("du", "Show what models take on the disk", module="du", flags=(_JSON,), env=_HOST),
    Command(
        "verify",
        "Check the files of models against their digests",
        usage="[MODEL...]",
        module="verify",
        flags=(
            Flag("json", "Print what is damaged as JSON"),
            Flag("repair", "Remove damaged files and download them again"),
        ),
        most=None,
        env=_HOST,
    ),
    Command(
        "config",
        "Show the settings and where each comes from",
        usage="ACTION",
        module="config",
        flags=(Flag("json", "Print the settings as JSON"),),
        least=1,
        most=1,
        env=("CORRAL_HOME",),
        actions=(
            (
                "show",
                "Every setting, its value, and whether the environment, the file or the default gives it",
            ),
            ("path", "The path of the configuration file"),
        ),
    ),
    Command(
        "search",
        "Search Hugging Face, or a registry that lists its models",
        usage="WORD [WORD...]",
        module="search",
        flags=(
            _INSECURE,
            Flag("json", "Print the found models as JSON"),
            Flag("limit", "Most models to show (default 20)", "int"),
            Flag("registry", "Host of another registry than hf.co", "string"),
        ),
        least=1,
        most=None,
    ),
    Command(
        "plan",
        "Show what loading a model would take, without loading it",
        usage="MODEL",
        module="plan",
        flags=(_JSON, Flag("num-ctx", "Plan for a context window of so many tokens", "int")),
        least=1,
        most=1,
        env=_HOST,
    ),
    Command(
        "tune",
        "Fine-tune a model on examples",
        usage="BASE --data FILE [FILE...]|ACTION [JOB]",
        module="tune",
        flags=(
            Flag("alpha", "Strength of the adapter, beside its rank (default 32)", "int"),
            Flag("batch-size", "Examples of one step (default 16)", "int"),
            Flag("data", "File with examples; may be given several times, and more may follow", "list"),
            Flag("detach", "Do not wait: print the id of the job", short="d"),
            Flag("device", "Where to train: auto, cpu or cuda (default auto)", "string"),
            Flag("dropout", "Share of the adapter that is left out at random", "float"),
            Flag("dry-run", "Check the examples and show the plan; train nothing"),
            Flag("early-stop", "Stop after so many comparisons without progress; 0: never", "int"),
            Flag("epochs", "How often all examples are seen", "float"),
            Flag("eval-fraction", "Share of the examples that is held out; 0: none (default 0.05)", "float"),
            Flag("follow", "With logs: go on with what happens from now on", short="f"),
            Flag("force", "Name the result even if it is no better than its base"),
            Flag("format", "What the files hold: messages, sharegpt, alpaca, completion or text", "string"),
            Flag("gradient-checkpointing", "Less memory for more time (--gradient-checkpointing=false: off)"),
            Flag("json", "Print records as JSON"),
            Flag("learning-rate", "Highest learning rate", "float"),
            Flag("max-length", "Most tokens of an example", "int"),
            Flag("max-steps", "Most steps", "int"),
            Flag("merge", "Make a full model instead of an adapter on the base"),
            Flag("micro-batch-size", "Examples that are computed at once", "int"),
            Flag("name", "Name of the model to make (default: that of the base, with -tuned)", "string"),
            Flag("num-thread", "Threads on a CPU (default: what leaves room for serving)", "int"),
            Flag("preset", "quick, balanced or thorough (default balanced)", "string"),
            Flag("process", "With logs: what the process itself has printed"),
            Flag("prompts", "File with prompts that are asked before and after", "string"),
            Flag("quantize", "With --merge: type of the weights, such as q4_K_M", "string", short="q"),
            Flag("quantized-base", "Keep the base in four bits meanwhile (QLoRA, CUDA only)"),
            Flag("rank", "Size of the adapter (default 16)", "int"),
            Flag("report", "With show: write a page with the curves to this file", "string"),
            Flag("seed", "Seed of the split and of the training", "int"),
            Flag("validation", "File with examples to compare on; may be given several times", "list"),
            Flag("warmup-ratio", "Share of the steps in which the rate rises", "float"),
            Flag("weight-decay", "Decay of the weights", "float"),
        ),
        least=1,
        most=None,
        env=_HOST,
        actions=(
            ("ls", "Every job, and how far it is"),
            ("show", "One job: its data, plan and result"),
            ("logs", "What has happened in a job"),
            ("stop", "Stop a job, with a checkpoint"),
            ("resume", "Go on with a job from its last checkpoint"),
            ("publish", "Name the result of a job, whatever the comparison said"),
            ("rm", "Forget a job; the model that it made stays"),
        ),
        also_other=True,
        details="BASE is a model of the store, of a registry or of Hugging Face (hf.co/...), or a folder.\n"
        "JOB is an id, the beginning of one, or the name of the model that it makes.\n\n"
        "    corral tune pocket --data examples.jsonl --name me/helper",
    ),
    Command(
        "doctor",
        "Look for what is not in order on this machine, and say how to mend it",
        module="doctor",
        flags=(Flag("json", "Print the findings as JSON"),),
        env=("CORRAL_HOST", "CORRAL_MODELS", "CORRAL_HOME", "CORRAL_LLAMA_SERVER"),
    ),
    Command(
        "engine",
        "Build an engine for this machine, and choose which is used",
        usage="ACTION [NAME]",
        module="engine",
        flags=(
            Flag("cpu", "Build for the processor alone"),
            Flag("cuda", "Build for NVIDIA's devices"),
            Flag("hip", "Build for AMD's devices"),
            Flag("jobs", "Files to compile at a time (default: by cores and memory)", "int"),
            Flag("json", "Print the engines, or the checks, as JSON"),
            Flag("no-use", "Build it, and go on with the engine that is used now"),
            Flag("source", "Path of the source package, where there is no network", "string"),
            Flag("vulkan", "Build for devices with Vulkan"),
        ),
        least=1,
        most=2,
        env=("CORRAL_HOME", "CORRAL_LLAMA_SERVER"),
        actions=(
            ("build", "Compile llama.cpp for this machine, check the result, and use it"),
            ("list", "Every engine, what it was built for, and which is used"),
            ("use", "Use an engine, or 'packaged', for every load from now on"),
            ("check", "Check that an engine works as the packaged one does"),
            ("rm", "Remove a built engine"),
        ),
    ),
    Command(
        "bench",
        "Measure how fast a model reads and writes on this machine",
        usage="MODEL",
        module="bench",
        flags=(
            Flag("json", "Print the speeds as JSON"),
            Flag("rounds", "Requests that are measured; the middle one counts (default 3)", "int"),
        ),
        least=1,
        most=1,
        env=_HOST,
    ),
    Command(
        "launch",
        "Start a coding agent or a chat program against this server",
        usage="[TOOL] [-- ARGUMENTS...]",
        module="launch",
        flags=(
            Flag("config", "Print the variables and the command, and start nothing"),
            Flag("json", "Print the known tools as JSON"),
            Flag("model", "The model it gets (default: the one it had last)", "string"),
            Flag("restore", "Not needed: the files of a tool are never changed"),
            Flag("yes", "Pull a model that is not there without asking", short="y"),
        ),
        most=None,
        env=_HOST,
        passes_on=True,
        details="Tools: claude, codex, opencode, aider, open-webui, copilot. Without one, you are asked.\n"
        "Words after -- are passed on to it, as in: launch claude --model qwen3:30b -- --continue",
    ),
    Command(
        "service",
        "Start the server at login, by systemd or launchd",
        usage="ACTION",
        module="service",
        least=1,
        most=1,
        actions=(
            ("install", "Write the description of the service, and start it"),
            ("uninstall", "Stop the service and remove its description"),
            ("status", "What the service manager says of it"),
            ("show", "Print the description alone; the variables set now that concern the server are in it"),
        ),
    ),
    Command(
        "completion",
        "Print the completion script of a shell",
        usage="SHELL",
        module="completion",
        least=1,
        most=1,
        actions=(
            ("bash", "Add to ~/.bashrc: source <(corral completion bash)"),
            ("zsh", "Add to ~/.zshrc, after compinit: source <(corral completion zsh)"),
            ("fish", "Write to ~/.config/fish/completions/corral.fish"),
        ),
    ),
    Command("__complete", "Candidates for the last word", module="completion", most=None, hidden=True),
    Command(
        "keys",
        "Make, list and revoke API keys",
        usage="ACTION [NAME]",
        module="keys",
        flags=(
            Flag("concurrency", "Most requests of the key at a time", "int"),
            Flag("expires", "When the key ends by itself, such as 90d", "string"),
            _JSON,
            Flag("rate", "Most requests, such as 60/min", "string"),
            Flag(
                "scope",
                "What it allows: infer, read, manage, admin (default infer,read)",
                "string",
            ),
            Flag("tokens", "Most tokens of prompts and answers, such as 1M/day", "string"),
        ),
        least=1,
        most=2,
        env=("CORRAL_API_KEY", "CORRAL_HOME", "CORRAL_HOST"),
        actions=(
            ("create", "Make a key and print it, this once"),
            ("list", "Every key, its limits, and what it has used"),
            ("revoke", "End a key at once"),
        ),
    ),
    Command(
        "logs",
        "Show the log of the server",
        module="logs",
        flags=(
            Flag("follow", "Go on with what is written from now on", short="f"),
            Flag("lines", "How many of the last lines (default 100)", "int", short="n"),
        ),
        env=("CORRAL_HOME",),
    ),
    Command("help", "Show the help of a command", usage="[COMMAND]", module="help", most=None),
)


def find_command(word: str) -> Command | None:
    """The command of that name or alias."""
    for command in COMMANDS:
        if word == command.name or word in command.aliases:
            return command
    return None


# What the help says of a variable. Each is also read under its OLLAMA_ name.
ENVIRONMENT = {
    "CORRAL_CAPTURE": "Write down requests to models: redacted (no texts) or full",
    "CORRAL_TLS": "Serve HTTPS with a certificate that the server makes: self-signed",
    "CORRAL_TLS_CERT": "Path of a certificate to serve HTTPS with (PEM)",
    "CORRAL_TLS_KEY": "Path of the key of that certificate (PEM)",
    "CORRAL_LOG_FORMAT": "Form of the log: text or json (default text)",
    "CORRAL_API_KEY": "API key that the commands send",
    "CORRAL_CONTEXT_LENGTH": "Context window of models that do not name one (default: by free memory)",
    "CORRAL_DEBUG": "Write more to the log: 1, or 2 for everything",
    "CORRAL_EDITOR": "Editor for long prompts (Ctrl+G)",
    "CORRAL_FLASH_ATTENTION": "Force flash attention on or off (default: automatic)",
    "CORRAL_GO_TEMPLATE": "Whether the TEMPLATE of a model goes before its own chat template",
    "CORRAL_GPU_OVERHEAD": "Memory to leave free on each GPU, in bytes",
    "CORRAL_HOME": "Folder of config.toml, keys, chats and logs (default ~/.corral)",
    "CORRAL_HOST": "Address of the server (default 127.0.0.1:11434)",
    "CORRAL_IMAGE_HOSTS": "Hosts to fetch images by URL from; *: all public ones (default: none)",
    "CORRAL_KEEP_ALIVE": "How long an idle model stays loaded (default 5m)",
    "CORRAL_KV_CACHE_TYPE": "Number type of the key and value cache (default f16)",
    "CORRAL_LLAMA_SERVER": "Path of a llama-server program to use as the engine",
    "CORRAL_LOAD_TIMEOUT": "How long a load may stand still before it fails (default 5m)",
    "CORRAL_MAX_LOADED_MODELS": "Most models that are loaded at a time (default: by memory)",
    "CORRAL_MAX_QUEUE": "Most requests that wait (default 512)",
    "CORRAL_MODELS": "Folder of the models (default ~/.ollama/models)",
    "CORRAL_NOHISTORY": "Do not keep the prompts that were typed",
    "CORRAL_NOPRUNE": "Do not remove unused files at start",
    "CORRAL_NO_CLOUD": "Refuse models that run elsewhere",
    "CORRAL_NUM_PARALLEL": "Requests that one model answers at a time (default: by memory)",
    "CORRAL_OPEN": "Scopes that need no API key: infer, read, manage, or none (default: all on loopback)",
    "CORRAL_ORIGINS": "More web origins that may call the server, with commas between them",
    "CORRAL_SHARE": "Let other machines pull the models of this one",
    "CORRAL_PRELOAD": "Models to load at the start and keep loaded, with commas between them",
    "CORRAL_SPECULATION": "Guess tokens ahead from what is already written (default on)",
    "CORRAL_SCHED_SPREAD": "Always spread a model over all GPUs",
}
