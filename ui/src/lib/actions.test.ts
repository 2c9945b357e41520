import { describe, expect, it } from 'vitest';
import { language } from '$i18n';
import { actionTable, bindings, conflicts, keyOf } from './actions';

describe('the table of actions', () => {
  it('has_no_id_and_no_key_twice', () => {
    expect(new Set(actionTable.map((action) => action.id)).size).toBe(actionTable.length);
    expect([...conflicts({})]).toEqual([]);
  });

  it('names_every_action_in_both_languages', () => {
    for (const locale of ['en', 'zh-CN'] as const) {
      language.use(locale);
      for (const action of actionTable) expect(action.name(), action.id).not.toBe('');
    }
    language.use('en');
  });

  it('holds_the_keys_that_the_product_promises', () => {
    const bound = bindings({});
    const promised = {
      'Ctrl+N': 'newChat',
      'Ctrl+Shift+N': 'newImage',
      'Ctrl+K': 'palette',
      'Ctrl+F': 'findInChat',
      'Ctrl+Shift+F': 'searchAll',
      'Ctrl+,': 'settings',
      'Ctrl+/': 'shortcuts',
      'Ctrl+B': 'toggleSidebar',
      'Ctrl+]': 'togglePanel',
      'Ctrl+Shift+M': 'modelPicker',
      'Ctrl+R': 'regenerate',
      'Ctrl+Shift+C': 'copyAnswer',
      'Ctrl+Shift+E': 'editLast',
      'Ctrl+Tab': 'nextChat',
      'Ctrl+1': 'chat1',
      'Ctrl+9': 'chat9',
      'Ctrl+Shift+Backspace': 'deleteChat',
      'Ctrl+=': 'zoomIn',
      'Ctrl+-': 'zoomOut',
      'Ctrl+0': 'zoomReset',
    };
    for (const [key, action] of Object.entries(promised)) expect(bound.get(key), key).toBe(action);
  });

  it('a_changed_key_moves_the_action_and_frees_the_old_key', () => {
    const changed = { newChat: 'Ctrl+Shift+O' };
    expect(bindings(changed).get('Ctrl+Shift+O')).toBe('newChat');
    expect(bindings(changed).has('Ctrl+N')).toBe(false);
  });

  it('two_actions_on_one_key_are_told', () => {
    expect(conflicts({ newChat: 'Ctrl+K' }).get('Ctrl+K')).toEqual(['newChat', 'palette']);
  });

  it('an_emptied_key_is_no_key', () => {
    const newChat = actionTable.find((action) => action.id === 'newChat');
    expect(newChat && keyOf(newChat, { newChat: '' })).toBe('');
    expect(bindings({ newChat: '' }).has('')).toBe(false);
  });
});
