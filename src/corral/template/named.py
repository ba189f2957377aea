"""The named templates: what is written into a model whose own Jinja template is a well-known one.

All are message-style. A conversation ends with the header of the assistant's turn.
Source: modelfile specification, section 14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class NamedTemplate:
    """A template and the stop strings that go with it."""

    name: str
    template: str
    stop: tuple[str, ...]


def _by_role(*, system: str, user: str, assistant: str, header: str) -> str:
    """A template from the text of each kind of turn and the header of the answer."""
    return (
        "{{- range .Messages }}"
        '{{- if eq .Role "system" }}' + system + '{{ else if eq .Role "user" }}' + user + "{{ else if"
        ' eq .Role "assistant" }}' + assistant + "{{ end }}"
        "{{- end }}" + header
    )


_COLLECT_SYSTEM = (
    '{{ if $system }}{{ $system = printf "%s\\n\\n%s" $system .Content }}'
    "{{ else }}{{ $system = .Content }}{{ end }}"
)


def _system_in_user_turn(*, before: str, system: str, after: str, assistant: str, header: str) -> str:
    """The same for models without a system turn: all system text waits for the next user turn."""
    user = before + "{{ if $system }}" + system + '{{ $system = "" }}{{ end }}' + after
    turns = _by_role(system=_COLLECT_SYSTEM, user=user, assistant=assistant, header=header)
    return '{{- $system := "" }}' + turns


_CODELLAMA_70B = """{{- range .Messages }}Source: {{ .Role }}

 {{ .Content }} <step> {{ end }}Source: assistant
Destination: user

 """

# Preamble, tool list and instruction are the wording the model was trained on.
_COMMAND_R = """{{- if or .Tools .System }}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>
{{- if .Tools }}# Safety Preamble
The instructions in this section override those in the task description and style guide sections. \
Don't answer questions that are harmful or immoral.

# System Preamble
## Basic Rules
You are a powerful conversational AI trained by Cohere to help people. You are augmented by a number of \
tools, and your job is to use and consume the output of these tools to best help the user. You will see a \
conversation history between yourself and a user, ending with an utterance from the user. You will then see \
a specific instruction instructing you what kind of response to generate. When you answer the user's \
requests, you cite your sources in your answers, according to those instructions.

# User Preamble
{{ if .System }}{{ .System }}

{{ end }}## Available Tools
Here is a list of tools that you have available to you:
{{- range .Tools }}

```python
def {{ .Function.Name }}(
{{- range $name, $property := .Function.Parameters.Properties }}{{ $name }}: {{ $property.Type }}, {{ end -}}
) -> List[Dict]:
    \"\"\"{{ .Function.Description }}
{{- if .Function.Parameters.Properties }}

    Args:
{{- range $name, $property := .Function.Parameters.Properties }}
        {{ $name }} ({{ $property.Type }}): {{ $property.Description }}
{{- end }}
{{- end }}
    \"\"\"
    pass
```
{{- end }}
{{- else }}{{ .System }}
{{- end }}<|END_OF_TURN_TOKEN|>
{{- end }}
{{- range .Messages }}
{{- if eq .Role "user" }}<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{{ .Content }}<|END_OF_TURN_TOKEN|>
{{- if $.Tools }}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Write 'Action:' followed by a json-formatted list of \
actions that you want to perform in order to produce a good response to the user's last input. You can use \
any of the supplied tools any number of times, but you should aim to execute the minimum number of necessary \
actions for the input. You should use the `directly-answer` tool if calling the other tools is unnecessary. \
The list of actions you want to call should be formatted as a list of json objects, for example:
```json
[
    {
        "tool_name": title of the tool in the specification,
        "parameters": a dict of parameters to input into the tool as they are defined in the specs, \
or {} if it takes no parameters
    }
]```<|END_OF_TURN_TOKEN|>
{{- end }}
{{- else if eq .Role "assistant" }}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>
{{- if .ToolCalls }}Action:
```json
[
{{- range $index, $call := .ToolCalls }}
{{- if $index }},{{ end }}
    {
        "tool_name": "{{ .Function.Name }}",
        "parameters": {{ .Function.Arguments }}
    }
{{- end }}
]```
{{- else }}{{ .Content }}
{{- end }}<|END_OF_TURN_TOKEN|>
{{- else if eq .Role "tool" }}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|><results>
console_output: {{ .Content }}
</results><|END_OF_TURN_TOKEN|>
{{- end }}
{{- end }}<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>
"""

_GEMMA3 = """{{- range $index, $message := .Messages }}
{{- if eq .Role "user" }}<start_of_turn>user
{{ if and (eq $index 1) $.System }}{{ $.System }}

{{ end }}{{ .Content }}<end_of_turn>
{{ else if eq .Role "assistant" }}<start_of_turn>model
{{ .Content }}<end_of_turn>
{{ end }}
{{- end }}<start_of_turn>model

