// The states in which a database can be found.

import type { DatabaseState } from '../generated/domain';
import { day, fault, type Scene } from './scenario';

export function databaseOf({ database, now }: Scene): DatabaseState {
  const copy = (back: number) => ({
    name: `edgewise-${new Date(now - back * day).toISOString().slice(0, 10)}.sqlite`,
    size: 18_400_000 - back * 120_000,
    madeAt: now - back * day,
  });
  switch (database) {
    case 'newer':
      return { kind: 'newer', found: 12, known: 9 };
    case 'damaged':
      return {
        kind: 'damaged',
        detail: 'row 1204 missing from index messages_by_parent',
        copies: [copy(0), copy(1), copy(4)],
      };
    case 'locked':
      return { kind: 'locked' };
    case 'unreadable':
      return { kind: 'unreadable', fault: fault('readOnly', { detail: 'permission denied' }) };
    default:
      return { kind: 'ok' };
  }
}
