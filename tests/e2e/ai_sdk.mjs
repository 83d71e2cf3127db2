// The AI SDK at a gateway: `node ai_sdk.mjs PACKAGES URL DOOR…`, with the packages of `tools/aside.py ai_sdk`.
//
// Prints one JSON object: what was asked for, of which package, through which door -> "ok", or the complaint.

import { createRequire } from 'node:module';

const [packages, url, ...doors] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const { Output, generateText, jsonSchema, stepCountIs, streamText, tool } = require('ai');

globalThis.AI_SDK_LOG_WARNINGS = false;

const SECRET = { apiKey: 'any' };
const FRONTS = {
  responses: require('@ai-sdk/openai').createOpenAI({ ...SECRET, baseURL: `${url}/v1` }),
  chat: require('@ai-sdk/openai-compatible').createOpenAICompatible({
    ...SECRET, name: 'hexapla', baseURL: `${url}/v1`, supportsStructuredOutputs: true,
  }),
  messages: require('@ai-sdk/anthropic').createAnthropic({ ...SECRET, baseURL: `${url}/v1` }),
  gemini: require('@ai-sdk/google').createGoogleGenerativeAI({ ...SECRET, baseURL: `${url}/v1beta` }),
};
const THINKING = {
  openai: { forceReasoning: true, reasoningEffort: 'high', reasoningSummary: 'auto', store: false, include: ['reasoning.encrypted_content'] },
  hexapla: { reasoningEffort: 'high' },
  anthropic: { thinking: { type: 'enabled', budgetTokens: 2048 } },
  google: { thinkingConfig: { thinkingBudget: 2048, includeThoughts: true } },
};

const object = (properties) => jsonSchema({
  type: 'object', properties, required: Object.keys(properties), additionalProperties: false,
});
const weather = tool({
  description: 'Weather.',
  inputSchema: object({ city: { type: 'string' }, days: { type: 'integer' } }),
  execute: ({ city }) => `${city}: 21 °C`,
});
const place = object({ name: { type: 'string' }, people: { type: 'integer' } });

const common = (model) => ({ model, prompt: 'Hello', maxRetries: 0, onError() {} });

function expect(holds, found) {
  if (!holds) throw new Error(`found ${JSON.stringify(found)}`);
}

async function loop(model, calls, more = {}) {
  const told = streamText({ ...common(model), tools: { get_weather: weather }, stopWhen: stepCountIs(4), ...more });
  const text = await told.text;
  expect(text.split(': 21 ').length === calls + 1, text);
  return told.steps;
}

async function failure(model) {
  let error;
  const told = streamText({ ...common(model), onError: (told) => { error = told.error; } });
  await told.consumeStream();
  expect(error, 'no error');
  return error;
}

const CASES = {
  async whole(front, door) {
    const { text, usage } = await generateText(common(front(`${door}/plain`)));
    expect(text.includes('👋🏽') && usage.inputTokens === 1000 && usage.cachedInputTokens === 800, [text, usage]);
  },
  async 'parallel calls'(front, door) {
    await loop(front(`${door}/parallel`), 2);
  },
  async thought(front, door) {
    const [first] = await loop(front(`${door}/think-tool`), 1, { providerOptions: THINKING });
    expect(first.reasoningText?.includes('First I look'), first.reasoningText);
  },
  async object(front, door) {
    const { output } = await generateText({ ...common(front(`${door}/structured`)), output: Output.object({ schema: place }) });
    expect(output.name === 'Zürich' && output.people === 7, output);
  },
  async limit(front, door) {
    const error = await failure(front(`${door}/error-429`));
    expect(error.statusCode === 429 && error.responseHeaders['retry-after'] === '1', error);
  },
  async 'broken stream'(front, door) {
    await failure(front(`${door}/cut`));
  },
};

const told = {};
const complaint = (error) => `${error.name}: ${error.message}`.slice(0, 500);
const all = doors.flatMap((door) => Object.keys(FRONTS).flatMap((front) => Object.keys(CASES).map((name) => [name, front, door])));
await Promise.all(all.map(async ([name, front, door]) => {
  told[`${name}, ${front}, ${door}`] = await CASES[name](FRONTS[front], door).then(() => 'ok', complaint);
}));
console.log(JSON.stringify(told));
