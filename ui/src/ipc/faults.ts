// Faults as a person reads them: for each code what happened, what was kept, and the one thing to do about it.
// `Record<FaultCode, …>`: a new code does not compile without its sentence.

import { m } from '$i18n';
import type { Fault, FaultCode } from './generated/domain';

/** The one action offered beside a sentence. */
export type Remedy =
  | 'retry'
  | 'otherModel'
  | 'openAccounts'
  | 'openNetwork'
  | 'openUsage'
  | 'waitForReset'
  | 'continue'
  | 'newChat'
  | 'retryKeychain'
  | 'revealDataFolder'
  | 'openTerms'
  | 'openTokens'
  | 'none';

interface Entry {
  sentence: (fault: Fault) => string;
  remedy: Remedy;
}

export const faultTable: Record<FaultCode, Entry> = {
  noAccount: { sentence: () => m.fault_noAccount(), remedy: 'openAccounts' },
  tokenRejected: { sentence: () => m.fault_tokenRejected(), remedy: 'openAccounts' },
  tokenLacksPermission: {
    sentence: (fault) => m.fault_tokenLacksPermission({ permission: permissionOf(fault) }),
    remedy: 'openTokens',
  },
  accountUnknown: { sentence: () => m.fault_accountUnknown(), remedy: 'openAccounts' },
  dailyAllowanceSpent: { sentence: () => m.fault_dailyAllowanceSpent(), remedy: 'waitForReset' },
  rateLimited: { sentence: () => m.fault_rateLimited(), remedy: 'retry' },
  modelBusy: { sentence: () => m.fault_modelBusy(), remedy: 'otherModel' },
  modelGone: {
    sentence: (fault) =>
      fault.replacement ? m.fault_modelGoneReplaced({ model: shortName(fault.replacement) }) : m.fault_modelGone(),
    remedy: 'otherModel',
  },
  paidPlanNeeded: { sentence: () => m.fault_paidPlanNeeded(), remedy: 'otherModel' },
  licenceNeeded: { sentence: () => m.fault_licenceNeeded(), remedy: 'openTerms' },
  contextTooLong: { sentence: () => m.fault_contextTooLong(), remedy: 'newChat' },
  contentRefused: { sentence: () => m.fault_contentRefused(), remedy: 'otherModel' },
  badRequest: { sentence: () => m.fault_badRequest(), remedy: 'otherModel' },
  requestTooLarge: { sentence: () => m.fault_requestTooLarge(), remedy: 'newChat' },
  upstream: { sentence: () => m.fault_upstream(), remedy: 'retry' },
  notTheService: { sentence: () => m.fault_notTheService(), remedy: 'openNetwork' },
  offline: { sentence: () => m.fault_offline(), remedy: 'retry' },
  tlsRefused: { sentence: () => m.fault_tlsRefused(), remedy: 'openNetwork' },
  proxyRefused: { sentence: () => m.fault_proxyRefused(), remedy: 'openNetwork' },
  timedOut: { sentence: () => m.fault_timedOut(), remedy: 'retry' },
  streamCut: { sentence: () => m.fault_streamCut(), remedy: 'continue' },
  emptyAnswer: { sentence: () => m.fault_emptyAnswer(), remedy: 'retry' },
  keychainLocked: { sentence: () => m.fault_keychainLocked(), remedy: 'retryKeychain' },
  keychainDenied: { sentence: () => m.fault_keychainDenied(), remedy: 'retryKeychain' },
  keychainMissing: { sentence: () => m.fault_keychainMissing(), remedy: 'openAccounts' },
  keychainSilent: { sentence: () => m.fault_keychainSilent(), remedy: 'retryKeychain' },
  passphraseWrong: { sentence: () => m.fault_passphraseWrong(), remedy: 'none' },
  diskFull: { sentence: () => m.fault_diskFull(), remedy: 'revealDataFolder' },
  readOnly: { sentence: () => m.fault_readOnly(), remedy: 'revealDataFolder' },
  databaseBusy: { sentence: () => m.fault_databaseBusy(), remedy: 'retry' },
  databaseNewer: { sentence: () => m.fault_databaseNewer(), remedy: 'none' },
  databaseDamaged: { sentence: () => m.fault_databaseDamaged(), remedy: 'revealDataFolder' },
  fileUnreadable: { sentence: () => m.fault_fileUnreadable(), remedy: 'none' },
  fileTooLarge: {
    sentence: ({ detail }) =>
      detail && /^\d+ MiB$/.test(detail) ? m.fault_fileTooLargeLimit({ limit: detail }) : m.fault_fileTooLarge(),
    remedy: 'none',
  },
  fileEncrypted: { sentence: () => m.fault_fileEncrypted(), remedy: 'none' },
  fileHasNoText: { sentence: () => m.fault_fileHasNoText(), remedy: 'none' },
  formatUnknown: { sentence: () => m.fault_formatUnknown(), remedy: 'none' },
  notFound: { sentence: () => m.fault_notFound(), remedy: 'none' },
  invalidInput: { sentence: () => m.fault_invalidInput(), remedy: 'none' },
  capReached: { sentence: () => m.fault_capReached(), remedy: 'openUsage' },
  stopped: { sentence: () => m.fault_stopped(), remedy: 'continue' },
  internal: { sentence: () => m.fault_internal(), remedy: 'retry' },
};

/** A permission as the dashboard names it. A call's detail holds the service's own words, which name none. */
function permissionOf({ detail }: Fault): string {
  return detail && /^[A-Z][\w ]+: (Read|Edit|Write)$/.test(detail) ? detail : 'Workers AI: Read, Workers AI: Edit';
}

export const sentenceOf = (fault: Fault): string => faultTable[fault.code].sentence(fault);

export const remedyOf = (fault: Fault): Remedy => faultTable[fault.code].remedy;

/** What can be copied for a report: codes and the service's words, which hold no secret by construction. */
export function detailsOf(fault: Fault): string {
  const lines: [string, string | number | undefined][] = [
    ['code', fault.code],
    ['status', fault.status],
    ['service code', fault.upstreamCode],
    ['detail', fault.detail],
    ['reference', fault.reference],
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([label, value]) => `${label}: ${value}`)
    .join('\n');
}

/** Whatever a call rejected with, as a fault. A stranger's error becomes `internal` with its words. */
export function asFault(error: unknown): Fault {
  if (typeof error === 'object' && error !== null && 'code' in error) {
    const code = (error as { code: unknown }).code;
    if (typeof code === 'string' && code in faultTable) return error as Fault;
  }
  return { code: 'internal', detail: error instanceof Error ? error.message : String(error) };
}

const shortName = (model: string): string => model.slice(model.lastIndexOf('/') + 1);
