// The calls of the `ollama` library; prints their results as one JSON object. Usage: node calls.mjs URL
import { Ollama } from 'ollama'

const ollama = new Ollama({ host: process.argv[2] })
const options = { temperature: 0, num_predict: 100 }
const asked = { model: 'peer', think: false, options }
const messages = [{ role: 'user', content: 'capital of peru' }]
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Get the current weather in a given location',
    parameters: {
      type: 'object',
      required: ['location'],
      properties: { location: { type: 'string', description: 'The city' } },
    },
  },
}

async function joined(stream, text) {
  let all = ''
  for await (const part of stream) all += text(part)
  return all
}

async function aborted() {
  const stream = await ollama.chat({
    ...asked,
    messages,
    stream: true,
    format: { type: 'array', items: { enum: [1, 2] }, minItems: 1000 },
    options: { temperature: 0, num_predict: 4000 },
  })
  try {
    for await (const part of stream) stream.abort()
  } catch (error) {
    return error.name
  }
  return 'read to the end'
}

async function failed() {
  try {
    await ollama.chat({ model: 'nope', messages })
  } catch (error) {
    return [error.status_code, error.message]
  }
}

async function managed() {
  await ollama.create({ model: 'js-made', from: 'peer', system: 'Be kind.' })
  await ollama.copy({ source: 'js-made', destination: 'js-copy' })
  await ollama.delete({ model: 'js-made' })
  const names = (await ollama.list()).models.map((model) => model.name)
  await ollama.delete({ model: 'js-copy' })
  return names.filter((name) => name.startsWith('js-'))
}

const call = (await ollama.chat({
  ...asked,
  messages: [{ role: 'user', content: 'Call get_weather with location set to San Francisco.' }],
  tools: [weather],
})).message.tool_calls[0].function

console.log(JSON.stringify({
  chat: (await ollama.chat({ ...asked, messages })).message.content,
  streamed: await joined(await ollama.chat({ ...asked, messages, stream: true }), (part) => part.message.content),
  generated: await joined(
    await ollama.generate({ ...asked, prompt: messages[0].content, stream: true }), (part) => part.response),
  call: [call.name, call.arguments],
  vectors: (await ollama.embed({ model: 'embed', input: ['cat', 'dog'] })).embeddings.length,
  capabilities: (await ollama.show({ model: 'peer' })).capabilities,
  loaded: (await ollama.ps()).models.map((model) => model.name),
  managed: await managed(),
  failed: await failed(),
  aborted: await aborted(),
}))
