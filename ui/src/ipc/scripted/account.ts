// Accounts: connecting one, in three ticks, and the states of a keychain.

import type { Listener } from '../backend';
import type {
  Account,
  AccountState,
  AppEvent,
  CheckEvent,
  FaultCode,
  KeepIn,
  KeychainState,
} from '../generated/domain';
import { fault, pause, type Ids, type Scene } from './scenario';

export interface AccountHooks {
  ids: Ids;
  tell: (event: AppEvent) => void;
}

export class ScriptedAccount {
  private now: AccountState;

  constructor(
    private hooks: AccountHooks,
    private scene: Scene,
  ) {
    this.now = this.firstAccount();
  }

  get simulated(): boolean {
    return this.now.current?.keptIn === 'simulator';
  }

  accountState = async (): Promise<AccountState> => this.now;

  async discoverAccounts(token: string) {
    await pause(200);
    if (token.trim().length < 10) throw fault('tokenRejected', { status: 401, upstreamCode: 1000 });
    const accounts = this.scene.hiddenAccounts
      ? []
      : [
          { id: '0123456789abcdef0123456789abcdef', name: "Ada's account" },
          { id: 'fedcba9876543210fedcba9876543210', name: 'Analytical Engines Ltd' },
        ];
    return { ticket: this.hooks.ids.next('ticket'), accounts, accountIdNeeded: accounts.length === 0 };
  }

  async checkAccount(_ticket: string, accountId: string, events: Listener<CheckEvent>): Promise<boolean> {
    events({ step: 'tokenValid', outcome: null });
    await pause(250);
    events({ step: 'tokenValid', outcome: { kind: 'proved', neurons: null } });
    events({ step: 'workersAiPermission', outcome: null });
    await pause(250);
    if (!/^[0-9a-f]{32}$/.test(accountId)) {
      events({
        step: 'workersAiPermission',
        outcome: { kind: 'failed', fault: fault('accountUnknown', { status: 404 }), missingPermission: null },
      });
      return false;
    }
    if (this.scene.missingPermission) {
      const missingPermission = this.scene.missingPermission;
      const why = fault('tokenLacksPermission', { status: 403, upstreamCode: 10000, detail: missingPermission });
      events({ step: 'workersAiPermission', outcome: { kind: 'failed', fault: why, missingPermission } });
      return false;
    }
    events({ step: 'workersAiPermission', outcome: { kind: 'proved', neurons: null } });
    events({ step: 'oneTokenAnswer', outcome: null });
    await pause(350);
    events({ step: 'oneTokenAnswer', outcome: { kind: 'proved', neurons: 0.12 } });
    return true;
  }

  async connectAccount(_ticket: string, accountId: string, keep: KeepIn): Promise<AccountState> {
    if (keep.kind === 'keychain' && this.scene.keychain !== 'ok') throw fault(keychainFault[this.scene.keychain]);
    const account: Account = {
      key: `cloudflare-${accountId.slice(0, 6)}`,
      accountId,
      name: "Ada's account",
      gateway: null,
      keptIn: keep.kind,
    };
    return this.setAccount({ current: account, ready: true, accounts: [...this.now.accounts, account] });
  }

  async tryDemo(): Promise<AccountState> {
    await pause(120);
    return this.setAccount({ current: simulatorAccount, ready: true, accounts: [simulatorAccount] });
  }

  async switchAccount(key: string): Promise<AccountState> {
    const current = this.now.accounts.find((account) => account.key === key);
    if (!current) throw fault('notFound');
    return this.setAccount({ current, ready: true });
  }

  async disconnectAccount(key: string): Promise<AccountState> {
    const accounts = this.now.accounts.filter((account) => account.key !== key);
    const current = accounts[0] ?? null;
    return this.setAccount({ accounts, current, ready: current !== null });
  }

  async unlockKeyFile(passphrase: string): Promise<AccountState> {
    await pause(150);
    if (passphrase !== 'correct horse') throw fault('passphraseWrong');
    return this.setAccount({ passphraseNeeded: false, ready: true });
  }

  async retryKeychain(): Promise<AccountState> {
    await pause(150);
    return this.setAccount({ keychain: 'ok', ready: true });
  }

  private firstAccount(): AccountState {
    const { account, keychain, passphraseNeeded } = this.scene;
    const cloudflare: Account = {
      key: 'cloudflare-012345',
      accountId: '0123456789abcdef0123456789abcdef',
      name: "Ada's account",
      gateway: null,
      keptIn: passphraseNeeded ? 'encryptedFile' : 'keychain',
    };
    const current = account === 'none' ? null : account === 'simulator' ? simulatorAccount : cloudflare;
    const ready = current !== null && !passphraseNeeded && (current === simulatorAccount || keychain === 'ok');
    return { current, ready, accounts: current ? [current] : [], keychain, passphraseNeeded };
  }

  private setAccount(change: Partial<AccountState>): AccountState {
    this.now = { ...this.now, ...change };
    this.hooks.tell({ kind: 'accountChanged', state: this.now });
    return this.now;
  }
}

const simulatorAccount: Account = {
  key: 'simulator',
  accountId: '00000000000000000000000000000000',
  name: 'Simulator',
  gateway: null,
  keptIn: 'simulator',
};

const keychainFault: Record<KeychainState, FaultCode> = {
  ok: 'internal',
  locked: 'keychainLocked',
  denied: 'keychainDenied',
  absent: 'keychainMissing',
  silent: 'keychainSilent',
};
