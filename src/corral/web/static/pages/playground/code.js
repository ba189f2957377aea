// A request as a program: curl, Python, JavaScript, Java. Pure functions of what would be sent.
//
// `request` is { method, url, kind, body, file, fields, streams, needsKey }: `kind` is 'json', 'bytes', 'form' or ''; `body` the
// decoded JSON; `file` the name of a file that is sent; `fields` the texts of a form. Keys come from the environment, so
// that no secret gets into a program.

// [{ key, label, language, code }], those that fit the request.
export function snippets(request) {
  const found = [
    { key: 'curl', label: 'curl', language: 'bash', code: curl(request) },
    { key: 'ollama', label: 'Python · ollama', language: 'python', code: ollamaPython(request) },
    { key: 'openai', label: 'Python · openai', language: 'python', code: openaiPython(request) },
    { key: 'requests', label: 'Python · requests', language: 'python', code: requestsPython(request) },
    { key: 'javascript', label: 'JavaScript', language: 'typescript', code: javascript(request) },
    { key: 'java', label: 'Java', language: 'java', code: java(request) },
  ];
  return found.filter(({ code }) => code !== null);
}

const pretty = (value) => JSON.stringify(value, null, 2);
const indented = (text, by) => text.replace(/\n/g, `\n${' '.repeat(by)}`);
const lines = (...parts) => `${parts.flat().filter((part) => part !== null && part !== false).join('\n')}\n`;

// curl

const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
// JSON as people write it, unless a line of it is "@…", which curl would take for a file.
const dataOf = (body) => `-d ${shell(pretty(body))}`;

function curl({ method, url, kind, body, file, fields, streams, needsKey }) {
  const flags = [
    method === 'HEAD' ? '-I' : method !== 'GET' && !(method === 'POST' && kind) && `-X ${method}`,
    streams && '-N',
  ].filter(Boolean).join(' ');
  const rest = [
    needsKey && '-H "Authorization: Bearer $CORRAL_API_KEY"',
    kind === 'json' && `-H 'Content-Type: application/json'`,
    kind === 'json' && dataOf(body),
    kind === 'bytes' && `-H 'Content-Type: application/octet-stream'`,
    kind === 'bytes' && `-X ${method} -T ${shell(file)}`,
    ...(kind === 'form' ? [...Object.entries(fields).map(([name, value]) => `--form-string ${shell(`${name}=${value}`)}`), `-F ${shell(`file=@${file}`)}`] : []),
  ].filter(Boolean);
  return `${['curl', flags, shell(url)].filter(Boolean).join(' ')}${rest.map((part) => ` \\\n  ${part}`).join('')}\n`;
}

// Python

