// The endpoints of the server, from its own description, each with a body to begin with.
import { get } from '../../lib/api.js';

// What a field is filled with where the description has no example. `model` is replaced by one that is there.
const SAMPLES = {
  input: 'The sky is blue.', prompt: 'Why is the sky blue?', text: 'How many tokens is this?', tokens: [1, 2, 3], query: 'What is a panda?',
  documents: ['Hello.', 'The giant panda is a bear.'], source: 'pocket', destination: 'pocket-copy', max_tokens: 100,
  messages: [{ role: 'user', content: 'What is the capital city of Peru?' }], from: 'pocket', modelfile: 'FROM pocket\n', name: 'alice', models: ['pocket'],
};
const MORE = { '/api/create': { from: 'pocket', system: 'Be brief.' }, '/api/verify': { models: ['pocket'] } };
const EMBEDDERS = ['/api/embed', '/api/embeddings', '/v1/embeddings'];
const RERANKERS = ['/api/rerank', '/v1/rerank', '/v2/rerank'];

// [{ id, tag, method, path, summary, kind, fields, example, streams(body) }] in the order of the description.
export async function loadEndpoints() {
  const document = await get('/openapi.json');
  return document.tags.flatMap(({ name }) => Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).filter(([, operation]) => operation.tags.includes(name)).map(([method, operation]) => endpoint(name, path, method.toUpperCase(), operation, document))));
}

function endpoint(tag, path, method, operation, document) {
  const [[type, content] = []] = Object.entries(operation.requestBody?.content ?? {});
  const kinds = { 'application/json': 'json', 'application/octet-stream': 'bytes', 'multipart/form-data': 'form' };
  const answers = Object.keys(operation.responses['200'].content ?? {});
  return {
    id: `${method} ${path}`, tag, method, path, summary: operation.summary, kind: kinds[type] ?? '',
    fields: content ? fieldsOf(content.schema, document) : [],
    example: content?.example ?? exampleOf(content?.schema, path),
    // Ollama's paths stream unless they are told not to, the others when they are told to.
    streams: (body) => (answers.includes('application/x-ndjson') && answers.length > 1 && body?.stream !== false)
      || (answers.includes('text/event-stream') && body?.stream === true),
  };
}

function exampleOf(schema, path) {
  if (!schema) return null;
  return { ...Object.fromEntries((schema.required ?? []).map((field) => [field, field === 'model' ? 'pocket' : SAMPLES[field] ?? ''])), ...MORE[path] };
}

// { name, description } of each field that the body may have.
function fieldsOf(schema, document) {
  const whole = schema.allOf?.[0] ?? schema;
  const found = whole.$ref ? document.components.schemas[whole.$ref.split('/').at(-1)] : whole;
  return Object.entries(found.properties ?? {}).map(([name, field]) => ({ name, description: field.description ?? '', required: schema.required?.includes(name) ?? false }));
}

// The example with a model that the server has and that can do what the path asks.
export function exampleFor({ path, example }, models) {
  if (!example || !('model' in example)) return example;
  const able = (capability) => models.find((model) => model.capabilities?.includes(capability))?.name;
  const wanted = EMBEDDERS.includes(path) ? able('embedding') : RERANKERS.includes(path) ? able('rerank') : able('completion');
  const own = ['/api/pull', '/api/pulls', '/api/push'].includes(path) ? 'pocket' : path === '/api/create' ? 'my-model' : undefined;
  return { ...example, model: own ?? wanted ?? example.model };
}