"""


_ROWS = (
    NamedTemplate(
        "alfred",
        "{{- range .Messages }}<start_{{ .Role }}>{{ .Content }}<end_message>{{ end }}<start_assistant>",
        ("<start_system>", "<end_message>", "<start_user>", "<start_assistant>"),
    ),
    NamedTemplate(
        "alpaca",
        _by_role(
            system="{{ .Content }}\n\n",
            user="### Instruction:\n{{ .Content }}\n\n",
            assistant="### Response:\n{{ .Content }}\n\n",
            header="### Response:\n",
        ),
        ("### Instruction:", "### Response"),
    ),
    NamedTemplate(
        "chatml",
        "{{- range .Messages }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n{{ end }}"
        "<|im_start|>assistant\n",
        ("<|im_start|>", "<|im_end|>"),
    ),
    NamedTemplate(
        "chatqa",
        _by_role(
            system="System: {{ .Content }}\n\n",
            user="User: {{ .Content }}\n\n",
            assistant="Assistant: {{ .Content }}\n\n",
            header="Assistant:",
        ),
        ("System:", "User:", "Assistant:", "<|begin_of_text|>"),
    ),
    NamedTemplate("codellama-70b-instruct", _CODELLAMA_70B, ("Source:", "Destination:", "<step>")),
    NamedTemplate("command-r", _COMMAND_R, ("<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>")),
    NamedTemplate(
        "falcon-instruct",
        _by_role(
            system="System: {{ .Content }}\n",
            user="User:\n{{ .Content }}\n",
            assistant="Falcon:\n{{ .Content }}\n",
            header="Falcon:\n",
        ),
        ("User:", "Assistant:"),
    ),
    NamedTemplate(
        "gemma-instruct",
        _system_in_user_turn(
            before="<start_of_turn>user\n",
            system="{{ $system }}\n",
            after="{{ .Content }}<end_of_turn>\n",
            assistant="<start_of_turn>model\n{{ .Content }}<end_of_turn>\n",
            header="<start_of_turn>model\n",
        ),
        ("<start_of_turn>", "<end_of_turn>"),
    ),
    NamedTemplate("gemma3-instruct", _GEMMA3, ("<end_of_turn>",)),
    NamedTemplate(
        "granite-instruct",
        _by_role(
            system="System:\n{{ .Content }}\n\n",
            user="Question:\n{{ .Content }}\n\n",
            assistant="Answer:\n{{ .Content }}\n\n",
            header="Answer:\n",
        ),
        ("System:", "Question:", "Answer:"),
    ),
    NamedTemplate(
        "llama2-chat",
        _system_in_user_turn(
            before="[INST] <<SYS>>",
            system="\n{{ $system }}\n",
            after="<</SYS>>\n\n{{ .Content }} [/INST]",
            assistant=" {{ .Content }}</s><s>",
            header="",
        ),
        ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    ),
    NamedTemplate(
        "llama3-instruct",
        "{{- range .Messages }}<|start_header_id|>{{ .Role }}<|end_header_id|>\n\n"
        "{{ .Content }}<|eot_id|>{{ end }}<|start_header_id|>assistant<|end_header_id|>\n\n",
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    ),
    NamedTemplate(
        "magicoder",
        _by_role(
            system="{{ .Content }}\n\n",
            user="@@ Instruction\n{{ .Content }}\n\n",
            assistant="@@ Response\n{{ .Content }}\n\n",
            header="@@ Response\n",
        ),
        ("@@ Instruction", "@@ Response"),
    ),
    NamedTemplate(
        "mistral-instruct",
        _system_in_user_turn(
            before="[INST] ",
            system="{{ $system }}\n\n",
            after="{{ .Content }}[/INST]",
            assistant=" {{ .Content }}</s>",
            header="",
        ),
        # Not this model's own tokens: the reference stores these.
        ("<|im_start|>", "<|im_end|>"),
    ),
    NamedTemplate(
        "openchat",
        _by_role(
            system="GPT4 Correct System: {{ .Content }}<|end_of_turn|>",
            user="GPT4 Correct User: {{ .Content }}<|end_of_turn|>",
            assistant="GPT4 Correct Assistant: {{ .Content }}<|end_of_turn|>",
            header="GPT4 Correct Assistant:",
        ),
        ("<|end_of_turn|>",),
    ),
    NamedTemplate(
        "phi-3",
        "{{- range .Messages }}<|{{ .Role }}|>\n{{ .Content }}<|end|>\n{{ end }}<|assistant|>\n",
        ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>"),
    ),
    NamedTemplate(
        "solar-instruct",
        _by_role(
            system="### System:\n{{ .Content }}\n\n",
            user="### User:\n{{ .Content }}\n\n",
            assistant="### Assistant:\n{{ .Content }}</s>\n\n",
            header="### Assistant:\n",
        ),
        ("### System:", "### User:", "### Assistant"),
    ),
    NamedTemplate(
        "starcoder2-instruct",
        _by_role(
            system="{{ .Content }}\n\n",
            user="### Instruction\n{{ .Content }}\n\n",
            assistant="### Response\n{{ .Content }}<|endoftext|>\n\n",
            header="### Response\n",
        ),
        ("### Instruction", "### Response", "<|endoftext|>"),
    ),
    NamedTemplate(
        "vicuna",
        _by_role(
            system="{{ .Content }}\n\n",
            user="USER: {{ .Content }}\n",
            assistant="ASSISTANT: {{ .Content }}</s>\n",
            header="ASSISTANT:",
        ),
        ("USER:", "ASSISTANT:"),
    ),
    NamedTemplate(
        "zephyr",
        "{{- range .Messages }}<|{{ .Role }}|>\n{{ .Content }}</s>\n{{ end }}<|assistant|>\n",
        ("<|system|>", "</s>", "<|user|>", "<|assistant|>"),
    ),
)

NAMED: Final[Mapping[str, NamedTemplate]] = MappingProxyType({row.name: row for row in _ROWS})
