"""What a template reveals about its model: variables, thinking tags, tool tag, where the answer begins.

Source: modelfile specification, sections 9, 12 and 13; API specification, sections 11.1, 11.3 and 12.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from corral.errors import TemplateError
from corral.template import nodes

DEFAULT_TOOL_TAG = "{"
_ROUND_TRIP_MARKS = ('eq .Role "tool"', "tool_response", "TOOL_RESULTS")


def variables(tree: nodes.Tree) -> frozenset[str]:
    """All names that actions, conditions and pipelines mention, in lower case; variables keep their `$`.

    Names below a parenthesis that is followed by a field, as in `(f .A).B`, do not count.
    Raises TemplateError for `{{ template "x" }}` without an argument, as the reference does.
    """
    found: set[str] = set()
    for block in tree.blocks.values():
        for pipeline in _pipelines(block):
            found.update(name.lower() for operand in _operands(pipeline) for name in _names(operand))
    return frozenset(found)


def _pipelines(block: nodes.Block) -> Iterator[nodes.Pipeline]:
    for node in block.nodes:
        match node:
            case nodes.Action():
                yield node.pipeline
            case nodes.Invoke():
                if node.pipeline is None:
                    raise TemplateError("undefined template specified")
                yield node.pipeline
            case nodes.If() | nodes.With() | nodes.Range():
                yield node.pipeline
                for inner in _bodies(node):
                    yield from _pipelines(inner)


def _bodies(node: nodes.Branch) -> list[nodes.Block]:
    return [node.body] if node.otherwise is None else [node.body, node.otherwise]


def _operands(pipeline: nodes.Pipeline, *, chains: bool = False) -> Iterator[nodes.Operand]:
    """All operands, those in parentheses too; below a chain only if `chains`."""
    for command in pipeline.commands:
        for operand in command.operands:
            yield operand
            while chains and isinstance(operand, nodes.Chain):
                operand = operand.operand
                yield operand
            if isinstance(operand, nodes.Pipeline):
                yield from _operands(operand, chains=chains)


def _names(operand: nodes.Operand) -> Sequence[str]:
    match operand:
        case nodes.Field():
            return operand.names
        case nodes.Variable():
            return (operand.name, *operand.names)
    return ()


# the answer


def with_response(tree: nodes.Tree) -> nodes.Tree:
    """The tree with `{{ .Response }}` after its last node."""
    end = len(tree.text)
    command = nodes.Command(end, (nodes.Field(end, ("Response",)),))
    action = nodes.Action(end, nodes.Pipeline(end, (), False, (command,)))
    return _with_root(tree, replace(tree.root, nodes=(*tree.root.nodes, action)))


def cut_response(tree: nodes.Tree) -> nodes.Tree:
    """The tree without what comes after the first action that uses `.Response`.

    Conditions do not count as a use; what follows a use inside a body goes, and everything after the block.
    """
    return _with_root(tree, _cut(tree.root)[0])


def _with_root(tree: nodes.Tree, root: nodes.Block) -> nodes.Tree:
    return replace(tree, blocks={**tree.blocks, "": root})


def _cut(block: nodes.Block) -> tuple[nodes.Block, bool]:
    """The block up to the first use, and whether there was one."""
    for index, node in enumerate(block.nodes):
        kept, found = _cut_node(node)
        if found:
            return replace(block, nodes=(*block.nodes[:index], kept)), True
    return block, False


def _cut_node(node: nodes.Node) -> tuple[nodes.Node, bool]:
    if isinstance(node, nodes.Action):
        return node, _uses_response(node.pipeline)
    if not isinstance(node, nodes.If | nodes.With | nodes.Range):
        return node, False
    body, found = _cut(node.body)
    if found:
        return replace(node, body=body, otherwise=None), True
    if node.otherwise is None:
        return node, False
    otherwise, found = _cut(node.otherwise)
    return replace(node, otherwise=otherwise), found


def _uses_response(pipeline: nodes.Pipeline) -> bool:
    return any(
        isinstance(operand, nodes.Field) and "Response" in operand.names for operand in _operands(pipeline)
    )


# thinking


def thinking_tags(tree: nodes.Tree) -> tuple[str, str] | None:
    """Opening and closing tag around a message's thinking, or None when either cannot be told.

    They are the first and the last text of the innermost block around a use of `.Thinking`, which must lie in
    a `range` over `.Messages`. Of several uses the last one that has such a text decides.
    """
    opening = closing = ""
    for block in _thinking_blocks(tree.root, in_messages=False):
        first, last = block.nodes[0], block.nodes[-1]
        if isinstance(first, nodes.Text):
            opening = first.text.strip()
        if isinstance(last, nodes.Text):
            closing = last.text.strip()
    return (opening, closing) if opening and closing else None


def _thinking_blocks(block: nodes.Block, *, in_messages: bool) -> Iterator[nodes.Block]:
    """The innermost blocks around each use of `.Thinking`, in the order of the uses."""
    for node in block.nodes:
        if isinstance(node, nodes.Break | nodes.Continue | nodes.Text) or node.pipeline is None:
            continue
        inside = in_messages
        if isinstance(node, nodes.Range):
            inside = any(_is_field(operand, "Messages") for operand in _operands(node.pipeline, chains=True))
        if inside:
            for operand in _operands(node.pipeline, chains=True):
                if _is_field(operand, "Thinking"):
                    yield block
        if isinstance(node, nodes.If | nodes.With | nodes.Range):
            for body in _bodies(node):
                yield from _thinking_blocks(body, in_messages=inside)


def _is_field(operand: nodes.Operand, name: str) -> bool:
    return isinstance(operand, nodes.Field) and operand.names[0] == name


# tools


def tool_tag(tree: nodes.Tree) -> str:
    """The text that opens tool calls in the model's output; `{` when the template does not say."""
    body = _tool_call_body(tree.root)
    text = _first_text(body) if body else None
    tag = (text or "").replace("\r\n", "\n").partition("{")[0].strip()
    return tag or DEFAULT_TOOL_TAG


def _tool_call_body(block: nodes.Block) -> nodes.Block | None:
    """Body of the first `if` that asks for tool calls, depth first."""
    for node in block.nodes:
        if not isinstance(node, nodes.If | nodes.With | nodes.Range):
            continue
        if isinstance(node, nodes.If) and _mentions_tool_calls(node.pipeline):
            return node.body
        for inner in _bodies(node):
            found = _tool_call_body(inner)
            if found:
                return found
    return None


def _mentions_tool_calls(pipeline: nodes.Pipeline) -> bool:
    return any("ToolCalls" in _names(operand) for operand in _operands(pipeline))


def _first_text(block: nodes.Block) -> str | None:
    """The first text that is not blank; an action before it that prints ends the search in this block."""
    for node in block.nodes:
        if isinstance(node, nodes.Text) and node.text.strip():
            return node.text
        if isinstance(node, nodes.Action) and not node.pipeline.variables:
            return None
        if isinstance(node, nodes.If | nodes.With | nodes.Range):
            for inner in _bodies(node):
                found = _first_text(inner)
                if found:
                    return found
    return None


def has_tool_round_trip(tree: nodes.Tree) -> bool:
    """Whether the template shows tools, tool calls and their results to the model."""
    return {"tools", "toolcalls"} <= variables(tree) and any(mark in tree.text for mark in _ROUND_TRIP_MARKS)
