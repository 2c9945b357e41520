// The names of parameters as the run settings show them, by their names on the wire.

import { m } from '$i18n';

const names: Record<string, () => string> = {
  temperature: () => m.param_temperature(),
  top_p: () => m.param_topP(),
  top_k: () => m.param_topK(),
  max_tokens: () => m.param_maxTokens(),
  seed: () => m.param_seed(),
  frequency_penalty: () => m.param_frequency(),
  presence_penalty: () => m.param_presence(),
  repetition_penalty: () => m.param_repetition(),
  reasoning_effort: () => m.param_effort(),
  stop: () => m.param_stop(),
};

/** One after the other; one that has no name here is called what it is on the wire. */
export const parameterNames = (keys: readonly string[]): string => keys.map((key) => names[key]?.() ?? key).join(', ');
