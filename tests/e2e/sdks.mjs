// OpenAI's and Anthropic's own SDKs at a gateway: `node sdks.mjs PACKAGES URL DOOR…`, with the packages of
// `tools/aside.py sdks`.
//
// Prints one JSON object: what was asked for, in which dialect, through which door -> "ok", or the complaint.

import { createRequire } from 'node:module';

const [packages, url, ...doors] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const { z } = require('zod');
const { OpenAI } = require('openai');
const { zodResponseFormat, zodTextFormat } = require('openai/helpers/zod');
const { Anthropic } = require('@anthropic-ai/sdk');
const { zodOutputFormat } = require('@anthropic-ai/sdk/helpers/zod');
const { betaZodTool } = require('@anthropic-ai/sdk/helpers/beta/zod');

const openai = new OpenAI({ apiKey: 'any', baseURL: `${url}/v1`, maxRetries: 0 });
const anthropic = new Anthropic({ apiKey: 'any', baseURL: url, maxRetries: 0 });

const PLACE = z.object({ name: z.string(), people: z.int() });
const ASKED = z.object({ city: z.string(), days: z.int() });
const WEATHER = {
  name: 'get_weather', description: 'Weather.', strict: true,
  parameters: { ...z.toJSONSchema(ASKED), additionalProperties: false },
};
const weather = ({ city }) => `${city}: 21 °C`;
const hello = [{ role: 'user', content: 'Hello' }];
const stateless = { store: false, include: ['reasoning.encrypted_content'] };

function expect(holds, found) {
  if (!holds) throw new Error(`found ${JSON.stringify(found)}`);
}

const told = (text, calls) => expect(text?.split(': 21 ').length === calls + 1, text);
const placed = (place) => expect(place?.name === 'Zürich' && place.people === 7, place);

function failure(asked) {
  return asked.then((found) => { throw new Error(`no error but ${JSON.stringify(found)}`); }, (error) => error);
}

function limited(error, kind) {
  expect(error instanceof kind && error.status === 429 && error.headers.get('retry-after') === '1', `${error}`);
}

function respond(input, model, more = {}) {
  return openai.responses.stream({ model, input, ...stateless, ...more }).finalResponse();
}

async function respondWithTools(model, calls) {
  const input = [...hello];
  const tools = [{ type: 'function', ...WEATHER }];
  let response = await respond(input, model, { tools, reasoning: { effort: 'high', summary: 'auto' } });
  const asked = response.output.filter((item) => item.type === 'function_call');
  expect(asked.length === calls, response.output);
  const answered = asked.map((call) => ({
    type: 'function_call_output', call_id: call.call_id, output: weather(JSON.parse(call.arguments)),
  }));
  const said = response.output.map(({ parsed_arguments, ...item }) => item);
  response = await respond([...input, ...said, ...answered], model, { tools });
  told(response.output_text, calls);
  return said;
}

const message = (model) => ({ model, max_tokens: 4096, messages: hello });
const runnable = betaZodTool({ name: 'get_weather', description: 'Weather.', inputSchema: ASKED, run: weather });

