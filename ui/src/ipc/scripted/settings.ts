// Settings that last as long as the page.

import type { Settings } from '../generated/domain';

export const noParameters = {
  temperature: null,
  topP: null,
  topK: null,
  maxTokens: null,
  seed: null,
  frequencyPenalty: null,
  presencePenalty: null,
  repetitionPenalty: null,
  reasoningEffort: null,
  stop: [],
  json: false,
  jsonSchema: null,
};

const defaultSettings: Settings = {
  locale: null,
  theme: 'system',
  zoom: 1,
  sendWithModifier: false,
  showAnswerInfo: true,
  makeTitles: true,
  longPaste: 4000,
  chatModel: null,
  titleModel: null,
  imageModel: null,
  embeddingModel: null,
  favouriteModels: ['@cf/zai-org/glm-4.7-flash', '@cf/meta/llama-4-scout-17b-16e-instruct'],
  systemPrompt: null,
  softCap: null,
  hardCap: null,
  proxy: null,
  customCa: null,
  connectTimeoutS: 10,
  firstByteTimeoutS: 120,
  idleTimeoutS: 90,
  pictureWords: true,
  stripMetadata: false,
  largestDocumentMib: 256,
  readingMemoryMib: 1024,
  readingCpuS: 20,
  readingWallS: 30,
  keys: {},
  sidebarHidden: false,
  sidebarWidth: 264,
};

export class ScriptedSettings {
  /** As they were saved. */
  saved: Settings;

  constructor(theme: Settings['theme']) {
    this.saved = { ...defaultSettings, theme };
  }

  settings = async (): Promise<Settings> => ({ ...this.saved });

  async saveSettings(settings: Settings): Promise<Settings> {
    this.saved = structuredClone(settings);
    return { ...this.saved };
  }
}
