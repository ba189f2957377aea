// A chat as the server's API is asked to answer it.
import { factsOf } from './store.js';

// The body for /api/chat: only what was set, so that the model's own defaults hold.
export function requestBody({ model, system, options = {}, think, keep_alive, format, tools }, path) {
  const messages = path.map(({ role, content, data = {} }) => ({
    role, content: withFiles(content, data.files),
    ...(data.images?.length ? { images: data.images.map((image) => image.data) } : {}),
    ...(data.thinking && role === 'assistant' ? { thinking: data.thinking } : {}),
    ...(data.tool_calls?.length ? { tool_calls: data.tool_calls } : {}),
    ...(data.tool_name ? { tool_name: data.tool_name } : {}),
  }));
  if (system) messages.unshift({ role: 'system', content: system });
  const body = { model, messages, options };
  // Chosen for another model, perhaps: one that cannot think would refuse.
  const canThink = factsOf(model)?.capabilities?.includes('thinking') ?? true;
  if (think !== undefined && think !== '' && canThink) body.think = think;
  if (keep_alive) body.keep_alive = /^-?\d+$/.test(keep_alive) ? Number(keep_alive) : keep_alive;
  if (format) body.format = format;
  if (tools?.length) body.tools = tools;
  return body;
}

function withFiles(content, files = []) {
  const parts = files.map(({ name, text }) => `${name}:\n\`\`\`\n${text}\n\`\`\`\n`);
  return [...parts, content].join('\n');
}