const CASES = {
  chat: {
    async whole(model) {
      const { choices: [{ message }], usage } = await openai.chat.completions.create({ model: model('plain'), messages: hello });
      expect(message.content.includes('👋🏽') && usage.prompt_tokens === 1000, [message, usage]);
    },
    async stream(model) {
      const stream = openai.chat.completions.stream({ model: model('plain'), messages: hello, stream_options: { include_usage: true } });
      expect((await stream.finalContent()).includes('👋🏽') && (await stream.totalUsage()).prompt_tokens === 1000, 'no usage');
    },
    async tools(model) {
      const tool = { type: 'function', function: { ...WEATHER, function: weather, parse: JSON.parse } };
      for (const stream of [false, true]) {
        const runner = openai.chat.completions.runTools({ model: model('parallel'), messages: hello, tools: [tool], stream });
        told(await runner.finalContent(), 2);
      }
    },
    async object(model) {
      const asked = { model: model('structured'), messages: hello, response_format: zodResponseFormat(PLACE, 'place') };
      placed((await openai.chat.completions.parse(asked)).choices[0].message.parsed);
      placed((await openai.chat.completions.stream(asked).finalChatCompletion()).choices[0].message.parsed);
    },
    async limit(model) {
      limited(await failure(openai.chat.completions.create({ model: model('error-429'), messages: hello })), OpenAI.RateLimitError);
    },
    async 'broken stream'(model) {
      await failure(openai.chat.completions.stream({ model: model('cut'), messages: hello }).finalContent());
    },
  },
  responses: {
    async whole(model) {
      const { output_text, usage } = await openai.responses.create({ model: model('plain'), input: 'Hello' });
      expect(output_text.includes('👋🏽') && usage.input_tokens === 1000, [output_text, usage]);
    },
    async stream(model) {
      const { output_text, usage } = await respond('Hello', model('plain'));
      expect(output_text.includes('👋🏽') && usage.input_tokens === 1000, [output_text, usage]);
    },
    async tools(model) {
      await respondWithTools(model('parallel'), 2);
    },
    async thought(model) {
      const said = await respondWithTools(model('think-tool'), 1);
      expect(said.some((item) => item.type === 'reasoning'), said);
    },
    async object(model) {
      const asked = { model: model('structured'), input: 'Hello', text: { format: zodTextFormat(PLACE, 'place') } };
      placed((await openai.responses.parse(asked)).output_parsed);
      placed((await openai.responses.stream(asked).finalResponse()).output_parsed);
    },
    async limit(model) {
      limited(await failure(openai.responses.create({ model: model('error-429'), input: 'Hello' })), OpenAI.RateLimitError);
    },
    async 'broken stream'(model) {
      const { status, error } = await respond('Hello', model('cut')); // which raises only where nothing ends the stream
      expect(status === 'failed' && error.code === 'server_error', [status, error]);
    },
  },
  messages: {
    async whole(model) {
      const { content: [{ text }], usage } = await anthropic.messages.create(message(model('plain')));
      expect(text.includes('👋🏽') && usage.output_tokens > 0, [text, usage]);
      const { input_tokens } = await anthropic.messages.countTokens({ model: model('plain'), messages: hello });
      expect(input_tokens > 0, input_tokens);
    },
    async stream(model) {
      const stream = anthropic.messages.stream(message(model('plain')));
      const { usage } = await stream.finalMessage();
      expect((await stream.finalText()).includes('👋🏽') && usage.output_tokens > 0, usage);
    },
    async tools(model) {
      for (const stream of [false, true]) {
        const runner = anthropic.beta.messages.toolRunner({ ...message(model('parallel')), tools: [runnable], stream });
        for await (const turn of runner) if (stream) for await (const _ of turn);
        told((await runner.done()).content.at(-1).text, 2);
      }
    },
    async thought(model) {
      const thinking = { type: 'enabled', budget_tokens: 2048 };
      const runner = anthropic.beta.messages.toolRunner({ ...message(model('think-tool')), tools: [runnable], thinking });
      const turns = [];
      for await (const turn of runner) turns.push(turn);
      told(turns.at(-1).content.at(-1).text, 1);
      expect(turns[0].content[0].thinking?.includes('First I look'), turns[0].content);
    },
    async object(model) {
      const asked = { ...message(model('structured')), output_config: { format: zodOutputFormat(PLACE) } };
      placed((await anthropic.messages.parse(asked)).parsed_output);
      placed((await anthropic.messages.stream(asked).finalMessage()).parsed_output);
    },
    async limit(model) {
      limited(await failure(anthropic.messages.create(message(model('error-429')))), Anthropic.RateLimitError);
    },
    async 'broken stream'(model) {
      await failure(anthropic.messages.stream(message(model('cut'))).finalMessage());
    },
  },
};

const verdicts = {};
const complaint = (error) => `${error.name}: ${error.message}`.slice(0, 500);
const all = doors.flatMap((door) => Object.entries(CASES).flatMap(([dialect, cases]) =>
  Object.entries(cases).map(([name, run]) => [`${name}, ${dialect}, ${door}`, run, door])));
await Promise.all(all.map(async ([name, run, door]) => {
  verdicts[name] = await run((script) => `${door}/${script}`).then(() => 'ok', complaint);
}));
console.log(JSON.stringify(verdicts));
