// What a scripted backend plays: its scene, and small things that all of its parts need.

import type { DatabaseState, Fault, FaultCode, KeychainState, Settings } from '../generated/domain';
import type { LibraryScene } from './library';

export interface Scenario {
  /** What there is at the start. */
  history?: 'none' | 'some' | 'many' | 'huge';
  account?: 'none' | 'cloudflare' | 'simulator';
  database?: DatabaseState['kind'];
  keychain?: KeychainState;
  passphraseNeeded?: boolean;
  locale?: string;
  theme?: Settings['theme'];
  /** The next answers fail so. */
  fail?: FaultCode;
  /** The fault comes after this many characters; 0 = before the first. */
  failAfter?: number;
  /** Characters per tick of 30 ms. */
  speed?: number;
  /** The share of today's allowance that is used, 0 to 1. */
  used?: number;
  /** A permission that the pasted token lacks. */
  missingPermission?: string;
  /** The token cannot list accounts. */
  hiddenAccounts?: boolean;
  savingTrouble?: boolean;
  /** What lies in the library; `full` is 4,000 documents, `indexing` stands in the middle of an ingestion. */
  library?: LibraryScene;
  /** Pictures in the gallery: none, 64 or 25,000. */
  gallery?: 'none' | 'some' | 'many';
  now?: number;
}

/** A scenario with nothing left open. Tests change it while it plays. */
export type Scene = Required<Omit<Scenario, 'fail' | 'missingPermission'>> &
  Pick<Scenario, 'fail' | 'missingPermission'>;

export const sceneOf = (scenario: Scenario): Scene => ({
  history: 'some',
  account: 'simulator',
  database: 'ok',
  keychain: 'ok',
  passphraseNeeded: false,
  locale: 'en',
  theme: 'system',
  failAfter: 0,
  speed: 24,
  used: 0.128,
  hiddenAccounts: false,
  savingTrouble: false,
  library: 'some',
  gallery: 'some',
  now: Date.now(),
  ...scenario,
});

export const hour = 3_600_000;
export const day = 24 * hour;

export const fault = (code: FaultCode, more: Partial<Fault> = {}): Fault => ({ code, ...more });

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** A counter for ids: one for all of a backend. */
export class Ids {
  private counter = 0;

  next(kind: string): string {
    this.counter += 1;
    return `${kind}-${this.counter}`;
  }
}