// A value of JSON as Python writes it.
function python(value, depth = 0) {
  const pad = '    '.repeat(depth + 1);
  const end = '    '.repeat(depth);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return pythonText(value);
  if (typeof value !== 'object') return String(value);
  const items = Array.isArray(value) ? value.map((item) => python(item, depth + 1))
    : Object.entries(value).map(([key, item]) => `${pythonText(key)}: ${python(item, depth + 1)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (!items.length) return open + close;
  const line = `${open}${items.join(', ')}${close}`;
  return line.length < 70 && !line.includes('\n') ? line : `${open}\n${items.map((item) => `${pad}${item},\n`).join('')}${end}${close}`;
}

// JSON's escapes are Python's but for pairs of surrogates, which JSON.stringify leaves as they are, and lone ones.
const pythonText = (text) => JSON.stringify(text).replace(/\u007f|\u2028|\u2029/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

function requestsPython({ method, url, kind, body, file, fields, streams, needsKey }) {
  const call = [
    kind === 'json' && 'json=body',
    kind === 'bytes' && 'data=file',
    kind === 'form' && `data=${python(fields)}, files={"file": file}`,
    needsKey && 'headers=headers',
    streams && 'stream=True',
  ].filter(Boolean);
  const send = `requests.request(${[pythonText(method), pythonText(url), ...call].join(', ')})`;
  const show = streams ? ['for line in answer.iter_lines():', '    if line:', '        print(line.decode())']
    : method === 'HEAD' ? ['print(answer.status_code)'] : ['print(answer.text)'];
  const work = [`answer = ${send}`, 'answer.raise_for_status()', ...show];
  const opened = kind === 'bytes' || kind === 'form';
  return lines(
    needsKey && 'import os\n', 'import requests\n',
    needsKey && 'headers = {"Authorization": f"Bearer {os.environ[\'CORRAL_API_KEY\']}"}',
    kind === 'json' && `body = ${python(body)}`,
    opened ? [`with open(${pythonText(file)}, "rb") as file:`, ...work.map((line) => `    ${line}`)] : work,
  );
}

// Method of ollama's client, what shows its answer, what shows a piece of a stream, and the fields it takes.
const COMMON = ['model', 'stream', 'format', 'options', 'keep_alive', 'think'];
const OLLAMA = {
  'POST /api/chat': ['chat', 'answer.message.content', [...COMMON, 'messages', 'tools', 'logprobs', 'top_logprobs']],
  'POST /api/generate': ['generate', 'answer.response', [...COMMON, 'prompt', 'suffix', 'system', 'template', 'context', 'raw', 'images', 'logprobs', 'top_logprobs']],
  'POST /api/embed': ['embed', 'answer.embeddings', ['model', 'input', 'truncate', 'options', 'keep_alive', 'dimensions']],
  'POST /api/show': ['show', 'answer', ['model']],
  'POST /api/copy': ['copy', 'answer', ['source', 'destination']],
  'DELETE /api/delete': ['delete', 'answer', ['model']],
  'POST /api/pull': ['pull', 'answer.status', ['model', 'insecure', 'stream']],
  'POST /api/push': ['push', 'answer.status', ['model', 'insecure', 'stream']],
  'POST /api/create': ['create', 'answer.status', ['model', 'from', 'files', 'adapters', 'template', 'license', 'system', 'parameters', 'messages', 'quantize', 'stream']],
  'GET /api/tags': ['list', 'answer', []],
  'GET /api/ps': ['ps', 'answer', []],
};

function ollamaPython({ method, url, kind, body, streams, needsKey }) {
  const { origin, pathname, search } = new URL(url);
  const found = OLLAMA[`${method} ${pathname}`];
  if (!found || search) return null;
  const [name, shown, fields] = found;
  if (kind === 'json' && Object.keys(body).some((field) => !fields.includes(field))) return null;
  // "from" is a word of Python's own: the library calls it from_.
  const entries = Object.entries(kind === 'json' ? body : {}).filter(([field]) => field !== 'stream').map(([field, value]) => [field === 'from' ? 'from_' : field, value]);
  const told = [...entries.map(([field, value]) => `${field}=${python(value, 1)}`), streams && 'stream=True'].filter(Boolean);
  const args = told.length ? `\n${told.map((one) => `    ${one},\n`).join('')}` : '';
  const headers = needsKey ? `, headers={"Authorization": f"Bearer {os.environ['CORRAL_API_KEY']}"}` : '';
  const text = shown.endsWith('content') || shown.endsWith('response');
  return lines(
    needsKey && 'import os\n', 'from ollama import Client\n',
    `client = Client(host=${pythonText(origin)}${headers})`,
    streams ? [`for part in client.${name}(${args}):`, `    print(${shown.replace('answer', 'part')}${text ? ', end="", flush=True' : ''})`]
      : [`answer = client.${name}(${args})`, `print(${shown})`],
  );
}

// What OpenAI's library does not know goes into extra_body.
const OPENAI = {
  'POST /v1/chat/completions': ['chat.completions.create', 'answer.choices[0].message.content', 'event.choices[0].delta.content or ""'],
  'POST /v1/completions': ['completions.create', 'answer.choices[0].text', 'event.choices[0].text'],
  'POST /v1/embeddings': ['embeddings.create', 'answer.data[0].embedding', ''],
  'POST /v1/responses': ['responses.create', 'answer.output_text', ''],
  'GET /v1/models': ['models.list', 'answer', ''],
};
const CORRALS_OWN = ['options', 'keep_alive', 'num_ctx', 'think'];

function openaiPython({ method, url, kind, body, streams, needsKey }) {
  const { origin, pathname } = new URL(url);
  const found = OPENAI[`${method} ${pathname}`];
  if (!found) return null;
  const [name, shown, piece] = found;
  const entries = Object.entries(kind === 'json' ? body : {});
  const own = Object.fromEntries(entries.filter(([field]) => CORRALS_OWN.includes(field)));
  const told = entries.filter(([field]) => !CORRALS_OWN.includes(field)).map(([field, value]) => `${field}=${python(value, 1)}`);
  if (Object.keys(own).length) told.push(`extra_body=${python(own, 1)}`);
  const args = told.length ? `\n${told.map((one) => `    ${one},\n`).join('')}` : '';
  const key = needsKey ? "os.environ['CORRAL_API_KEY']" : '"unused"';
  return lines(
    needsKey && 'import os\n', 'from openai import OpenAI\n',
    `client = OpenAI(base_url=${pythonText(`${origin}/v1`)}, api_key=${key})`,
    streams ? [`for event in client.${name}(${args}):`, piece ? ['    if event.choices:', `        print(${piece}, end="", flush=True)`] : '    print(event)'].flat()
      : [`answer = client.${name}(${args})`, `print(${shown})`],
  );
}

// JavaScript: in browsers and in Node alike

function javascript({ method, url, kind, body, file, fields, streams, needsKey }) {
  const headers = [kind === 'json' && `'Content-Type': 'application/json'`, kind === 'bytes' && `'Content-Type': 'application/octet-stream'`,
    needsKey && 'Authorization: `Bearer ${process.env.CORRAL_API_KEY}`'].filter(Boolean);
  const init = [
    method !== 'GET' && `  method: ${JSON.stringify(method)},`,
    headers.length > 0 && `  headers: { ${headers.join(', ')} },`,
    kind === 'json' && `  body: JSON.stringify(${indented(pretty(body), 2)}),`,
    kind === 'bytes' && `  body: await openAsBlob(${JSON.stringify(file)}),`,
    kind === 'form' && '  body: form,',
  ].filter(Boolean);
  const show = streams ? ['const decoder = new TextDecoder();', 'for await (const chunk of answer.body) {', '  console.log(decoder.decode(chunk, { stream: true }));', '}']
    : method === 'HEAD' ? ['console.log(answer.status);'] : ['console.log(await answer.text());'];
  return lines(
    (kind === 'bytes' || kind === 'form') && `import { openAsBlob } from 'node:fs';\n`,
    kind === 'form' && ['const form = new FormData();', ...Object.entries(fields).map(([name, value]) => `form.set(${JSON.stringify(name)}, ${JSON.stringify(value)});`),
      `form.set('file', await openAsBlob(${JSON.stringify(file)}), ${JSON.stringify(file)});`],
    init.length ? [`const answer = await fetch(${JSON.stringify(url)}, {`, ...init, '});'] : `const answer = await fetch(${JSON.stringify(url)});`,
    'if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);',
    show,
  );
}

// Java 17

// In a text block backslashes and three quotes in a row are escaped; what is no text of its own ends the lines.
const textBlock = (text, by) => `"""\n${' '.repeat(by)}${indented(text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"""'), by)}"""`;

function java({ method, url, kind, body, file, streams, needsKey }) {
  if (kind === 'form') return null;
  const publisher = kind === 'json' ? 'HttpRequest.BodyPublishers.ofString(body)'
    : kind === 'bytes' ? `HttpRequest.BodyPublishers.ofFile(Path.of(${JSON.stringify(file)}))` : 'HttpRequest.BodyPublishers.noBody()';
  const type = { json: 'application/json', bytes: 'application/octet-stream' }[kind];
  return lines(
    'import java.net.URI;', 'import java.net.http.HttpClient;', 'import java.net.http.HttpRequest;', 'import java.net.http.HttpResponse;',
    kind === 'bytes' && 'import java.nio.file.Path;',
    '', 'public class Main {', '    public static void main(String[] args) throws Exception {',
    kind === 'json' && `        String body = ${textBlock(pretty(body), 12)};`,
    `        HttpRequest request = HttpRequest.newBuilder(URI.create(${JSON.stringify(url)}))`,
    type && `            .header("Content-Type", "${type}")`,
    needsKey && '            .header("Authorization", "Bearer " + System.getenv("CORRAL_API_KEY"))',
    `            .method("${method}", ${publisher})`, '            .build();',
    '        HttpClient client = HttpClient.newHttpClient();',
    streams ? '        client.send(request, HttpResponse.BodyHandlers.ofLines()).body().forEach(System.out::println);'
      : '        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());',
    !streams && `        System.out.println(${method === 'HEAD' ? 'answer.statusCode()' : 'answer.body()'});`,
    '    }', '}',
  );
}
