// A shelf of models for the scripted backend: one of each kind the window treats differently.

import type { Model, Price } from '../generated/domain';

const perMillion = (input: number, output: number, cached?: number): Price[] => [
  { unit: 'per M input tokens', usd: input, neurons: Math.round(input / 0.000011) },
  { unit: 'per M output tokens', usd: output, neurons: Math.round(output / 0.000011) },
  ...(cached === undefined
    ? []
    : [{ unit: 'per M cached input tokens', usd: cached, neurons: Math.round(cached / 0.000011) }]),
];

function model(id: string, what: Partial<Model>): Model {
  const [, author = '', name = ''] = id.split('/');
  return {
    id,
    name,
    author,
    task: 'textGeneration',
    description: '',
    contextWindow: null,
    maxOutput: null,
    tools: false,
    reasoning: false,
    reasoningEfforts: [],
    vision: false,
    lora: false,
    paidOnly: false,
    beta: false,
    chat: (what.task ?? 'textGeneration') === 'textGeneration',
    prices: [],
    retiresOn: null,
    retired: false,
    replacement: null,
    terms: null,
    outputDimensions: null,
    ...what,
  };
}

export const models: Model[] = [
  model('@cf/zai-org/glm-4.7-flash', {
    description: 'Fast multilingual model with a long context, tuned for dialogue and tool calling.',
    contextWindow: 131072,
    tools: true,
    reasoning: true,
    reasoningEfforts: ['off', 'low', 'medium', 'high'],
    prices: perMillion(0.06, 0.4),
  }),
  model('@cf/openai/gpt-oss-120b', {
    description: "OpenAI's open-weight model for production, general purpose and high reasoning use.",
    contextWindow: 128000,
    tools: true,
    reasoning: true,
    reasoningEfforts: ['low', 'medium', 'high'],
    prices: perMillion(0.35, 0.75),
  }),
  model('@cf/openai/gpt-oss-20b', {
    description: "OpenAI's smaller open-weight model, for lower latency.",
    contextWindow: 128000,
    tools: true,
    reasoning: true,
    reasoningEfforts: ['low', 'medium', 'high'],
    prices: perMillion(0.2, 0.3),
  }),
  model('@cf/meta/llama-4-scout-17b-16e-instruct', {
    description: 'A natively multimodal mixture of experts with 17 billion active parameters.',
    contextWindow: 131000,
    tools: true,
    vision: true,
    prices: perMillion(0.27, 0.85),
    terms: 'https://www.llama.com/llama4/license/',
  }),
  model('@cf/meta/llama-3.3-70b-instruct-fp8-fast', {
    description: 'Llama 3.3 70B quantised to fp8 precision, optimised to be faster.',
    contextWindow: 24000,
    tools: true,
    prices: perMillion(0.293, 2.253),
  }),
  model('@cf/mistralai/mistral-small-3.1-24b-instruct', {
    description: 'Adds vision understanding and long context without giving up text performance.',
    contextWindow: 128000,
    tools: true,
    vision: true,
    prices: perMillion(0.351, 0.555),
  }),
  model('@cf/moonshotai/kimi-k2.6', {
    description: 'A frontier open model for agents and long work.',
    contextWindow: 262144,
    tools: true,
    reasoning: true,
    vision: true,
    paidOnly: true,
    prices: perMillion(0.95, 4, 0.16),
  }),
  model('@cf/qwen/qwen3-30b-a3b-fp8', {
    description: 'The newest generation of Qwen, a mixture of experts that thinks in many languages.',
    contextWindow: 32768,
    tools: true,
    reasoning: true,
    prices: perMillion(0.051, 0.335),
  }),
  model('@cf/google/gemma-3-12b-it', {
    description: 'Multimodal, handles text and image input, in more than 140 languages.',
    contextWindow: 80000,
    vision: true,
    lora: true,
    prices: perMillion(0.345, 0.556),
    retiresOn: '2027-02-15',
    replacement: '@cf/zai-org/glm-4.7-flash',
  }),
  model('@cf/meta/llama-2-7b-chat-fp16', {
    description: 'Full precision generative text model of an earlier generation.',
    contextWindow: 4096,
    prices: perMillion(0.556, 6.667),
    retiresOn: '2026-05-30',
    retired: true,
    replacement: '@cf/zai-org/glm-4.7-flash',
  }),
  model('@cf/baai/bge-m3', {
    task: 'textEmbeddings',
    description: 'Multilingual embeddings for more than 100 languages and long inputs.',
    contextWindow: 8192,
    outputDimensions: 1024,
    prices: [{ unit: 'per M input tokens', usd: 0.012, neurons: 1075 }],
  }),
  model('@cf/baai/bge-reranker-base', {
    task: 'textClassification',
    description: 'Scores how well a passage answers a question.',
    prices: [{ unit: 'per M input tokens', usd: 0.003, neurons: 283 }],
  }),
  model('@cf/black-forest-labs/flux-1-schnell', {
    task: 'textToImage',
    description: 'A 12 billion parameter rectified flow transformer that makes pictures from text.',
    prices: [
      { unit: 'per 512 by 512 tile', usd: 0.0000528, neurons: 4.8 },
      { unit: 'per step', usd: 0.0001056, neurons: 9.6 },
    ],
  }),
  model('@cf/black-forest-labs/flux-2-klein-4b', {
    task: 'textToImage',
    description: 'Makes and edits pictures, with up to four reference pictures.',
    prices: [{ unit: 'per 512 by 512 output tile', usd: 0.000287, neurons: 26.05 }],
  }),
  model('@cf/lykon/dreamshaper-8-lcm', {
    task: 'textToImage',
    description: 'A fast Stable Diffusion model for illustration and photography.',
    beta: true,
  }),
  model('@cf/runwayml/stable-diffusion-v1-5-img2img', {
    task: 'textToImage',
    description: 'Changes a given picture by a prompt.',
    beta: true,
  }),
  model('@cf/runwayml/stable-diffusion-v1-5-inpainting', {
    task: 'textToImage',
    description: 'Repaints a marked part of a picture.',
    beta: true,
  }),
  model('@cf/leonardo/lucid-origin', {
    task: 'textToImage',
    description: 'Pictures with sharp graphic design and accurate text.',
    paidOnly: true,
    prices: [{ unit: 'per 512 by 512 tile', usd: 0.006996, neurons: 636 }],
  }),
  model('@cf/openai/whisper-large-v3-turbo', {
    task: 'speechRecognition',
    description: 'Automatic speech recognition and translation.',
    prices: [{ unit: 'per audio minute', usd: 0.00051, neurons: 46.63 }],
  }),
  model('@cf/deepgram/aura-2-en', {
    task: 'textToSpeech',
    description: 'Natural speech for agents, with pacing that follows the context.',
    prices: [{ unit: 'per 1k characters', usd: 0.03, neurons: 2727 }],
  }),
  model('@cf/meta/m2m100-1.2b', {
    task: 'translation',
    description: 'Many-to-many multilingual translation.',
    prices: [{ unit: 'per M input tokens', usd: 0.342, neurons: 31050 }],
  }),
  model('@cf/facebook/bart-large-cnn', {
    task: 'summarization',
    description: 'Summaries of news articles.',
    beta: true,
  }),
];
