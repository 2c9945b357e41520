// Connecting an account, step by step: token, account, three ticks, where the key is kept.

import { SvelteMap } from 'svelte/reactivity';
import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { AccountState, CheckOutcome, CheckStep, Discovery, Fault, KeepIn } from '$ipc/generated/domain';

export const checkSteps: readonly CheckStep[] = ['tokenValid', 'workersAiPermission', 'oneTokenAnswer'];

/** A token without what pasting adds: spaces, line breaks, and the word that stands before it in a header. */
const bare = (token: string): string => token.replace(/^\s*Bearer\s/i, '').replace(/\s+/g, '');

const accountIdForm = /^[0-9a-f]{32}$/i;

export class Connection {
  stage = $state<'token' | 'account' | 'keep'>('token');
  token = $state('');
  discovery = $state.raw<Discovery | null>(null);
  accountId = $state('');
  /** What was said of each tick; null while it is being tried. */
  ticks = new SvelteMap<CheckStep, CheckOutcome | null>();
  proved = $state(false);
  busy = $state(false);
  fault = $state.raw<Fault | null>(null);

  constructor(private backend: Backend) {}

  get accountIdValid(): boolean {
    return accountIdForm.test(this.accountId.trim());
  }

  /** Looks which accounts the token sees. The token leaves the window here and is forgotten in it. */
  async discover(): Promise<void> {
    await this.#busily(async () => {
      this.discovery = await this.backend.discoverAccounts(bare(this.token));
      this.token = '';
      const [only, another] = this.discovery.accounts;
      this.stage = 'account';
      if (only && !another) {
        this.accountId = only.id;
        await this.#check();
      }
    });
  }

  async check(): Promise<void> {
    await this.#busily(() => this.#check());
  }

  async connect(keep: KeepIn): Promise<AccountState | null> {
    let state: AccountState | null = null;
    await this.#busily(async () => {
      if (this.discovery) {
        state = await this.backend.connectAccount(this.discovery.ticket, this.accountId.trim().toLowerCase(), keep);
      }
    });
    return state;
  }

  startOver(): void {
    this.stage = 'token';
    this.discovery = null;
    this.accountId = '';
    this.ticks.clear();
    this.proved = false;
    this.fault = null;
  }

  async #check(): Promise<void> {
    if (!this.discovery) return;
    this.ticks.clear();
    this.proved = false;
    const { ticket } = this.discovery;
    this.proved = await this.backend.checkAccount(ticket, this.accountId.trim().toLowerCase(), ({ step, outcome }) => {
      this.ticks.set(step, outcome);
    });
  }

  async #busily(work: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.fault = null;
    try {
      await work();
    } catch (error) {
      this.fault = asFault(error);
    } finally {
      this.busy = false;
    }
  }
}
