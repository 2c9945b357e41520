import { cleanup, render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Scenario } from '$ipc/scripted';
import { startedApp, until } from '../../testing/app';
import WithApp from '../../testing/WithApp.svelte';
import Composer from './Composer.svelte';

afterEach(cleanup);

async function drawn(scenario: Scenario = {}) {
  const { app, backend } = await startedApp(scenario);
  render(WithApp, { props: { app, component: Composer as never, props: { chat: app.chat } } });
  const box = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Message' });
  return { app, backend, chat: app.chat, box, user: userEvent.setup() };
}

const keydown = (box: HTMLElement, init: KeyboardEventInit) => {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init });
  box.dispatchEvent(event);
  return event;
};

describe('Composer', () => {
  it('enter_sends_and_shift_enter_breaks_the_line', async () => {
    const { chat, box, user } = await drawn();
    await user.type(box, 'one{Shift>}{Enter}{/Shift}two');
    expect(box.value).toBe('one\ntwo');
    await user.keyboard('{Enter}');
    await until(() => chat.path.length === 2);
    expect(box.value).toBe('');
  });

  it.each([
    ['the flag', { isComposing: true }],
    ['the code 229', { keyCode: 229 }],
  ])('an_input_method_composition_never_sends_(%s)', async (_, mark) => {
    const { chat, box, user } = await drawn();
    await user.type(box, 'ni hao');
    const event = keydown(box, { key: 'Enter', ...mark });
    await tick();
    expect(event.defaultPrevented, 'the key belongs to the input method').toBe(false);
    expect(chat.path).toHaveLength(0);
    expect(box.value).toBe('ni hao');
  });

  it('with_the_other_setting_enter_breaks_the_line_and_ctrl_enter_sends', async () => {
    const { app, chat, box, user } = await drawn();
    app.preferences.set({ sendWithModifier: true });
    await user.type(box, 'one{Enter}two');
    expect(chat.path).toHaveLength(0);
    keydown(box, { key: 'Enter', ctrlKey: true });
    await until(() => chat.path.length === 2);
  });

  it('an_empty_box_sends_nothing', async () => {
    const { chat, box, user } = await drawn();
    await user.type(box, '   {Enter}');
    expect(chat.path).toHaveLength(0);
    expect(screen.getByRole('button', { name: 'Send' })).toBeDisabled();
  });

  it('escape_stops_and_the_button_says_stop', async () => {
    const { chat, box, user } = await drawn({ speed: 2 });
    await user.type(box, 'Hello{Enter}');
    await until(() => chat.run !== null);
    await tick();
    expect(screen.getByRole('button', { name: 'Stop' })).toBeVisible();
    await user.type(box, '{Escape}');
    await until(() => chat.run === null);
  });

  it('the_up_arrow_recalls_only_in_an_empty_box', async () => {
    const { chat, box, user } = await drawn();
    await user.type(box, 'Say it again{Enter}');
    await until(() => chat.path.length === 2 && chat.run === null);
    await user.type(box, '{ArrowUp}');
    expect(box.value).toBe('Say it again');
    await user.clear(box);
    await user.type(box, 'x{ArrowUp}');
    expect(box.value).toBe('x');
  });

  it('a_long_paste_becomes_a_file', async () => {
    const { chat, box, user } = await drawn();
    box.focus();
    await user.paste('word '.repeat(1000));
    await until(() => chat.composer.attachments.length === 1);
    expect(box.value).toBe('');
    await user.paste('short');
    expect(box.value).toBe('short');
  });

  it('a_picture_is_taken_only_by_a_model_that_sees', async () => {
    const { app, chat, box } = await drawn();
    const picture = new File([new Uint8Array([1])], 'cat.png', { type: 'image/png' });
    const paste = () => {
      const event = new Event('paste', { bubbles: true, cancelable: true });
      Object.assign(event, { clipboardData: { files: [picture], getData: () => '' } });
      box.dispatchEvent(event);
    };
    paste();
    await tick();
    expect(chat.composer.attachments).toHaveLength(0);
    expect(app.toasts.items[0]?.text).toContain('cannot see pictures');
    await chat.setOptions({ model: '@cf/meta/llama-4-scout-17b-16e-instruct' });
    paste();
    await until(() => chat.composer.attachments.length === 1);
  });

  it('a_chosen_document_goes_to_the_library_and_a_text_with_the_message', async () => {
    const { app, backend, chat, user } = await drawn({ library: 'none' });
    backend.picked = ['notes.txt', 'report.pdf'];
    await user.click(screen.getByRole('button', { name: /^Attach files/ }));
    await until(() => chat.options.documents.length > 0);
    expect(chat.composer.attachments.map(({ name }) => name)).toEqual(['notes.txt']);
    expect(app.library.ingests.size).toBe(1);
    expect(app.toasts.items, 'nothing was refused').toEqual([]);
  });

  it('a_chosen_document_goes_into_the_collection_of_a_conversation_that_has_begun', async () => {
    const { backend, chat, box, user } = await drawn({ library: 'none' });
    await user.type(box, 'Hello{Enter}');
    await until(() => chat.path.length === 2 && chat.run === null);
    const add = vi.spyOn(backend, 'addGrant');
    backend.picked = ['report.pdf'];
    await user.click(screen.getByRole('button', { name: /^Attach files/ }));
    await until(() => chat.options.collections.length === 1);
    expect(add.mock.calls[0]?.[0]).toBe(`conversation:${chat.id}`);
  });

  it('a_pasted_document_is_told_the_ways_that_it_can_take', async () => {
    const { app, chat, box } = await drawn();
    const event = new Event('paste', { bubbles: true, cancelable: true });
    const file = new File([new Uint8Array([1])], 'report.pdf', { type: 'application/pdf' });
    Object.assign(event, { clipboardData: { files: [file], getData: () => '' } });
    box.dispatchEvent(event);
    await until(() => app.toasts.items.length > 0);
    expect(app.toasts.items[0]?.text).toContain('report.pdf: A document cannot be pasted.');
    expect(chat.composer.attachments).toHaveLength(0);
  });

  it('an_at_sign_chooses_a_model', async () => {
    const { chat, box, user } = await drawn();
    await user.type(box, 'Ask @oss-20');
    expect(screen.getByRole('option', { name: /gpt-oss-20b/ })).toBeVisible();
    await user.keyboard('{Enter}');
    expect(chat.options.model).toBe('@cf/openai/gpt-oss-20b');
    expect(box.value).toBe('Ask ');
    expect(chat.path).toHaveLength(0);
  });

  it('a_slash_carries_out_a_command', async () => {
    const { app, box, user } = await drawn();
    const newChat = vi.fn();
    app.commands.register({ newChat });
    await user.type(box, '/new{Enter}');
    expect(newChat).toHaveBeenCalledOnce();
    expect(box.value).toBe('');
  });

  it('a_retired_model_offers_its_successor', async () => {
    const { chat, user } = await drawn();
    await chat.setOptions({ model: '@cf/meta/llama-2-7b-chat-fp16' });
    await user.click(await screen.findByRole('button', { name: 'Switch to glm-4.7-flash' }));
    expect(chat.options.model).toBe('@cf/zai-org/glm-4.7-flash');
  });

  it('the_attach_button_promises_pictures_only_when_the_model_sees', async () => {
    const { chat } = await drawn();
    expect(screen.getByRole('button', { name: 'Attach files' })).toBeVisible();
    await chat.setOptions({ model: '@cf/meta/llama-4-scout-17b-16e-instruct' });
    expect(await screen.findByRole('button', { name: 'Attach files or pictures' })).toBeVisible();
  });
});
