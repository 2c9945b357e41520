// The models that draw in the scripted backend: what each takes and costs, and the words that ask for a picture.

import type { PictureForm, PictureRequest } from '../generated/domain';

/** What is assumed of a model that is not known, and the ground of the others. */
const plain: Omit<PictureForm, 'model'> = {
  maxPrompt: null,
  size: { min: 256, max: 2048, step: 8, default: null },
  defaultSize: [1024, 1024],
  steps: { min: 1, max: 20, step: 1, default: 20 },
  guidance: { min: 0, max: 20, step: 0.1, default: 7.5 },
  negativePrompt: true,
  seed: true,
  references: 0,
  needsReference: false,
  imageToImage: false,
  inpainting: false,
  live: false,
};

/** The common set of the Stable Diffusion family. */
const diffusion: Partial<PictureForm> = { references: 1, imageToImage: true, inpainting: true };

/** What each model takes, as the table of the crate `workers-ai` has it (`images/form.rs`). */
const forms: Record<string, Partial<PictureForm>> = {
  'flux-1-schnell': {
    maxPrompt: 2048,
    size: null,
    steps: { min: 1, max: 8, step: 1, default: 4 },
    guidance: null,
    negativePrompt: false,
    seed: false,
  },
  'flux-2-klein-4b': {
    size: { min: 256, max: 1920, step: 16, default: null },
    steps: null,
    guidance: null,
    negativePrompt: false,
    references: 4,
  },
  'dreamshaper-8-lcm': diffusion,
  'stable-diffusion-v1-5-img2img': { ...diffusion, defaultSize: [512, 512], needsReference: true },
  'stable-diffusion-v1-5-inpainting': {
    ...diffusion,
    defaultSize: [512, 512],
    needsReference: true,
    needsMask: true,
  },
  'lucid-origin': {
    size: { min: 256, max: 2500, step: 8, default: null },
    defaultSize: [1120, 1120],
    steps: { min: 1, max: 40, step: 1, default: 25 },
    guidance: { min: 0, max: 10, step: 0.1, default: 4.5 },
    negativePrompt: false,
  },
};

export const drawers = [
  '@cf/black-forest-labs/flux-1-schnell',
  '@cf/black-forest-labs/flux-2-klein-4b',
  '@cf/lykon/dreamshaper-8-lcm',
];

export const formOf = (model: string): PictureForm => ({
  ...plain,
  model,
  ...forms[model.slice(model.lastIndexOf('/') + 1)],
});

/** The picture that a message asks for, without the options that the engine reads behind it. */
export const pictureWanted = (message: string): string | undefined =>
  /^(?:画|\/image\b|\/draw\b)\s*(.+)/su.exec(message)?.[1];

/** By the published prices; null for a model without one. */
export function price({ model, width, height, steps }: PictureRequest): number | null {
  const tiles = Math.ceil((width ?? 1024) / 512) * Math.ceil((height ?? 1024) / 512);
  switch ((model ?? drawers[0]!).split('/').at(-1)) {
    case 'flux-1-schnell':
      return tiles * 4.8 + (steps ?? 4) * 9.6;
    case 'flux-2-klein-4b':
      return tiles * 26.05;
    case 'lucid-origin':
      return tiles * 636;
    default:
      return null;
  }
}

export const noPictureRequest: PictureRequest = {
  model: null,
  prompt: '',
  negativePrompt: null,
  width: null,
  height: null,
  steps: null,
  guidance: null,
  seed: null,
  count: 1,
  references: [],
  strength: null,
  mask: null,
  conversation: null,
};
