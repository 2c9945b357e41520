// The orders of the catalogue. Models without a figure come last in both directions.

import type { Model } from '$ipc/generated/domain';
import { pricesOf } from '$state/shelf.svelte';

export type SortKey = 'none' | 'name' | 'context' | 'input' | 'output';

const figure: Record<Exclude<SortKey, 'none' | 'name'>, (model: Model) => number | null> = {
  context: (model) => model.contextWindow,
  input: (model) => pricesOf(model).input,
  output: (model) => pricesOf(model).output,
};

export function sortModels(models: readonly Model[], { key, down }: { key: SortKey; down: boolean }): Model[] {
  if (key === 'none') return [...models];
  const sign = down ? -1 : 1;
  if (key === 'name') return [...models].sort((a, b) => sign * a.name.localeCompare(b.name));
  const of = figure[key];
  return [...models].sort((a, b) => {
    const [left, right] = [of(a), of(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * (left - right);
  });
}
