// The real backend: Tauri commands and channels. The only file that imports @tauri-apps.

import { Channel, invoke } from '@tauri-apps/api/core';
import type { Backend, Listener } from './backend';
import { asFault } from './faults';

async function call<T>(command: string, args?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (error) {
    throw asFault(error);
  }
}

function channel<E>(listener: Listener<E>): Channel<E> {
  const events = new Channel<E>();
  events.onmessage = listener;
  return events;
}

/** WebView2 has no custom schemes of its own: there they are hosts. */
const mediaOrigin = navigator.userAgent.includes('Windows') ? 'http://media.localhost' : 'media://';

export const tauri: Backend = {
  appInfo: () => call('app_info'),
  subscribe: (events) => call('subscribe', { events: channel(events) }),
  openLink: (url) => call('open_link', { url }),
  revealDataFolder: () => call('reveal_data_folder'),
  restoreCopy: (name) => call('restore_copy', { name }),
  startFresh: () => call('start_fresh'),

  accountState: () => call('account_state'),
  discoverAccounts: (token) => call('discover_accounts', { token }),
  checkAccount: (ticket, accountId, events) => call('check_account', { ticket, accountId, events: channel(events) }),
  connectAccount: (ticket, accountId, keep) => call('connect_account', { ticket, accountId, keep }),
  tryDemo: () => call('try_demo'),
  switchAccount: (key) => call('switch_account', { key }),
  disconnectAccount: (key) => call('disconnect_account', { key }),
  unlockKeyFile: (passphrase) => call('unlock_key_file', { passphrase }),
  retryKeychain: () => call('retry_keychain'),

  sendMessage: (request, events) => call('send_message', { request, events: channel(events) }),
  regenerate: (message, model, events) => call('regenerate', { message, model, events: channel(events) }),
  editMessage: (message, text, attachments, events) =>
    call('edit_message', { message, text, attachments, events: channel(events) }),
  continueAnswer: (message, events) => call('continue_answer', { message, events: channel(events) }),
  stopRun: (run) => call('stop_run', { run }),
  attachRun: (run, after, events) => call('attach_run', { run, after, events: channel(events) }),
  activeRuns: () => call('active_runs'),
  contextMeter: (conversation, options, draft, attachments) =>
    call('context_meter', { conversation, options, draft, attachments }),
  copyMessage: (message, form) => call('copy_message', { message, form }),

  conversations: (offset, limit, archived) => call('conversations', { offset, limit, archived }),
  transcript: (conversation) => call('transcript', { conversation }),
  messages: (ids) => call('messages', { ids }),
  selectVersion: (message) => call('select_version', { message }),
  renameConversation: (conversation, title) => call('rename_conversation', { conversation, title }),
  pinConversation: (conversation, pinned) => call('pin_conversation', { conversation, pinned }),
  archiveConversation: (conversation, archived) => call('archive_conversation', { conversation, archived }),
  deleteConversation: (conversation) => call('delete_conversation', { conversation }),
  undeleteConversation: (conversation) => call('undelete_conversation', { conversation }),
  forkConversation: (message) => call('fork_conversation', { message }),
  setConversationOptions: (conversation, options) => call('set_conversation_options', { conversation, options }),
  saveDraft: (conversation, text) => call('save_draft', { conversation, text }),
  draft: (conversation) => call('draft', { conversation }),
  searchHistory: (query, limit) => call('search_history', { query, limit }),
  exportConversations: (ids, format) => call('export_conversations', { ids, format }),
  importConversations: () => call('import_conversations'),
  backUp: () => call('back_up'),
  restoreBackup: () => call('restore_backup'),

  // The bytes go as the raw body of the call, the name as a header: JSON would make four bytes of each.
  attachBytes: async (name, bytes) => {
    try {
      return await invoke('attach_bytes', bytes, { headers: { 'x-name': encodeURIComponent(name) } });
    } catch (error) {
      throw asFault(error);
    }
  },
  attachPicked: () => call('attach_picked'),
  attachGrant: (grant) => call('attach_grant', { grant }),
  attachmentUrl: (id) => (mediaOrigin === 'media://' ? `media://attachment/${id}` : `${mediaOrigin}/attachment/${id}`),

  catalogue: (refresh) => call('catalogue', { refresh }),
  usageToday: () => call('usage_today'),
  usageReport: (days) => call('usage_report', { days }),
  settings: () => call('settings'),
  saveSettings: (settings) => call('save_settings', { settings }),
};
