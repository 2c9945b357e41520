import { afterEach, describe, expect, it } from 'vitest';
import { language } from '$i18n';
import { asFault, detailsOf, faultTable, remedyOf, sentenceOf } from './faults';
import type { FaultCode } from './generated/domain';

const codes = Object.keys(faultTable) as FaultCode[];

afterEach(() => language.use('en'));

describe('the table of faults', () => {
  it.each(['en', 'zh-CN'] as const)('has_a_whole_sentence_for_every_code_in_%s', (locale) => {
    language.use(locale);
    for (const code of codes) {
      const sentence = sentenceOf({ code });
      expect(sentence.length, code).toBeGreaterThan(4);
      expect(sentence, code).toMatch(/[.。]$/);
      if (locale === 'zh-CN') expect(sentence, code).toMatch(/\p{Script=Han}/u);
    }
  });

  it('never_names_a_code_or_a_status_in_a_sentence', () => {
    for (const code of codes) {
      const sentence = sentenceOf({ code, status: 429, upstreamCode: 3036 });
      expect(sentence).not.toMatch(/3036|429/);
      if (/[A-Z]/.test(code)) expect(sentence).not.toContain(code);
    }
  });

  it('the_three_kinds_of_quota_have_three_remedies', () => {
    expect(remedyOf({ code: 'dailyAllowanceSpent' })).toBe('waitForReset');
    expect(remedyOf({ code: 'modelBusy' })).toBe('otherModel');
    expect(remedyOf({ code: 'rateLimited' })).toBe('retry');
  });

  it('a_missing_permission_is_named', () => {
    expect(sentenceOf({ code: 'tokenLacksPermission', detail: 'Account: Read' })).toContain('Account: Read');
    const sentence = sentenceOf({ code: 'tokenLacksPermission', detail: 'Authentication error', upstreamCode: 10000 });
    expect(sentence, 'the service names none').not.toContain('Authentication error');
    expect(sentence).toContain('Workers AI: Read');
  });

  it('a_file_that_is_too_large_names_the_limit', () => {
    expect(sentenceOf({ code: 'fileTooLarge', detail: '20 MiB' })).toContain('20 MiB');
    expect(sentenceOf({ code: 'fileTooLarge', detail: '99999 × 99999 pixels' })).not.toContain('99999');
  });

  it('a_retired_model_names_its_successor', () => {
    expect(sentenceOf({ code: 'modelGone', replacement: '@cf/zai-org/glm-4.7-flash' })).toContain('glm-4.7-flash');
  });

  it('details_hold_what_there_is_and_nothing_else', () => {
    expect(detailsOf({ code: 'modelBusy', status: 429, upstreamCode: 3040 })).toBe(
      'code: modelBusy\nstatus: 429\nservice code: 3040',
    );
  });

  it('a_stranger_becomes_internal', () => {
    expect(asFault({ code: 'modelBusy' })).toEqual({ code: 'modelBusy' });
    expect(asFault({ code: 'somethingNew' }).code).toBe('internal');
    expect(asFault(new Error('no such command'))).toEqual({ code: 'internal', detail: 'no such command' });
    expect(asFault('text')).toEqual({ code: 'internal', detail: 'text' });
  });
});
