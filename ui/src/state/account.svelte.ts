// The account in use, and whether requests can be made with it.

import type { Backend } from '$ipc/backend';
import { asFault } from '$ipc/faults';
import type { AccountState, Fault } from '$ipc/generated/domain';

export class AccountBook {
  state = $state.raw<AccountState>({
    current: null,
    ready: false,
    accounts: [],
    keychain: 'ok',
    passphraseNeeded: false,
  });
  busy = $state(false);
  fault = $state.raw<Fault | null>(null);

  constructor(private backend: Backend) {}

  get simulated(): boolean {
    return this.state.current?.keptIn === 'simulator';
  }

  load = (): Promise<boolean> => this.#change(() => this.backend.accountState());
  tryDemo = (): Promise<boolean> => this.#change(() => this.backend.tryDemo());
  switchTo = (key: string): Promise<boolean> => this.#change(() => this.backend.switchAccount(key));
  disconnect = (key: string): Promise<boolean> => this.#change(() => this.backend.disconnectAccount(key));
  unlock = (passphrase: string): Promise<boolean> => this.#change(() => this.backend.unlockKeyFile(passphrase));
  retryKeychain = (): Promise<boolean> => this.#change(() => this.backend.retryKeychain());

  async #change(ask: () => Promise<AccountState>): Promise<boolean> {
    this.busy = true;
    this.fault = null;
    try {
      this.state = await ask();
      return true;
    } catch (error) {
      this.fault = asFault(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
