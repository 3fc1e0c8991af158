"""Writes the JavaScript client and its TypeScript declarations."""

import json
from typing import Final

from scripts.client_model import (
    REMEMBERED,
    Choice,
    Contract,
    Either,
    Listing,
    Message,
    Named,
    Operation,
    Parameter,
    Scalar,
    Socket,
    Table,
    Type,
    camel,
)
from scripts.client_python import NOTE, class_name

_SCALARS: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "any": "unknown",
}


def typescript_type(kind: Type) -> str:
    """The annotation of a type."""
    match kind:
        case Scalar(name):
            return _SCALARS[name]
        case Choice(words):
            return " | ".join(json.dumps(word) for word in words)
        case Listing(item):
            return f"ReadonlyArray<{typescript_type(item)}>"
        case Table(value):
            return f"Readonly<Record<string, {typescript_type(value)}>>"
        case Either(options):
            return " | ".join(dict.fromkeys(typescript_type(one) for one in options))
        case Named(name):
            return name
    raise AssertionError(kind)


def javascript_module(contract: Contract) -> str:
    """`headwater.js`."""
    parts = [
        f"// The terminal API of a Headwater platform, {contract.version}.\n// {NOTE}",
        'import { Api, TerminalStream } from "./runtime.js";',
        'export { HeadwaterError, ProblemError, Refused, Unreachable } from "./runtime.js";',
        *(_stream(one) for one in contract.sockets),
        "/** Every question and every socket of the terminal API. */\n"
        "export class Headwater extends Api {\n"
        + "\n\n".join([*map(_question, contract.operations), *map(_watch, contract.sockets)])
        + "\n}",
    ]
    return "\n\n".join(parts) + "\n"


def declarations_module(contract: Contract) -> str:
    """`headwater.d.ts`."""
    parts = [
        f"// The terminal API of a Headwater platform, {contract.version}.\n// {NOTE}",
        'import { Api, TerminalStream } from "./runtime.js";',
        'export { HeadwaterError, ProblemError, Refused, Unreachable } from "./runtime.js";',
        'export type { Options, Problem, ProblemField } from "./runtime.js";',
        *(_interface(one) for one in contract.messages),
        *(_stream_declaration(one) for one in contract.sockets),
        "export class Headwater extends Api {\n"
        + "\n".join(
            [
                *map(_question_declaration, contract.operations),
                *map(_watch_declaration, contract.sockets),
            ]
        )
        + "\n}",
    ]
    return "\n\n".join(parts) + "\n"


def _comment(words: str, indent: str = "") -> str:
    flat = " ".join(words.split()).replace("*/", "* /")
    return f"{indent}/** {flat} */\n" if flat else ""


def _interface(message: Message) -> str:
    lines = [f"{_comment(message.words)}export interface {message.name} {{"]
    if message.tag is not None:
        lines.append(f"  readonly type: {json.dumps(message.tag)};")
    for field in message.fields:
        mark = "" if field.required else "?"
        words = _comment(field.words, "  ")
        lines.append(f"{words}  readonly {field.name}{mark}: {typescript_type(field.type)};")
    return "\n".join([*lines, "}"])


def _taken(parameters: tuple[Parameter, ...]) -> tuple[list[str], list[Parameter]]:
    """Names of the parts of the path, and the parameters of the query."""
    return [camel(one.name) for one in parameters if one.in_path], [
        one for one in parameters if not one.in_path
    ]


def _signature(parameters: tuple[Parameter, ...]) -> str:
    names, query = _taken(parameters)
    return ", ".join([*names, *(["options = {}"] if query else [])])


def _target(path: str, parameters: tuple[Parameter, ...]) -> str:
    for one in parameters:
        if one.in_path:
            path = path.replace(f"{{{one.name}}}", f"${{encodeURIComponent({camel(one.name)})}}")
    return f"`{path}`" if "${" in path else json.dumps(path)


def _query(parameters: tuple[Parameter, ...]) -> str:
    _, query = _taken(parameters)
    return "{ " + ", ".join(f"{one.name}: options.{camel(one.name)}" for one in query) + " }"


def _options_type(parameters: tuple[Parameter, ...]) -> str:
    _, query = _taken(parameters)
    fields = "; ".join(f"{camel(one.name)}?: {typescript_type(one.type)}" for one in query)
    return f"{{ {fields} }}"


def _typed_signature(parameters: tuple[Parameter, ...]) -> str:
    names = [f"{camel(one.name)}: {typescript_type(one.type)}" for one in parameters if one.in_path]
    _, query = _taken(parameters)
    options = [f"options?: {_options_type(parameters)}"] if query else []
    return ", ".join([*names, *options])


def _question(operation: Operation) -> str:
    _, query = _taken(operation.parameters)
    given = _query(operation.parameters) if query else "{}"
    return (
        f"{_comment(operation.words + '.', '  ')}"
        f"  {camel(operation.name)}({_signature(operation.parameters)}) {{\n"
        f"    return this.ask({json.dumps(operation.method)}, "
        f"{_target(operation.path, operation.parameters)}, {given});\n  }}"
    )


def _question_declaration(operation: Operation) -> str:
    return (
        f"{_comment(operation.words + '.', '  ')}"
        f"  {camel(operation.name)}({_typed_signature(operation.parameters)}): "
        f"Promise<{typescript_type(operation.answer)}>;"
    )


def _socket_path(socket: Socket) -> str:
    by_path = any(one.in_path for one in socket.parameters)
    return f"{socket.path}/{{symbol}}" if by_path else socket.path


def _stream(socket: Socket) -> str:
    head = f"export class {class_name(socket.name)}Stream extends TerminalStream {{"
    lines = [_comment(socket.words) + head]
    for request in socket.requests:
        fields = "fields" if request.fields else ""
        spread = ", ...fields" if fields else ""
        lines.append(
            f"{_comment(request.words, '  ')}  {camel(str(request.tag))}({fields}) {{\n"
            f"    this.request({{ type: {json.dumps(request.tag)}{spread} }});\n  }}"
        )
    return "\n".join([*lines, "}"])


def _stream_declaration(socket: Socket) -> str:
    name = class_name(socket.name)
    lines = []
    kind = "string"
    if socket.answers:
        kind = f"{name}Message"
        lines.append(f"export type {kind} = {' | '.join(one.name for one in socket.answers)};\n")
    lines.append(
        f"{_comment(socket.words)}export class {name}Stream extends TerminalStream<{kind}> {{"
    )
    for request in socket.requests:
        taken = f'fields: Omit<{request.name}, "type">' if request.fields else ""
        words = _comment(request.words, "  ")
        lines.append(f"{words}  {camel(str(request.tag))}({taken}): void;")
    return "\n".join([*lines, "}"])


def _watch(socket: Socket) -> str:
    _, query = _taken(socket.parameters)
    given = _query(socket.parameters) if query else "{}"
    known = json.dumps(sorted(REMEMBERED & {str(one.tag) for one in socket.requests}))
    name = class_name(socket.name)
    return (
        f"{_comment(socket.words, '  ')}"
        f"  watch{name}({_signature(socket.parameters)}) {{\n"
        f"    const path = {_target(_socket_path(socket), socket.parameters)};\n"
        f"    return new {name}Stream(this, path, {given}, {known}, "
        f"{json.dumps(not socket.answers)});\n  }}"
    )


def _watch_declaration(socket: Socket) -> str:
    name = class_name(socket.name)
    return (
        f"{_comment(socket.words, '  ')}"
        f"  watch{name}({_typed_signature(socket.parameters)}): {name}Stream;"
    )
