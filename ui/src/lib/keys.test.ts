import { describe, expect, it } from 'vitest';
import { isComposing, keyCaps, keyFrom } from './keys';

const press = (key: string, code: string, held: Partial<Record<'ctrl' | 'shift' | 'alt' | 'meta', boolean>> = {}) => ({
  key,
  code,
  ctrlKey: held.ctrl ?? false,
  shiftKey: held.shift ?? false,
  altKey: held.alt ?? false,
  metaKey: held.meta ?? false,
});

describe('keyFrom', () => {
  it.each([
    [press('n', 'KeyN', { ctrl: true }), 'Ctrl+N'],
    [press('F', 'KeyF', { ctrl: true, shift: true }), 'Ctrl+Shift+F'],
    [press('"', 'Quote', { ctrl: true, shift: true }), "Ctrl+Shift+'"],
    [press(':', 'Semicolon', { ctrl: true, shift: true }), 'Ctrl+Shift+;'],
    [press('/', 'Slash', { ctrl: true }), 'Ctrl+/'],
    [press(']', 'BracketRight', { ctrl: true }), 'Ctrl+]'],
    [press('=', 'Equal', { ctrl: true }), 'Ctrl+='],
    [press('+', 'NumpadAdd', { ctrl: true }), 'Ctrl+='],
    [press('7', 'Digit7', { ctrl: true }), 'Ctrl+7'],
    [press('Tab', 'Tab', { ctrl: true, shift: true }), 'Ctrl+Shift+Tab'],
    [press('Escape', 'Escape', { shift: true }), 'Shift+Escape'],
    [press('F2', 'F2'), 'F2'],
    // A Russian layout: the key that is N elsewhere.
    [press('т', 'KeyN', { ctrl: true }), 'Ctrl+N'],
  ])('%o is %s', (event, key) => {
    expect(keyFrom(event, false)).toBe(key);
  });

  it('a_lone_modifier_is_nothing', () => {
    expect(keyFrom(press('Control', 'ControlLeft', { ctrl: true }), false)).toBe('');
  });

  it('command_is_the_modifier_on_a_mac', () => {
    expect(keyFrom(press('k', 'KeyK', { meta: true }), true)).toBe('Ctrl+K');
    expect(keyFrom(press('k', 'KeyK', { ctrl: true }), true)).toBe('Control+K');
    expect(keyCaps('Ctrl+Shift+K', true)).toEqual(['⌘', '⇧', 'K']);
  });
});

describe('isComposing', () => {
  it('sees_a_composition_by_its_flag_and_by_the_code_229', () => {
    expect(isComposing(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true }))).toBe(true);
    expect(isComposing(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229 }))).toBe(true);
    expect(isComposing(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 13 }))).toBe(false);
  });
});
