// Calls of tools: what the model asks for, and a place for the results that it waits for.
import { html, useState } from '../../lib/html.js';
import { t } from '../../lib/i18n.js';
import { Icon } from '../icon.js';

// `asks`: nobody has answered the calls yet.
export function ToolCalls({ message, conversation, asks }) {
  const calls = message.data.tool_calls.map(({ function: call }) => call);
  const [results, setResults] = useState(() => calls.map(() => ''));
  const submit = (event) => {
    event.preventDefault();
    conversation.giveResults(message, calls.map(({ name }, index) => ({ name, content: results[index] })));
  };
  return html`<form class="calls" onSubmit=${submit}>
    ${calls.map((call, index) => html`<div class="card call">
      <div class="row"><${Icon} name="tool" size=${15} /><strong>${call.name}</strong></div>
      <pre>${JSON.stringify(call.arguments, null, 2)}</pre>
      ${asks && html`<textarea rows="2" aria-label=${t('chat.tool.result', { name: call.name })} placeholder=${t('chat.tool.result', { name: call.name })}
        value=${results[index]} onInput=${(event) => setResults(results.with(index, event.currentTarget.value))}></textarea>`}
    </div>`)}
    ${asks && html`<div class="actions"><button class="primary">${t('chat.tool.send')}</button></div>`}
  </form>`;
}

export function ToolResult({ message }) {
  return html`<details class="card call" open><summary class="row"><${Icon} name="tool" size=${15} />${t('chat.tool.of', { name: message.data?.tool_name ?? '' })}</summary>
    <pre>${message.content}</pre></details>`;
}
