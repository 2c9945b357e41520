// Embedding by another service than Workers AI: what must be said of it.

import type { CollectionSettings } from '$ipc/generated/domain';

/** What is wrong with the service as it is written down. */
export function providerFaults({
  providerUrl,
  embeddingModel,
}: Pick<CollectionSettings, 'providerUrl' | 'embeddingModel'>): ('address' | 'model')[] {
  if (providerUrl === null) return [];
  const faults: ('address' | 'model')[] = [];
  // Within one's own network plain HTTP is usual; any other name needs TLS, for the key's and the passages' sake.
  const own =
    /^http:\/\/(localhost|[^\s/:]+\.local|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/i;
  if (!own.test(providerUrl) && !/^https:\/\/[^\s/]+/i.test(providerUrl)) faults.push('address');
  if (embeddingModel.trim() === '' || embeddingModel.startsWith('@cf/')) faults.push('model');
  return faults;
}
